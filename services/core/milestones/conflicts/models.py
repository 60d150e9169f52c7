"""The table of conflicts over milestones: both versions, and which of them was taken."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class MilestoneConflict(Base):
    """Something that a device wanted of a milestone and did not go together with what it says.

    `verb` is what it wanted to do, `fields` those of the verb that differ. `base` is what they
    said when the device saw them last, `ledger` what they said when the conflict was raised,
    `device` what was wanted; each by column, numbers and days as text. `title` is what the
    milestone was called then. `claimed_at` is what the device's clock said and proves nothing.
    """

    __tablename__ = "milestone_conflict"
    __table_args__ = (
        Index("ix_milestone_conflict_plan", "city_code", "plan_code", "id"),
        Index("ix_milestone_conflict_milestone", "city_code", "milestone_id", "id"),
        Index(
            "ix_milestone_conflict_open",
            "city_code",
            "plan_code",
            "organization_code",
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("verb IN ('progress', 'complete')", name="verb"),
        CheckConstraint("reason IN ('both-changed', 'moved-on')", name="reason"),
        CheckConstraint("state IN ('open', 'decided')", name="state"),
        CheckConstraint("taken IN ('ledger', 'device')", name="taken"),
        CheckConstraint("(state = 'decided') = (taken IS NOT NULL)", name="taken_when_decided"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    milestone_id: Mapped[UUID] = mapped_column()
    measure_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    verb: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
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
