"""Tables of registers: the current state of each row, and every change."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class RegisterRow(Base):
    """A row of a register as it stands. `version` counts every change.

    `cells` are what it says by the code of the column; exact decimals are text there. `counted` is
    what was confirmed last and counts until a correction is confirmed; null: nothing yet. It holds
    from `valid_from` to `valid_to`, both included, and from `ended_on` on no more. `key` are the
    key columns as a JSON array, `authors` who wrote what `cells` say and is not confirmed. `files`
    are the pieces of evidence that it rests upon (`plan.evidence_rules.Piece`); null: none. By
    `renew_by` it is to be renewed, of those with the same `renewed_as` by the last one, by
    `recheck_by` to be looked at again; `title` is what it is then called. A row that counts and has
    no `title` was confirmed by an earlier release: the worker fills in what it lacks (`undated`).
    `counted_version` is the version by which `counted` was confirmed; null: nothing counts yet, or
    an earlier release confirmed it meanwhile.
    """

    __tablename__ = "register_row"
    __table_args__ = (
        Index(
            "uq_register_row_key",
            "city_code",
            "plan_code",
            "register_code",
            "key",
            unique=True,
            postgresql_where=text("state IN ('draft', 'confirmed')"),
        ),
        Index("ix_register_row_register", "city_code", "plan_code", "register_code", "id"),
        Index(
            "ix_register_row_unit",
            "city_code",
            "plan_code",
            "register_code",
            "organization_code",
            "id",
        ),
        Index(
            "ix_register_row_renewal",
            "city_code",
            "plan_code",
            "register_code",
            "renewed_as",
            "renew_by",
            postgresql_where=text("renew_by IS NOT NULL AND state IN ('draft', 'confirmed')"),
        ),
        Index(
            "ix_register_row_recheck",
            "city_code",
            "plan_code",
            "recheck_by",
            postgresql_where=text("recheck_by IS NOT NULL AND state IN ('draft', 'confirmed')"),
        ),
        Index(
            "ix_register_row_undated",
            "city_code",
            "plan_code",
            "register_code",
            "id",
            postgresql_where=text(
                "title IS NULL AND counted IS NOT NULL AND state IN ('draft', 'confirmed')"
            ),
        ),
        CheckConstraint(
            "state IN ('draft', 'confirmed', 'ended', 'revoked', 'withdrawn')", name="state"
        ),
        CheckConstraint(
            "(state IN ('ended', 'revoked')) = (ended_on IS NOT NULL)", name="ended_on_a_day"
        ),
        CheckConstraint(
            "state IN ('draft', 'withdrawn') OR counted IS NOT NULL", name="confirmed_counts"
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    register_code: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    cells: Mapped[dict[str, Any]] = mapped_column(JSONB)
    counted: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str | None] = mapped_column(Text)
    authors: Mapped[dict[str, Any]] = mapped_column(JSONB)
    files: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    renew_by: Mapped[date | None] = mapped_column(Date)
    renewed_as: Mapped[str | None] = mapped_column(Text)
    recheck_by: Mapped[date | None] = mapped_column(Date)
    title: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()
    counted_version: Mapped[int | None] = mapped_column()


class RegisterRowHistory(Base):
    """One change of a row: what it was after it, who did it, and why. Append-only."""

    __tablename__ = "register_row_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
