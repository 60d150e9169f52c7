"""Figures of the delivery queue for operators: what waits, since when, and recent outcomes.

Each question reads a bounded number of rows, however long a queue is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.ids import first_id_at

COUNTED_AT_MOST = 10_000
"""A longer queue is told to be this long."""

LATELY = timedelta(minutes=10)
"""Attempts are counted of events that are no older."""

_ATTEMPTS_AT_MOST = 5_000
_FRONT = 64


@dataclass(frozen=True, slots=True)
class QueueStats:
    """One endpoint: its queue, and the seconds since its oldest due delivery came due."""

    endpoint_id: UUID
    queued: int
    oldest_due_seconds: float
    consecutive_failures: int


@dataclass(frozen=True, slots=True)
class RecentOutcomes:
    """The attempts to one endpoint that ended lately: how many, how long, half and 95 of 100."""

    endpoint_id: UUID
    attempts: int
    delivered: int
    median_seconds: float
    high_seconds: float


_STANDINGS = text(f"""
SELECT e.id, queue.number, greatest(0, extract(epoch FROM now() - queue.since)),
    e.consecutive_failures
FROM webhook_endpoint e
CROSS JOIN LATERAL (
    SELECT count(*) AS number, coalesce(min(waiting.next_attempt_at), now()) AS since FROM (
        SELECT d.next_attempt_at FROM webhook_delivery d
        WHERE d.city_code = e.city_code AND d.endpoint_id = e.id AND d.state = 'pending'
        ORDER BY d.next_attempt_at LIMIT {COUNTED_AT_MOST}
    ) waiting
) queue
WHERE e.state <> 'disabled'
""")  # noqa: S608 (a number of our own)


async def queue_stats(session: AsyncSession) -> Sequence[QueueStats]:
    """Return how every endpoint stands that is not disabled."""
    found = await session.execute(_STANDINGS)
    return [QueueStats(row[0], row[1], float(row[2]), row[3]) for row in found]


_LATELY = text(f"""
SELECT d.endpoint_id, count(*), count(*) FILTER (WHERE a.outcome = 'delivered'),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY a.duration_ms) / 1000,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY a.duration_ms) / 1000
FROM (SELECT DISTINCT city_code FROM webhook_endpoint) city
CROSS JOIN LATERAL (
    SELECT city_code, delivery_id, outcome, duration_ms FROM webhook_attempt
    WHERE city_code = city.city_code AND delivery_id >= :since
    ORDER BY delivery_id DESC LIMIT {_ATTEMPTS_AT_MOST}
) a
JOIN webhook_delivery d ON d.city_code = a.city_code AND d.id = a.delivery_id
WHERE a.outcome IS NOT NULL
GROUP BY d.endpoint_id
""")  # noqa: S608 (a number of our own)


async def recent_outcomes(session: AsyncSession, *, true_now: datetime) -> Sequence[RecentOutcomes]:
    """Return how the attempts of the last minutes ended, endpoint by endpoint."""
    found = await session.execute(_LATELY, {"since": first_id_at(true_now - LATELY)})
    return [RecentOutcomes(*row) for row in found]


_UNATTENDED = text(f"""
SELECT max(extract(epoch FROM now() - front.since))
FROM webhook_endpoint e
CROSS JOIN LATERAL (
    SELECT min(first.next_attempt_at) AS since FROM (
        SELECT d.next_attempt_at, d.lease_until FROM webhook_delivery d
        WHERE d.city_code = e.city_code AND d.endpoint_id = e.id AND d.state = 'pending'
            AND d.next_attempt_at <= now()
        ORDER BY d.next_attempt_at LIMIT {_FRONT}
    ) first
    HAVING count(*) FILTER (WHERE first.lease_until > now()) = 0
) front
WHERE e.state <> 'disabled' AND (e.paused_until IS NULL OR e.paused_until < now())
    -- One that has a rate waits for it, and is passed over unless that was long ago.
    AND (e.format = 'standard' AND e.rate_per_minute IS NULL
        OR e.tokens_at < now() - interval '2 minutes')
""")  # noqa: S608 (a number of our own)


async def longest_unattended(session: AsyncSession) -> float | None:
    """Return for how many seconds something has been due to which nobody attends; None: nothing.

    A queue that is being worked off, is paused, or waits for its rate is attended to.
    """
    found = await session.scalar(_UNATTENDED)
    return None if found is None else float(found)
