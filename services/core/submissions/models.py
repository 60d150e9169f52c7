"""Tables of submissions. The hot statement checks their references, instead of foreign keys."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    Index,
    LargeBinary,
    Numeric,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Submission(Base):
    """The present state of one reported value. `version` counts every change.

    `reported_by` is the last who wrote or handed it in. `authors` are the keys of all who did so
    with the present revision, or wrote words of earlier ones that it still carries;
    `author_organizations` are their units, and `authorship` has the authors of each column
    (`authorship.Authorship`). Null means that `reported_by` wrote all of it. `checks` are the
    findings (`checks.findings`) when its words were last written or handed in; null: none. `files`
    are its pieces of evidence (`plan.evidence_rules.Piece`); null: none.
    """

    __tablename__ = "submission"
    __table_args__ = (
        Index(
            "uq_submission_place",
            "city_code",
            "plan_code",
            "indicator_code",
            "organization_code",
            "period",
            unique=True,
            postgresql_where=text("state <> 'withdrawn'"),
        ),
        Index("ix_submission_plan", "city_code", "plan_code", "id"),
        Index("ix_submission_organization", "city_code", "plan_code", "organization_code", "id"),
        # Partial index of the submissions that wait for somebody, which are few.
        Index(
            "ix_submission_waiting",
            "city_code",
            "plan_code",
            "state",
            "organization_code",
            postgresql_where=text("state IN ('submitted', 'returned')"),
        ),
        # Partial index of the submissions with findings, which are also few.
        Index(
            "ix_submission_checks",
            "city_code",
            "plan_code",
            "id",
            postgresql_where=text("checks IS NOT NULL"),
        ),
        CheckConstraint(
            "state IN ('draft', 'submitted', 'returned', 'approved', 'withdrawn')", name="state"
        ),
        CheckConstraint(
            "state IN ('draft', 'returned', 'withdrawn') OR num_nonnulls(value, level,"
            " not_applicable_reason) = 1 OR (value IS NOT NULL AND level IS NOT NULL"
            " AND not_applicable_reason IS NULL)",
            name="one_form",
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    indicator_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column()
    version: Mapped[int] = mapped_column()
    approved_revision: Mapped[int | None] = mapped_column()
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    numerator: Mapped[Decimal | None] = mapped_column(Numeric)
    denominator: Mapped[Decimal | None] = mapped_column(Numeric)
    level: Mapped[str | None] = mapped_column(Text)
    not_applicable_reason: Mapped[str | None] = mapped_column(Text)
    data_status: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    justification: Mapped[str | None] = mapped_column(Text)
    checks: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    on_behalf: Mapped[bool] = mapped_column(Boolean)
    falsified: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str | None] = mapped_column(Text)
    reported_by: Mapped[UUID] = mapped_column()
    reported_by_organization: Mapped[str | None] = mapped_column(Text)
    authors: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    author_organizations: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    authorship: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    files: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SubmissionHistory(Base):
    """One change of a submission: its state afterwards, its actor, and the reason. Append-only.

    `claimed_at` is the device's own time of the change, which proves nothing. `counts_from` is the
    instant that it counts from if the plan trusts the device, else it counts from `occurred_at`.
    """

    __tablename__ = "submission_history"
    __table_args__ = ({"postgresql_partition_by": "RANGE (submission_id)"},)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    submission_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    counts_from: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SubmissionPreview(Base):
    """A batch that was tried, stored for its maker to commit.

    `request` is the request as the API received it, and `grounds` the data it was decided on, both
    compressed. The id contains the creation time; it expires after an hour.
    """

    __tablename__ = "submission_preview"
    __table_args__ = (Index(None, "city_code", "credential_id", "id"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    credential_id: Mapped[UUID] = mapped_column()
    request: Mapped[bytes] = mapped_column(LargeBinary)
    grounds: Mapped[bytes] = mapped_column(LargeBinary)
