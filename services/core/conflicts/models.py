"""The table of conflicts: what the ledger says, what else was said, and which of them was taken."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Date, DateTime, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Conflict(Base):
    """Something that was said of a submission and did not go together with what it says.

    `fields` are those that differ, by the names of `rules.FIELDS`. `base` is what they said when
    the device saw them last (null: it saw none), `ledger` what they said when the conflict was
    raised, `device` what was wanted; each by column, numbers as text. `claimed_at` is what the
    device's clock said and proves nothing.

    One of the `kind` `observation` is between the official value and what another source says:
    `observed` holds that, `device` nothing. `difference` and `allowed` are how far the two lie
    apart and may; null where they are no two numbers. `owner_code` is the unit that has to decide
    until `due_date`; null: the office.
    """

    __tablename__ = "conflict"
    __table_args__ = (
        Index("ix_conflict_plan", "city_code", "plan_code", "id"),
        Index("ix_conflict_submission", "city_code", "submission_id"),
        Index(
            "ix_conflict_open",
            "city_code",
            "plan_code",
            "organization_code",
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "uq_conflict_open_observation",
            "city_code",
            "observation_id",
            unique=True,
            postgresql_where=text("state = 'open' AND observation_id IS NOT NULL"),
        ),
        Index(
            "ix_conflict_observation",
            "city_code",
            "observation_id",
            "id",
            postgresql_where=text("observation_id IS NOT NULL"),
        ),
        CheckConstraint("state IN ('open', 'decided', 'closed')", name="state"),
        CheckConstraint(
            "reason IN ('both-changed', 'moved-on', 'place-taken', 'over-tolerance')",
            name="reason",
        ),
        CheckConstraint("taken IN ('ledger', 'device', 'observation', 'both')", name="taken"),
        CheckConstraint("(state = 'decided') = (taken IS NOT NULL)", name="taken_when_decided"),
        CheckConstraint("kind IN ('device', 'observation')", name="kind"),
        CheckConstraint(
            "(kind = 'observation') = (observation_id IS NOT NULL)"
            " AND (kind = 'observation') = (observed IS NOT NULL)"
            " AND (kind = 'observation') = (due_date IS NOT NULL)",
            name="of_an_observation",
        ),
        CheckConstraint(
            "(state = 'closed') = (closed_because IS NOT NULL)"
            " AND (state = 'closed') = (closed_at IS NOT NULL)",
            name="closed_for_a_reason",
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, server_default=text("'device'"))
    submission_id: Mapped[UUID] = mapped_column()
    observation_id: Mapped[UUID | None] = mapped_column()
    indicator_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    base: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ledger: Mapped[dict[str, Any]] = mapped_column(JSONB)
    device: Mapped[dict[str, Any]] = mapped_column(JSONB)
    observed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    difference: Mapped[Decimal | None] = mapped_column(Numeric)
    allowed: Mapped[Decimal | None] = mapped_column(Numeric)
    owner_code: Mapped[str | None] = mapped_column(Text)
    due_date: Mapped[date | None] = mapped_column(Date)
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    raised_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(Text)
    taken: Mapped[str | None] = mapped_column(Text)
    decision_reason: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_because: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()
