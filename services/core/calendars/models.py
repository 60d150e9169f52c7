"""Tables of working days: the announced years, and the days that differ from the ordinary week."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class CalendarYear(Base):
    """An announced year of a calendar. A year without a row counts Monday to Friday."""

    __tablename__ = "calendar_year"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    calendar_code: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column()
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CalendarDay(Base):
    """A day that differs from its weekday, or that has a name."""

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint("kind IN ('workday', 'rest')", name="kind"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    calendar_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)


class CalendarHistory(Base):
    """One change of a calendar: years as announced, and by whom. Append-only.

    `version` counts the changes of the whole calendar; 1 is its initial state. `years` holds each
    year's `source` and its `days`, as `calendars.announcement` writes them.
    """

    __tablename__ = "calendar_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    calendar_code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    years: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
