"""Reading the log by position."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import LogHead, PendingEvent


async def log_position(session: AsyncSession, city_code: str) -> int:
    """Return the last position given in a city; 0 before the first."""
    found = await session.scalar(select(LogHead.position).where(LogHead.city_code == city_code))
    return found or 0


async def cities_with_pending_events(session: AsyncSession) -> list[str]:
    """Return the codes of the cities in which committed events wait for a number."""
    found = await session.scalars(select(PendingEvent.city_code).distinct())
    return list(found)
