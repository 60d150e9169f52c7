"""Reading the log by position, how far its readers have come, and whether a worker goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import LogHead, WorkerHeartbeat


async def log_position(session: AsyncSession, city_code: str) -> int:
    """Return the last position given in a city; 0 before the first."""
    found = await session.scalar(select(LogHead.position).where(LogHead.city_code == city_code))
    return found or 0


async def cities_behind(session: AsyncSession, *, reader: str) -> list[str]:
    """Return the cities with events that have no number yet, or that `reader` has not read."""
    found = await session.scalars(
        text(
            "SELECT DISTINCT city_code FROM event_pending"
            " UNION SELECT head.city_code FROM log_head AS head"
            " LEFT JOIN reader_cursor AS cursor"
            " ON cursor.city_code = head.city_code AND cursor.reader = :reader"
            " WHERE head.position > coalesce(cursor.position, 0)"
        ),
        {"reader": reader},
    )
    return list(found)


_NEXT_UNREAD = text("""
SELECT p.position, e.type FROM event_position p
JOIN event e ON e.city_code = p.city_code AND e.id = p.event_id
WHERE p.city_code = :city AND p.position > coalesce((
    SELECT position FROM reader_cursor WHERE city_code = :city AND reader = :reader), 0)
ORDER BY p.position LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that a reader has not read yet."""

    position: int
    type: str


async def next_unread(session: AsyncSession, city_code: str, *, reader: str) -> Unread | None:
    """Return the first event of a city that `reader` has not read; None: there is none."""
    row = (await session.execute(_NEXT_UNREAD, {"city": city_code, "reader": reader})).one_or_none()
    return None if row is None else Unread(*row)


_OLDEST_WAITING = text("""
SELECT event_id FROM (
    SELECT event_id FROM event_pending
    UNION ALL
    SELECT unread.event_id FROM log_head AS head
    LEFT JOIN reader_cursor AS cursor
        ON cursor.city_code = head.city_code AND cursor.reader = :reader
    CROSS JOIN LATERAL (
        SELECT p.event_id FROM event_position p
        WHERE p.city_code = head.city_code AND p.position > coalesce(cursor.position, 0)
        ORDER BY p.position LIMIT 1
    ) AS unread
    WHERE head.position > coalesce(cursor.position, 0)
) AS waiting
ORDER BY event_id LIMIT 1
""")


async def oldest_waiting_event(session: AsyncSession, *, reader: str) -> UUID | None:
    """Return the oldest event that has no number yet or that `reader` has not read; None: none."""
    found: UUID | None = await session.scalar(_OLDEST_WAITING, {"reader": reader})
    return found


SILENT_AFTER = timedelta(seconds=60)
"""A worker that did not go round for so long is dead, or stands still."""


async def last_beats(session: AsyncSession) -> Sequence[datetime]:
    """Return when each worker known last went round, the latest first."""
    latest = func.max(WorkerHeartbeat.beat_at)
    found = await session.scalars(
        select(latest).group_by(WorkerHeartbeat.worker_id).order_by(latest.desc())
    )
    return found.all()
