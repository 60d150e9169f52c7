"""Tables of assessments: the current state of each, every change, and each publication."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base

ONE_A_SUBJECT = "uq_assessment_subject"
"""The unique index: one assessment per subject, sheet and period."""


class Assessment(Base):
    """The assessment of one subject in one period by a version of a score sheet.

    `subject_key` is the code of a unit, the division code of a village, or the id of a register
    row; `organization_code` the accountable unit. `findings` are by item, `results` the points they
    give. `total` and `colour` are set once every item was assessed. `revision` counts publications:
    1, and one more with each upheld appeal. `authors` are who assessed it, `version` counts every
    change.
    """

    __tablename__ = "assessment"
    __table_args__ = (
        Index(
            ONE_A_SUBJECT,
            "city_code",
            "plan_code",
            "sheet_code",
            "period",
            "subject_key",
            unique=True,
            postgresql_where=text("state <> 'withdrawn'"),
        ),
        Index("ix_assessment_sheet", "city_code", "plan_code", "sheet_code", "id"),
        CheckConstraint(
            "state IN ('draft', 'submitted', 'confirmed', 'published', 'withdrawn')", name="state"
        ),
        CheckConstraint("subject_kind IN ('unit', 'village', 'row')", name="subject_kind"),
        CheckConstraint("(state = 'published') = (published_on IS NOT NULL)", name="published_on"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    sheet_code: Mapped[str] = mapped_column(Text)
    sheet_version: Mapped[int] = mapped_column()
    subject_kind: Mapped[str] = mapped_column(Text)
    subject_key: Mapped[str] = mapped_column(Text)
    subject_name: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    comparable: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    findings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    results: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    complete: Mapped[bool] = mapped_column()
    total: Mapped[Decimal | None] = mapped_column(Numeric)
    colour: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column()
    published_on: Mapped[date | None] = mapped_column(Date)
    appeal_until: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str | None] = mapped_column(Text)
    authors: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()


class AssessmentHistory(Base):
    """One change of an assessment: its state after it, who made it, and why. Append-only."""

    __tablename__ = "assessment_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    assessment_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AssessmentRevision(Base):
    """A publication of an assessment under a permanent number. Append-only.

    `appeal_id` is the appeal that led to it, null for the first.
    """

    __tablename__ = "assessment_revision"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    assessment_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    findings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    results: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    total: Mapped[Decimal | None] = mapped_column(Numeric)
    colour: Mapped[str | None] = mapped_column(Text)
    appeal_id: Mapped[UUID | None] = mapped_column()
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
