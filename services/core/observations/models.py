"""Tables of observations: the current figure of another source, and its history."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Observation(Base):
    """The present figure of a source. `version` counts its changes.

    It is withdrawn, for a `withdrawal_reason`, if `withdrawn_version` is the present version; the
    figure stays readable, and a later figure of the source is valid again.

    `reference` is the source's own id of the figure and its version; `observed_at` is the source's
    date for it, which proves nothing. `recorded_by` last recorded or withdrew it; `recording_units`
    ever recorded it, and may always see it.
    """

    __tablename__ = "observation"
    __table_args__ = (
        Index(
            "uq_observation_place",
            "city_code",
            "plan_code",
            "indicator_code",
            "organization_code",
            "period",
            "source_code",
            unique=True,
        ),
        Index("ix_observation_plan", "city_code", "plan_code", "id"),
        CheckConstraint(
            "(value IS NOT NULL OR level IS NOT NULL) <> (not_applicable_reason IS NOT NULL)",
            name="one_form",
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    source_code: Mapped[str] = mapped_column(Text)
    indicator_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    numerator: Mapped[Decimal | None] = mapped_column(Numeric)
    denominator: Mapped[Decimal | None] = mapped_column(Numeric)
    level: Mapped[str | None] = mapped_column(Text)
    not_applicable_reason: Mapped[str | None] = mapped_column(Text)
    observed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    note: Mapped[str | None] = mapped_column(Text)
    recorded_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_by_organization: Mapped[str | None] = mapped_column(Text)
    recording_units: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()
    withdrawn_version: Mapped[int | None] = mapped_column()
    withdrawal_reason: Mapped[str | None] = mapped_column(Text)


class ObservationHistory(Base):
    """One figure of a source, or its withdrawal. Append-only.

    Each reference occurs once; a withdrawal has none.
    """

    __tablename__ = "observation_history"
    __table_args__ = (
        Index(
            "uq_observation_history_reference",
            "city_code",
            "observation_id",
            "reference",
            unique=True,
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    observation_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
