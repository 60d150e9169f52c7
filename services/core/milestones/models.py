"""Tables of milestones: what each unit promised under a measure, and every change."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Numeric, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Milestone(Base):
    """A promise: a deliverable of one unit under a measure, by a date.

    `due_date` is the date in force, `original_due_date` the first one, which never changes. `epoch`
    counts its due dates: an approved extension or a reopening begins a new one. `percent` is 0-100;
    `weight` is its weight within its measure. `sign_by` is the deadline to accept or decline it,
    `answer_by` that of the present turn (a return, a request for closure); each is null if nobody
    has to act. `authors` are the keys that reported on it or asked for its closure.
    """

    __tablename__ = "milestone"
    __table_args__ = (
        Index("ix_milestone_plan", "city_code", "plan_code", "due_date", "id"),
        Index("ix_milestone_measure", "city_code", "plan_code", "measure_code", "id"),
        Index(
            "ix_milestone_organization",
            "city_code",
            "plan_code",
            "organization_code",
            "due_date",
            "id",
        ),
        Index("ix_milestone_parent", "city_code", "parent_id"),
        Index(
            "ix_milestone_due",
            "city_code",
            "plan_code",
            "due_date",
            postgresql_where=text("state NOT IN ('closed', 'cancelled')"),
        ),
        Index(
            "uq_milestone_seed",
            "city_code",
            "plan_code",
            "measure_code",
            "organization_code",
            unique=True,
            postgresql_where=text("from_plan"),
        ),
        CheckConstraint(
            "state IN ('assigned', 'accepted', 'declined', 'in_progress', 'completed', 'closed',"
            " 'returned', 'cancelled')",
            name="state",
        ),
        CheckConstraint("evidence_rule IN ('none', 'narrative', 'document')", name="evidence_rule"),
        CheckConstraint("grade IN ('excellent', 'good', 'pass', 'fail')", name="grade"),
        CheckConstraint("(state = 'closed') = (grade IS NOT NULL)", name="graded_when_closed"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("weight > 0", name="weight"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    measure_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[UUID | None] = mapped_column()
    title: Mapped[str] = mapped_column(Text)
    deliverable: Mapped[str | None] = mapped_column(Text)
    evidence_rule: Mapped[str] = mapped_column(Text)
    weight: Mapped[Decimal] = mapped_column(Numeric)
    due_date: Mapped[date] = mapped_column(Date)
    original_due_date: Mapped[date] = mapped_column(Date)
    epoch: Mapped[int] = mapped_column()
    extensions: Mapped[int] = mapped_column()
    sign_by: Mapped[date | None] = mapped_column(Date)
    answer_by: Mapped[date | None] = mapped_column(Date)
    turn_began: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text)
    percent: Mapped[Decimal] = mapped_column(Numeric)
    narrative: Mapped[str | None] = mapped_column(Text)
    problems: Mapped[str | None] = mapped_column(Text)
    next_steps: Mapped[str | None] = mapped_column(Text)
    expected_date: Mapped[date | None] = mapped_column(Date)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    files: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    grade: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    from_plan: Mapped[bool] = mapped_column()
    assigned_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    authors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    completed_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()


class MilestoneHistory(Base):
    """One change of a milestone: its state after it, who made it, and why. Append-only."""

    __tablename__ = "milestone_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    milestone_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
