"""The table of reminders."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Reminder(Base):
    """A reminder to a unit of the values that it had not reported for a period. Append-only.

    Its unique key allows one per unit, period and local day. `indicator_codes` were missing then,
    and `due_date` is the earliest of their due dates.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        Index(
            "uq_reminder_day",
            "city_code",
            "plan_code",
            "period",
            "organization_code",
            "day",
            unique=True,
        ),
        Index("ix_reminder_period", "city_code", "plan_code", "period", "id"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    indicator_codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    due_date: Mapped[date] = mapped_column(Date)
    note: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reminded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
