"""A city's calendar: where it begins, how it is replaced, and that nobody reads an old one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import pytest
from sqlalchemy import event, text

from services.core.calendars import queries
from services.core.calendars.announcement import AnnouncedDay, Announcement
from services.core.calendars.service import announce_year, begin_calendar
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.plan.loading import load_plan
from tests.unit.scoring.builders import CITY, a_document, an_indicator

ACTOR = {"kind": "test"}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with one city."""
    async with connect(database_url, size=4) as opened:
        async with opened.transaction() as session:
            document = a_document(an_indicator())
            await load_plan(session, document=document, actor=ACTOR, now=Clock().now())
        yield opened


def a_year(*rest: str, year: int = 2027, source: str = "通知") -> Announcement:
    return Announcement.of(
        year, source, [AnnouncedDay(date.fromisoformat(day), "rest") for day in rest]
    )


async def announce(database: Database, announcement: Announcement, code: str = "CN") -> int:
    async with database.transaction() as session:
        return await announce_year(
            session,
            city_code=CITY,
            code=code,
            announcement=announcement,
            actor=ACTOR,
            now=Clock().now(),
        )


async def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    async with database.sessions() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


async def test_a_city_begins_with_the_known_years_however_often_it_is_begun(
    database: Database,
) -> None:
    counted = "SELECT count(*), min(year), max(year) FROM calendar_year"
    days = "SELECT count(*) FROM calendar_day WHERE source LIKE '%chinesecalendar%'"
    assert await rows(database, counted) == [(23, 2004, 2026)]
    began = await rows(database, days)
    async with database.transaction() as session:
        await begin_calendar(session, city_code=CITY, actor=ACTOR, now=Clock().now())
    assert await rows(database, counted) == [(23, 2004, 2026)]
    assert await rows(database, days) == began
    assert await rows(database, "SELECT version, actor FROM calendar_history") == [(1, ACTOR)]
    told = "SELECT count(*) FROM event WHERE type = 'calendar.changed'"
    assert await rows(database, told) == [(0,)]


async def test_a_calendar_is_read_once_and_again_when_it_changed(database: Database) -> None:
    asked: list[str] = []

    def note(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.sessions() as session:
        first = await queries.working_calendar(session, CITY, "CN")
        asked.clear()
        assert await queries.working_calendar(session, CITY, "CN") is first
    assert len(asked) == 1
    assert "calendar_history" in asked[0]
    assert first.status(date(2027, 1, 4)) == "provisional"
    await announce(database, a_year("2027-01-04"))
    async with database.sessions() as session:
        second = await queries.working_calendar(session, CITY, "CN")
    assert (second.version, second.is_workday(date(2027, 1, 4))) == (2, False)
    assert second.status(date(2027, 1, 4)) == "official"
    assert second.is_workday(date(2026, 10, 10))


async def test_a_change_that_was_undone_is_not_remembered(database: Database) -> None:
    async with database.sessions() as session, session.begin() as undone:
        await announce_year(
            session,
            city_code=CITY,
            code="CN",
            announcement=a_year("2027-01-04"),
            actor=ACTOR,
            now=Clock().now(),
        )
        seen = await queries.working_calendar(session, CITY, "CN")
        assert not seen.is_workday(date(2027, 1, 4))
        await undone.rollback()
    await announce(database, a_year("2027-01-05"))
    async with database.sessions() as session:
        seen = await queries.working_calendar(session, CITY, "CN")
    assert (seen.version, seen.is_workday(date(2027, 1, 4))) == (2, True)


async def test_a_calendar_of_which_nothing_is_known_is_the_week(database: Database) -> None:
    async with database.sessions() as session:
        unknown = await queries.working_calendar(session, CITY, "XX")
        elsewhere = await queries.working_calendar(session, "000000", "CN")
    for calendar in (unknown, elsewhere):
        assert (calendar.version, calendar.official_years) == (0, frozenset())
        assert calendar.is_workday(date(2026, 10, 5)), "nobody said that the week is one of rest"
        assert not calendar.is_workday(date(2026, 10, 1)), "this the law says every year"


async def test_a_year_replaced_twice_leaves_both_in_its_history(database: Database) -> None:
    assert await announce(database, a_year("2027-01-04", "2027-01-05")) == 2
    assert await announce(database, a_year("2027-01-04", "2027-01-05")) == 2
    assert await announce(database, a_year("2027-01-06", source="更正")) == 3
    assert await rows(
        database, "SELECT day, source FROM calendar_day WHERE day > '2027-01-01'"
    ) == [(date(2027, 1, 6), "更正")]
    kept = await rows(
        database, "SELECT version, years->'2027'->>'source' FROM calendar_history ORDER BY 1"
    )
    assert kept == [(1, None), (2, "通知"), (3, "更正")]
    told = await rows(
        database,
        "SELECT data, plan_code FROM event WHERE type = 'calendar.changed' ORDER BY id",
    )
    assert told == [
        ({"code": "CN", "year": 2027, "version": 2, "source": "通知"}, None),
        ({"code": "CN", "year": 2027, "version": 3, "source": "更正"}, None),
    ]


async def test_a_calendar_can_be_read_as_it_was_at_each_change(database: Database) -> None:
    await announce(database, a_year("2027-01-04"))
    await announce(database, a_year("2027-01-05"))
    async with database.sessions() as session:
        since = await queries.calendars_since(session, CITY, "CN", 1)
        now = await queries.working_calendar(session, CITY, "CN")
        every = await queries.calendars_since(session, CITY, "CN", 0)
    assert [calendar.version for calendar in since] == [1, 2, 3]
    assert [calendar.version for calendar in every] == [0, 1, 2, 3]
    monday, tuesday = date(2027, 1, 4), date(2027, 1, 5)
    worked = [(each.is_workday(monday), each.is_workday(tuesday)) for each in since]
    assert worked == [(True, True), (False, True), (True, False)]
    assert since[-1] == now


async def test_two_who_announce_at_once_come_one_after_the_other(database: Database) -> None:
    versions = await asyncio.gather(
        announce(database, a_year("2027-01-04")),
        announce(database, a_year("2028-01-04", year=2028)),
    )
    assert sorted(versions) == [2, 3]
    assert await rows(database, "SELECT count(*) FROM calendar_year WHERE year > 2026") == [(2,)]


async def test_a_city_may_keep_another_calendar_beside_it(database: Database) -> None:
    assert await announce(database, a_year("2027-03-03"), code="410183") == 1
    async with database.sessions() as session:
        own = await queries.working_calendar(session, CITY, "410183")
        common = await queries.working_calendar(session, CITY, "CN")
        listed = await queries.announced_years(session, CITY, limit=100)
        lacking = await queries.cities_without(session, "CN", 2027)
    assert (own.official_years, own.is_workday(date(2027, 3, 3))) == (frozenset({2027}), False)
    assert common.is_workday(date(2027, 3, 3))
    assert {row.calendar_code for row in listed} == {"410183", "CN"}
    assert lacking == 1
