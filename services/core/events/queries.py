"""Reading the log by position."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import LogHead, PendingEvent


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


async def oldest_pending_event(session: AsyncSession) -> UUID | None:
    """Return the id of the event that waits longest for its number; None: none waits."""
    return await session.scalar(
        select(PendingEvent.event_id).order_by(PendingEvent.event_id).limit(1)
    )
