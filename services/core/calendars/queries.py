"""Reading working days."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.models import CalendarDay, CalendarHistory, CalendarYear
from services.core.calendars.rules import WorkingCalendar


async def working_calendar(session: AsyncSession, city_code: str, code: str) -> WorkingCalendar:
    """Return a calendar of a city; one that nobody announced is Monday to Friday."""
    years = await session.scalars(
        select(CalendarYear.year).where(
            CalendarYear.city_code == city_code, CalendarYear.calendar_code == code
        )
    )
    days = await session.execute(
        select(CalendarDay.day, CalendarDay.kind).where(
            CalendarDay.city_code == city_code, CalendarDay.calendar_code == code
        )
    )
    version = await session.scalar(
        select(func.max(CalendarHistory.version)).where(
            CalendarHistory.city_code == city_code, CalendarHistory.calendar_code == code
        )
    )
    return WorkingCalendar(
        code=code,
        version=version or 0,
        official_years=frozenset(years),
        days={day: kind == "workday" for day, kind in days},
    )
