"""Verbs of calendars: give a city its first one, announce a year or replace it."""

from collections.abc import Mapping
from datetime import date, datetime

from pydantic_core import to_json
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars import queries
from services.core.calendars.announcement import Announcement
from services.core.calendars.models import CalendarDay
from services.core.calendars.rules import CALENDAR
from services.core.calendars.seed import known_years
from services.core.calendars.statements import WRITE_YEARS
from services.core.events.service import NewEvent, record


async def begin_calendar(
    session: AsyncSession, *, city_code: str, actor: Mapping[str, object], now: datetime
) -> None:
    """Give a city the calendar of the known years; an existing calendar is left alone.

    This is where the calendar begins and not a change of it, so there is no event.
    """
    await _write(session, (city_code, CALENDAR), 1, known_years(), actor, now)


async def announce_year(
    session: AsyncSession,
    *,
    city_code: str,
    code: str,
    announcement: Announcement,
    actor: Mapping[str, object],
    now: datetime,
) -> int:
    """Set a year of a calendar, and return the calendar's version.

    Nothing is written if the year is announced already with exactly these days and this source.
    """
    year = announcement.year
    row, present = await queries.year_for_update(session, city_code, code, year)
    if row is not None and present == announcement:
        return row.version
    version = 1 + await queries.last_version(session, city_code, code)
    await session.execute(
        delete(CalendarDay).where(
            CalendarDay.city_code == city_code,
            CalendarDay.calendar_code == code,
            CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31)),
        )
    )
    written = to_json({str(year): announcement.written()}).decode()
    await _write(session, (city_code, code), version, written, actor, now)
    await record(
        session,
        NewEvent(
            city_code=city_code,
            plan_code=None,
            type="calendar.changed",
            subject_kind="calendar",
            subject_id=code,
            organization_code=None,
            actor=actor,
            data={"code": code, "year": year, "version": version, "source": announcement.source},
            occurred_at=now,
        ),
    )
    return version


async def _write(
    session: AsyncSession,
    place: tuple[str, str],
    version: int,
    years: str,
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    city_code, code = place
    await session.execute(
        WRITE_YEARS,
        {
            "city": city_code,
            "code": code,
            "version": version,
            "years": years,
            "actor": to_json(actor).decode(),
            "now": now,
        },
    )
