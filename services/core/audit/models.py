"""Tables of the audit: entries, the chain over them and the log, and its signed heads."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class AuditEntry(Base):
    """A change of a key or a setting: actor, action, instant and channel. Append-only."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index(None, "city_code", "occurred_at"),
        Index("ix_audit_entry_action", "city_code", "action", "id"),
        Index("ix_audit_entry_subject", "city_code", "subject_id", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PendingEntry(Base):
    """An entry that is not in the chain yet."""

    __tablename__ = "audit_pending"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)


class AuditLink(Base):
    """A link of a city's chain: the digest of a row, chained to all links before it.

    `position` is an event's position in the log, None for an entry. Links stay when their entries
    are dropped.
    """

    __tablename__ = "audit_link"
    __table_args__ = (
        Index("uq_audit_link_row_id", "city_code", "row_id", unique=True),
        CheckConstraint("kind IN ('event', 'entry')", name="kind"),
        CheckConstraint("(kind = 'event') = (position IS NOT NULL)", name="position_of_an_event"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    row_id: Mapped[UUID] = mapped_column()
    position: Mapped[int | None] = mapped_column(BigInteger)
    row_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class AuditHead(Base):
    """The last link of a city. Locking its row makes extending the chain exclusive."""

    __tablename__ = "audit_head"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class AuditCheckpoint(Base):
    """The head of a city's chain on a day, signed; entries older than `kept_from` may be dropped.

    Without a key to sign with, both parts of the signature are None.
    """

    __tablename__ = "audit_checkpoint"
    __table_args__ = (
        CheckConstraint("(public_key IS NULL) = (signature IS NULL)", name="signed_by_a_key"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    kept_from: Mapped[UUID | None] = mapped_column()
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
