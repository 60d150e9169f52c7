"""The table of conflicts over rows of registers: both versions, and which of them was taken."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class RegisterRowConflict(Base):
    """Something that a device wanted a row to say and did not go together with what it says.

    `columns` are those that differ, by code. `base` is what they said when the device saw them
    last, `ledger` what they said when the conflict was raised, `device` what was wanted; null:
    nothing. `title` is what the row was called then. `claimed_at` is what the device's clock said
    and proves nothing.
    """

    __tablename__ = "register_row_conflict"
    __table_args__ = (
        Index("ix_register_row_conflict_plan", "city_code", "plan_code", "id"),
        Index("ix_register_row_conflict_row", "city_code", "row_id", "id"),
        Index(
            "ix_register_row_conflict_open",
            "city_code",
            "plan_code",
            "organization_code",
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("state IN ('open', 'decided')", name="state"),
        CheckConstraint("taken IN ('ledger', 'device')", name="taken"),
        CheckConstraint("(state = 'decided') = (taken IS NOT NULL)", name="taken_when_decided"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    register_code: Mapped[str] = mapped_column(Text)
    row_id: Mapped[UUID] = mapped_column()
    organization_code: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text))
    base: Mapped[dict[str, Any]] = mapped_column(JSONB)
    ledger: Mapped[dict[str, Any]] = mapped_column(JSONB)
    device: Mapped[dict[str, Any]] = mapped_column(JSONB)
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    raised_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(Text)
    taken: Mapped[str | None] = mapped_column(Text)
    decision_reason: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()
