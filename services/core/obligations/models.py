"""Tables of reporting obligations: who owes which value by when."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Obligation(Base):
    """One value that a unit owes for an opened period.

    Its outcome (met, late, missing) is computed from the submission in the same slot and from the
    date; it is never stored. `epoch` counts its due dates: an approved extension, a reopened period
    or a calendar that moves the date begins a new epoch. `original_due_date` is the first due date.
    A waived obligation is no longer owed.
    """

    __tablename__ = "obligation"
    __table_args__ = (
        Index(
            "uq_obligation_place",
            "city_code",
            "plan_code",
            "period",
            "indicator_code",
            "organization_code",
            unique=True,
        ),
        Index(
            "ix_obligation_organization",
            "city_code",
            "plan_code",
            "organization_code",
            "due_date",
            "id",
        ),
        Index(
            "ix_obligation_due",
            "city_code",
            "plan_code",
            "due_date",
            "id",
            postgresql_where=text("state = 'owed'"),
        ),
        Index(
            "ix_obligation_extended",
            "city_code",
            "plan_code",
            postgresql_where=text("extensions > 0"),
        ),
        CheckConstraint("state IN ('owed', 'waived')", name="state"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    indicator_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    due_date: Mapped[date] = mapped_column(Date)
    original_due_date: Mapped[date] = mapped_column(Date)
    epoch: Mapped[int] = mapped_column()
    extensions: Mapped[int] = mapped_column()
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ObligationHistory(Base):
    """One change of an obligation, its creation first. Append-only."""

    __tablename__ = "obligation_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    obligation_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
