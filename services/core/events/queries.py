"""Reading the log by position."""

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import LogHead


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


async def oldest_pending_seconds(session: AsyncSession) -> float | None:
    """Return how long the oldest event waits for its number, in seconds; None: none waits.

    Its age is read from its id, which is a UUIDv7: the first 48 bits are milliseconds.
    """
    found = await session.scalar(
        text(
            "SELECT extract(epoch FROM now() - uuid_extract_timestamp(min(event_id)))"
            " FROM event_pending"
        )
    )
    return None if found is None else max(0.0, float(found))
