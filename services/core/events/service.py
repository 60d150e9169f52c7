"""Writes the log: an event is recorded with its change, and numbered after the commit.

Also writes the heartbeat of the workers that do the numbering.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.models import WorkerHeartbeat
from services.core.events.statements import BEAT, BEGIN_LOG, LOCK_LOG, NUMBER_EVENTS, RECORD
from services.core.kit.ids import new_id
from services.core.kit.trail import note_events, present_traceparent


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be written. `actor` holds who, in which role, by which channel and request."""

    city_code: str
    plan_code: str | None
    type: EventType
    subject_kind: str
    subject_id: str
    organization_code: str | None
    actor: Mapping[str, object]
    data: Mapping[str, object]
    occurred_at: datetime


async def record(session: AsyncSession, *happenings: NewEvent) -> list[UUID]:
    """Write events in the caller's transaction and return their ids; they have no position yet.

    A transaction belongs to one city, and so do its events: each city takes one statement.
    """
    # Ids are made here in order and events are numbered by id, so events of one transaction keep
    # the order in which the caller names them.
    ids = [new_id() for _ in happenings]
    for city_code in dict.fromkeys(happening.city_code for happening in happenings):
        made = [
            _row(event_id, happening)
            for event_id, happening in zip(ids, happenings, strict=True)
            if happening.city_code == city_code
        ]
        written = {
            "city": city_code,
            "made": to_json(made).decode(),
            "traceparent": present_traceparent(),
        }
        await session.execute(RECORD, written)
    note_events(ids)
    return ids


def _row(event_id: UUID, happening: NewEvent) -> dict[str, object]:
    return {
        "id": event_id,
        "plan_code": happening.plan_code,
        "type": happening.type,
        "subject_kind": happening.subject_kind,
        "subject_id": happening.subject_id,
        "organization_code": happening.organization_code,
        "actor": happening.actor,
        "data": happening.data,
        "occurred_at": happening.occurred_at,
    }


# Stands for "no bound" when fewer events wait than are numbered at once.
_LAST_ID = UUID(int=2**128 - 1)


async def begin_log(session: AsyncSession, city_code: str) -> None:
    """Create the log head of a city, once; a worker finds unnumbered events by it."""
    await session.execute(BEGIN_LOG, {"city": city_code})


async def number_committed(session: AsyncSession, city_code: str, *, most: int = 2000) -> int:
    """Give the next positions to committed events of a city, and return how many.

    Sequence order is not commit order, so a number given at insert would let a reader pass an event
    that commits later. This statement sees only committed events, and the row lock on `log_head`
    lets one drainer at a time number them: nothing appears before a number already given.
    """
    head = await session.scalar(LOCK_LOG, {"city": city_code})
    if head is None:
        await begin_log(session, city_code)
        head = await session.scalar(LOCK_LOG, {"city": city_code})
    numbered = await session.scalar(
        NUMBER_EVENTS, {"city": city_code, "head": head, "most": most, "last": _LAST_ID}
    )
    return int(numbered or 0)


HEARTBEAT_KEPT = timedelta(hours=1)
"""How long the heartbeat of a silent worker is kept."""


async def beat(session: AsyncSession, *, worker_id: UUID, now: datetime) -> None:
    """Save the heartbeat of a worker, which has just completed a round over all cities."""
    await session.execute(BEAT, {"worker": worker_id, "now": now})


async def forget_silent(session: AsyncSession, *, now: datetime) -> None:
    """Delete the heartbeats of workers that have been silent for an hour."""
    await session.execute(
        delete(WorkerHeartbeat).where(WorkerHeartbeat.beat_at < now - HEARTBEAT_KEPT)
    )
