"""Tables of plans: the document by version, and the decisions made beside it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.identity.models import Tenant
from services.core.kit.database import Base


class Plan(Base):
    """A plan of a city; `version` is the one in force."""

    __tablename__ = "plan"
    city_code: Mapped[str] = mapped_column(ForeignKey(Tenant.city_code), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column()


class PlanVersion(Base):
    """A document as loaded; immutable."""

    __tablename__ = "plan_version"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    loaded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    loaded_by: Mapped[dict[str, Any]] = mapped_column(JSONB)


class IndicatorLead(Base):
    """Which organization leads which indicator in the version in force, for SQL conditions."""

    __tablename__ = "indicator_lead"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
        Index("ix_indicator_lead_indicator", "city_code", "plan_code", "indicator_code"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    indicator_code: Mapped[str] = mapped_column(Text, primary_key=True)


class RegisterLead(Base):
    """Which organization leads which register in the version in force, for SQL conditions."""

    __tablename__ = "register_lead"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    register_code: Mapped[str] = mapped_column(Text, primary_key=True)


class SheetAssessor(Base):
    """Which organization assesses by which sheet in the version in force, for SQL conditions."""

    __tablename__ = "sheet_assessor"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    sheet_code: Mapped[str] = mapped_column(Text, primary_key=True)


class ScoreSheetVersion(Base):
    """A version of a score sheet: it gets a new one whenever it changes.

    `plan_version` is the first version of the plan with this version of the sheet. Append-only.
    """

    __tablename__ = "score_sheet_version"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    sheet_code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    plan_version: Mapped[int] = mapped_column()
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class MeasureUnit(Base):
    """Which organization leads or shares a measure in the version in force, for SQL conditions."""

    __tablename__ = "measure_unit"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
        CheckConstraint("part IN ('lead', 'responsible')", name="part"),
        Index("ix_measure_unit_measure", "city_code", "plan_code", "measure_code"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    measure_code: Mapped[str] = mapped_column(Text, primary_key=True)
    part: Mapped[str] = mapped_column(Text)


class PlanPeriod(Base):
    """A period that was opened for reporting. A period without a row is planned."""

    __tablename__ = "plan_period"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
        CheckConstraint("state IN ('planned', 'open', 'closed', 'published')", name="state"),
        Index(
            "uq_plan_period_publication",
            "city_code",
            "plan_code",
            "publication_number",
            unique=True,
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    due_date: Mapped[date] = mapped_column(Date)
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    publication_number: Mapped[int | None] = mapped_column()
    version: Mapped[int] = mapped_column()


class Publication(Base):
    """A scoreboard frozen under a permanent number.

    `reopened_at`, `reopened_by` and `reopen_reason` say when, by whom and why its period was
    reopened; null while it is not.
    """

    __tablename__ = "publication"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
        Index("ix_publication_period", "city_code", "plan_code", "period", "number"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    published_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reopened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reopened_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reopen_reason: Mapped[str | None] = mapped_column(Text)


class IndicatorOwner(Base):
    """The unit whose value is the city's since a version of the plan; one row per change.

    `organization_code` null: the aggregation over units is not `direct`, or none of them submits.
    `event_id` is the version's `plan.published`, whose position says when it began.
    """

    __tablename__ = "indicator_owner"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    indicator_code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    organization_code: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[UUID | None] = mapped_column()


class AssignedTarget(Base):
    """A target assigned by the superior; the highest sequence counts, earlier ones stay.

    `upper` is the other end of `between`; `conditions` are those of all_of and any_of, each with
    `kind`, `value` and `upper`, numbers as plain text; null: the kind has none.
    """

    __tablename__ = "assigned_target"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    indicator_code: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    upper: Mapped[Decimal | None] = mapped_column(Numeric)
    conditions: Mapped[list[dict[str, str | None]] | None] = mapped_column(JSONB(none_as_null=True))
    text: Mapped[str | None] = mapped_column(Text)
    document_number: Mapped[str] = mapped_column(Text)
    document_date: Mapped[date] = mapped_column(Date)
    attachment: Mapped[str | None] = mapped_column(Text)
    assigned_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    assigned_by: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Settlement(Base):
    """The decision on an open question, with the document that decided it."""

    __tablename__ = "settlement"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "plan_code"], [Plan.city_code, Plan.code]),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    question_id: Mapped[str] = mapped_column(Text, primary_key=True)
    decision: Mapped[str] = mapped_column(Text)
    document_number: Mapped[str] = mapped_column(Text)
    document_date: Mapped[date] = mapped_column(Date)
    settled_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    settled_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
