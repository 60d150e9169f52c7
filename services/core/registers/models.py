"""Tables of registers: the current state of each row, and every change."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class RegisterRow(Base):
    """A row of a register in its current state. `version` counts every change.

    `cells` are its contents by column code; exact decimals are text there. `counted` is the last
    confirmed contents, which count until a correction is confirmed; null: nothing yet. It is valid
    from `valid_from` to `valid_to`, both included, and ends on `ended_on`. `key` is the key columns
    as a JSON array, `authors` who wrote the part of `cells` that is not confirmed. `files` are its
    pieces of evidence (`plan.evidence_rules.Piece`); null: none. It must be renewed by `renew_by`
    (of rows with the same `renewed_as`, only the last one must) and rechecked by `recheck_by`;
    `title` is its name in such reminders. A row that counts and has no `title` was confirmed by an
    earlier release: the worker fills in what it lacks (`undated`). `counted_version` is the version
    in which `counted` was confirmed; null: nothing counts yet, or an earlier release has confirmed
    it since.
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
    """One change of a row: its state after it, who made it, and why. Append-only."""

    __tablename__ = "register_row_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
