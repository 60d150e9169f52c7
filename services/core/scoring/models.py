"""Tables of scoring: the values that count at each log position, and the board snapshots."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class ScoreInput(Base):
    """A reported value that counts, from one log position until the one that replaces it.

    `basis` is `approved` or `submitted`; the latter has the approved value too if nothing newer is
    under review.
    """

    __tablename__ = "score_input"
    __table_args__ = (
        Index(
            "uq_score_input_current",
            "city_code",
            "plan_code",
            "basis",
            "indicator_code",
            "period",
            "organization_code",
            unique=True,
            postgresql_where=text("until_position IS NULL"),
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    basis: Mapped[str] = mapped_column(Text, primary_key=True)
    indicator_code: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    from_position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    until_position: Mapped[int | None] = mapped_column(BigInteger)
    submission_id: Mapped[UUID] = mapped_column()
    revision: Mapped[int] = mapped_column()
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    numerator: Mapped[Decimal | None] = mapped_column(Numeric)
    denominator: Mapped[Decimal | None] = mapped_column(Numeric)
    level: Mapped[str | None] = mapped_column(Text)
    not_applicable_reason: Mapped[str | None] = mapped_column(Text)
    provisional: Mapped[bool] = mapped_column(Boolean)
    falsified: Mapped[bool] = mapped_column(Boolean)


class ScoreSnapshot(Base):
    """A period's scoreboard as computed at one time. Append-only; the highest `sequence` counts.

    `publication_number` is the number of its publication; null: it was never published.
    """

    __tablename__ = "score_snapshot"
    __table_args__ = (
        Index(
            "ix_score_snapshot_computed_at",
            "city_code",
            "plan_code",
            "basis",
            "period",
            "computed_at",
        ),
        Index(
            "uq_score_snapshot_publication",
            "city_code",
            "plan_code",
            "basis",
            "publication_number",
            unique=True,
            postgresql_where=text("publication_number IS NOT NULL"),
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    basis: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    plan_version: Mapped[int] = mapped_column()
    method: Mapped[str] = mapped_column(Text)
    method_version: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(BigInteger)
    local_date: Mapped[date] = mapped_column(Date)
    computed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    board: Mapped[dict[str, Any]] = mapped_column(JSONB)
    traces: Mapped[dict[str, Any]] = mapped_column(JSONB)
    publication_number: Mapped[int | None] = mapped_column()
