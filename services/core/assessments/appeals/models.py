"""Tables of appeals: the current state of each, and every change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Appeal(Base):
    """A unit's appeal against a published assessment; at most one at a time is open.

    `revision` is the publication at the time of filing, `contested` the items with their grounds.
    Once it is upheld, `corrected_revision` is the corrected publication, and `changes` the changed
    items, before and after. `authors` are who filed it.
    """

    __tablename__ = "appeal"
    __table_args__ = (
        Index(
            "uq_appeal_filed",
            "city_code",
            "assessment_id",
            unique=True,
            postgresql_where=text("state = 'filed'"),
        ),
        Index("ix_appeal_plan", "city_code", "plan_code", "id"),
        Index("ix_appeal_assessment", "city_code", "assessment_id", "id"),
        CheckConstraint("state IN ('filed', 'upheld', 'refused', 'withdrawn')", name="state"),
        CheckConstraint(
            "(state = 'upheld') = (corrected_revision IS NOT NULL)", name="upheld_corrects"
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    sheet_code: Mapped[str] = mapped_column(Text)
    assessment_id: Mapped[UUID] = mapped_column()
    organization_code: Mapped[str] = mapped_column(Text)
    subject_name: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(Text)
    contested: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    decision_reason: Mapped[str | None] = mapped_column(Text)
    corrected_revision: Mapped[int | None] = mapped_column()
    changes: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    authors: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()


class AppealHistory(Base):
    """One change of an appeal: its state after it, who made it, and why. Append-only."""

    __tablename__ = "appeal_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    appeal_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
