"""The table of conflicts over submissions: with devices, and with other sources."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Date, DateTime, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.conflicts.models import KeptConflict, table_args


class SubmissionConflict(KeptConflict):
    """A change or an observation that conflicts with a submission.

    `fields` are those that differ, by the names of `rules.FIELDS`; both versions are by column,
    with numbers as text. `base` is null if the device had seen none.

    The `kind` `observation` is a conflict between the official value and another source: `observed`
    has the source's figure, and `device` is empty. `difference` and `allowed` are the distance of
    the two and its limit; null if they are not two numbers. `owner_code` is the unit that has to
    decide until `due_date`; null: the office.
    """

    __tablename__ = "conflict"
    __table_args__ = (
        *table_args("conflict"),
        Index("ix_conflict_submission", "city_code", "submission_id"),
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

    kind: Mapped[str] = mapped_column(Text, server_default=text("'device'"))
    submission_id: Mapped[UUID] = mapped_column()
    observation_id: Mapped[UUID | None] = mapped_column()
    indicator_code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    observed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    difference: Mapped[Decimal | None] = mapped_column(Numeric)
    allowed: Mapped[Decimal | None] = mapped_column(Numeric)
    owner_code: Mapped[str | None] = mapped_column(Text)
    due_date: Mapped[date | None] = mapped_column(Date)
    closed_because: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
