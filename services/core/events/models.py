"""Tables of the event log. Events are append-only; a table of its own holds their positions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Event(Base):
    """Something that happened to a thing of the domain, written in the change's transaction.

    `traceparent` is the trace in which it was written (W3C Trace Context), if there was one.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_subject", "city_code", "subject_kind", "subject_id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str | None] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    traceparent: Mapped[str | None] = mapped_column(Text)


class PendingEvent(Base):
    """A committed event that has no position yet."""

    __tablename__ = "event_pending"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)


class EventPosition(Base):
    """The position of an event in its city's log: 1, 2, 3, … without a gap."""

    __tablename__ = "event_position"
    __table_args__ = (Index("uq_event_position_event_id", "city_code", "event_id", unique=True),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID] = mapped_column()


class LogHead(Base):
    """The last position given in a city. Its row is the lock: only one drainer per city."""

    __tablename__ = "log_head"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class ReaderCursor(Base):
    """How far a reader has read the log of a city."""

    __tablename__ = "reader_cursor"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    reader: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class WorkerHeartbeat(Base):
    """When a worker last completed a round over all cities, which shows that it is alive.

    `clock_ahead_seconds` is how far its clock was ahead of the database's then.
    """

    __tablename__ = "worker_heartbeat"

    worker_id: Mapped[UUID] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    clock_ahead_seconds: Mapped[float | None] = mapped_column()
