"""Reading a calendar of working days."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.models import CalendarDay, CalendarYear
from services.core.calendars.rules import WorkingCalendar


async def working_calendar(session: AsyncSession, city_code: str, code: str) -> WorkingCalendar:
    """Return a calendar; one that nobody announced is the plain week."""
    years = await session.scalars(
        select(CalendarYear).where(
            CalendarYear.city_code == city_code, CalendarYear.calendar_code == code
        )
    )
    days = await session.scalars(
        select(CalendarDay).where(
            CalendarDay.city_code == city_code, CalendarDay.calendar_code == code
        )
    )
    found = years.all()
    return WorkingCalendar(
        code,
        max((year.version for year in found), default=0),
        frozenset(year.year for year in found),
        {day.day: day.kind == "workday" for day in days},
    )
