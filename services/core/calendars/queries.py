"""Reads working days: a calendar as a value, its years, and its state at a version."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from weakref import WeakKeyDictionary

from cachetools import LRUCache
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.calendars.announcement import AnnouncedDay, Announcement, worked_days
from services.core.calendars.models import CalendarDay, CalendarHistory, CalendarYear
from services.core.calendars.rules import WorkingCalendar, is_weekday, plain_week
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.database import lock_name

_State = tuple[int, datetime]
"""A calendar's last version and its time: a version rolled back earlier had the same number."""


_MOST_KEPT = 256
_calendars: WeakKeyDictionary[
    Engine | Connection, LRUCache[tuple[str, str], tuple[_State, WorkingCalendar]]
] = WeakKeyDictionary()
"""Cache of the calendars read last, by database."""


async def working_calendar(
    session: AsyncSession, city_code: str, code: str, *, locked: bool = False
) -> WorkingCalendar:
    """Return the current calendar of a city; Monday to Friday if nothing was announced.

    If this process has it cached, only one small row is read. With `locked`, nobody can change it
    before the transaction ends.
    """
    # The lock comes before the version is read: otherwise a year could be announced between the
    # two, and the caller would count by the old version.
    if locked:
        await lock_name(session, _lock(city_code, code), shared=True)
    state = await _state(session, city_code, code)
    if state is None:
        return plain_week(code)
    kept = _calendars.setdefault(session.get_bind(), LRUCache(_MOST_KEPT))
    known = kept.get((city_code, code))
    if known is None or known[0] != state:
        known = kept[city_code, code] = await _read(session, city_code, code)
    return known[1]


async def _state(session: AsyncSession, city_code: str, code: str) -> _State | None:
    found = await session.execute(
        select(CalendarHistory.version, CalendarHistory.occurred_at)
        .where(CalendarHistory.city_code == city_code, CalendarHistory.calendar_code == code)
        .order_by(CalendarHistory.version.desc())
        .limit(1)
    )
    row = found.one_or_none()
    return None if row is None else (row.version, row.occurred_at)


# One statement, so that version and days come from the same snapshot.
_WHOLE = text("""
SELECT h.version, h.occurred_at,
    ARRAY(SELECT year FROM calendar_year
        WHERE city_code = :city AND calendar_code = :code) AS years,
    ARRAY(SELECT day FROM calendar_day
        WHERE city_code = :city AND calendar_code = :code ORDER BY day) AS days,
    ARRAY(SELECT kind = 'workday' FROM calendar_day
        WHERE city_code = :city AND calendar_code = :code ORDER BY day) AS worked
FROM calendar_history h WHERE h.city_code = :city AND h.calendar_code = :code
ORDER BY h.version DESC LIMIT 1
""")


async def _read(session: AsyncSession, city_code: str, code: str) -> tuple[_State, WorkingCalendar]:
    row = (await session.execute(_WHOLE, {"city": city_code, "code": code})).one()
    worked = dict(zip(row.days, row.worked, strict=True))
    return (row.version, row.occurred_at), _calendar(code, row.version, row.years, worked)


def _calendar(
    code: str, version: int, years: Sequence[int], worked: Mapping[date, bool]
) -> WorkingCalendar:
    return WorkingCalendar(
        code=code,
        version=version,
        official_years=frozenset(years),
        days={day: works for day, works in worked.items() if works is not is_weekday(day)},
    )


async def calendars_since(
    session: AsyncSession, city_code: str, code: str, version: int
) -> list[WorkingCalendar]:
    """Return a calendar at a version and after each later change, oldest first."""
    rows = await session.execute(
        select(CalendarHistory.version, CalendarHistory.years)
        .where(CalendarHistory.city_code == city_code, CalendarHistory.calendar_code == code)
        .order_by(CalendarHistory.version)
    )
    found = [plain_week(code)]
    years: dict[str, Any] = {}
    for number, changed in rows:
        years |= changed
        announced = [int(year) for year in years]
        found.append(_calendar(code, number, announced, worked_days(years)))
    return [calendar for calendar in found if calendar.version >= version]


async def year_of(
    session: AsyncSession, city_code: str, code: str, year: int
) -> tuple[CalendarYear | None, Announcement | None]:
    """Return the row of an announced year with its days; (None, None) if it is not announced."""
    row = await session.scalar(
        select(CalendarYear).where(
            CalendarYear.city_code == city_code,
            CalendarYear.calendar_code == code,
            CalendarYear.year == year,
        )
    )
    if row is None:
        return None, None
    days = await session.scalars(
        select(CalendarDay).where(
            CalendarDay.city_code == city_code,
            CalendarDay.calendar_code == code,
            CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31)),
        )
    )
    listed = [
        AnnouncedDay(day.day, "rest" if day.kind == "rest" else "workday", day.note) for day in days
    ]
    return row, Announcement.of(year, row.source, listed)


async def year_for_update(
    session: AsyncSession, city_code: str, code: str, year: int
) -> tuple[CalendarYear | None, Announcement | None]:
    """Return a year of a calendar, and lock the calendar until the transaction ends."""
    await lock_name(session, _lock(city_code, code))
    return await year_of(session, city_code, code, year)


def _lock(city_code: str, code: str) -> str:
    return f"calendar/{city_code}/{code}"


async def last_version(session: AsyncSession, city_code: str, code: str) -> int:
    """Return how many versions a calendar has, the initial one included; 0: it does not exist."""
    state = await _state(session, city_code, code)
    return 0 if state is None else state[0]


async def announced_years(
    session: AsyncSession, city_code: str, *, limit: int
) -> Sequence[CalendarYear]:
    """Return the announced years of every calendar of a city, by code and year."""
    found = await session.scalars(
        select(CalendarYear)
        .where(CalendarYear.city_code == city_code)
        .order_by(CalendarYear.calendar_code, CalendarYear.year)
        .limit(limit)
    )
    return found.all()


async def cities_without(session: AsyncSession, code: str, year: int) -> int:
    """Return the number of cities whose calendar lacks a year."""
    lacking = 0
    for city_code in await city_codes(session):
        announced = select(CalendarYear.year).where(
            CalendarYear.city_code == city_code,
            CalendarYear.calendar_code == code,
            CalendarYear.year == year,
        )
        with in_city(city_code):
            lacking += await session.scalar(announced) is None
    return lacking
