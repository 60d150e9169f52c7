"""Figures of the delivery queue for operators: backlog, oldest item, and recent outcomes.

Each query reads a bounded number of rows, however long a queue is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.city_scope import in_city, in_every_city
from services.core.kit.ids import first_id_at
from services.core.webhooks.rules import EndpointState
from services.core.webhooks.statements import LONGEST_UNATTENDED, QUEUES, RECENT_OUTCOMES

LATELY = timedelta(minutes=10)
"""The greatest age of events whose attempts are counted."""


@dataclass(frozen=True, slots=True)
class QueueStats:
    """An endpoint's queue: its length, how much is due, and seconds since the oldest was due."""

    city_code: str
    endpoint_id: UUID
    state: EndpointState
    queued: int
    due: int
    consecutive_failures: int
    oldest_due_seconds: float


@dataclass(frozen=True, slots=True)
class RecentOutcomes:
    """An endpoint's recent attempts: number, successes, and median and 95th percentile of time."""

    endpoint_id: UUID
    attempts: int
    delivered: int
    median_seconds: float
    high_seconds: float


async def queue_stats(session: AsyncSession) -> Sequence[QueueStats]:
    """Return the queue of every endpoint; a disabled one has none."""
    with in_every_city():
        found = await session.execute(QUEUES)
    return [
        QueueStats(row[0], row[1], row[2], row[3], row[4], row[5], float(row[6])) for row in found
    ]


async def recent_outcomes(
    session: AsyncSession, city_code: str, *, true_now: datetime
) -> Sequence[RecentOutcomes]:
    """Return the outcomes of a city's attempts in the last minutes, by endpoint."""
    given = {"city": city_code, "since": first_id_at(true_now - LATELY)}
    with in_city(city_code):
        found = await session.execute(RECENT_OUTCOMES, given)
    return [RecentOutcomes(*row) for row in found]


async def longest_unattended(session: AsyncSession) -> float | None:
    """Return for how many seconds the oldest unattended delivery has been due; None: there is none.

    A queue that is being processed, is paused, or waits for its rate is attended to.
    """
    with in_every_city():
        found = await session.scalar(LONGEST_UNATTENDED)
    return None if found is None else float(found)
