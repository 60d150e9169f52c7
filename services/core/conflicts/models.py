"""Columns that all tables of conflicts share: both versions, and which of them was chosen."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from services.core.kit.database import Base


class KeptConflict(Base):
    """A change that did not fit the present state of something in the ledger.

    `base` is the ledger's version when the device last saw it, `ledger` its version when the
    conflict was raised, `device` the wanted one. `claimed_at` is the device's own time, which
    proves nothing.
    """

    __abstract__ = True

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    base: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
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


class DeviceConflict(KeptConflict):
    """A conflict with a device only, over something that the device had seen before.

    `title` is the thing's title when the conflict was raised.
    """

    __abstract__ = True

    title: Mapped[str] = mapped_column(Text)
    base: Mapped[dict[str, Any]] = mapped_column(JSONB)


Conflict = TypeVar("Conflict", bound=KeptConflict)


def table_args(table: str) -> tuple[SchemaItem, ...]:
    """Return the indexes and checks that every table of conflicts has."""
    return (
        Index(f"ix_{table}_plan", "city_code", "plan_code", "id"),
        Index(
            f"ix_{table}_open",
            "city_code",
            "plan_code",
            "organization_code",
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("(state = 'decided') = (taken IS NOT NULL)", name="taken_when_decided"),
    )


def device_table_args(table: str, thing: str) -> tuple[SchemaItem, ...]:
    """Return the indexes and checks of a table of device conflicts over a `thing`.

    The table has a column with the thing's id.
    """
    return (
        *table_args(table),
        Index(f"ix_{table}_{thing}", "city_code", f"{thing}_id", "id"),
        CheckConstraint("state IN ('open', 'decided')", name="state"),
        CheckConstraint("taken IN ('ledger', 'device')", name="taken"),
    )
