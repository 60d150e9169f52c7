"""The columns of extensions: a request for more time for one thing, and the answer."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Extension(Base):
    """A request for more time for a milestone or an obligation; at most one may be pending.

    `present_date` is the due date at the time of the request, `proposed_date` the requested one,
    and `granted_date` the granted one: earlier than proposed if the extension was granted in part.
    """

    __tablename__ = "extension"
    __table_args__ = (
        Index("ix_extension_subject", "city_code", "subject_kind", "subject_id", "number"),
        Index(
            "uq_extension_requested",
            "city_code",
            "subject_kind",
            "subject_id",
            unique=True,
            postgresql_where=text("state = 'requested'"),
        ),
        Index("ix_extension_plan", "city_code", "plan_code", "id"),
        CheckConstraint("state IN ('requested', 'approved', 'denied', 'withdrawn')", name="state"),
        CheckConstraint("subject_kind IN ('milestone', 'obligation')", name="subject_kind"),
        CheckConstraint(
            "(state = 'approved') = (granted_date IS NOT NULL)", name="granted_when_approved"
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID] = mapped_column()
    organization_code: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    present_date: Mapped[date] = mapped_column(Date)
    proposed_date: Mapped[date] = mapped_column(Date)
    granted_date: Mapped[date | None] = mapped_column(Date)
    decide_by: Mapped[date] = mapped_column(Date)
    decision_reason: Mapped[str | None] = mapped_column(Text)
    requested_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()
