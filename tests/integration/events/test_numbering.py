"""Events get their numbers after commit: no reader ever passes one by, whoever commits late."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.queries import cities_behind, log_position
from services.core.events.service import NewEvent, begin_log, number_committed, record
from services.core.events.statements import pending_insert
from services.core.feed.queries import EventFilter, events_after
from services.core.identity.actor import operator
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.one_connection import unit_of_work

CITY = "410183"
OTHER = "410184"

OFFICE = replace(operator(CITY), role="office")
"""Sees every event of its city."""

WRITERS = 20
TURNS = 6


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=WRITERS + 4) as opened:
        yield opened


def _happening(subject: str, city_code: str = CITY) -> NewEvent:
    return NewEvent(
        city_code=city_code,
        plan_code=None,
        type="submission.changed",
        subject_kind="submission",
        subject_id=subject,
        organization_code="UN15",
        actor={"kind": "test"},
        data={},
        occurred_at=Clock.true_now(),
    )


async def _write(database: Database, *subjects: str, city_code: str = CITY) -> list[UUID]:
    async with database.transaction() as session:
        await begin_log(session, city_code)
        return await record(session, *(_happening(each, city_code) for each in subjects))


async def _number(database: Database, *, most: int = 2000, city_code: str = CITY) -> int:
    async with database.transaction() as session:
        return await number_committed(session, city_code, most=most)


async def _read(session: AsyncSession, after: int, limit: int = 1000) -> list[tuple[int, UUID]]:
    found = await events_after(
        session, OFFICE, city_code=CITY, position=after, wanted=EventFilter(), limit=limit
    )
    return [(each.position, each.event.id) for each in found.events]


async def _write_slowly(database: Database, writer: int) -> list[UUID]:
    """Hold some transactions open for a while after their events were made; give up a few."""
    committed: list[UUID] = []
    for turn in range(TURNS):
        mixed = writer * 7919 + turn * 104729
        names = [f"{writer}/{turn}/{number}" for number in range(1 + mixed % 3)]
        async with database.sessions() as session:
            ids = await record(session, *(_happening(name) for name in names))
            await asyncio.sleep(mixed % 97 / 1000)
            if mixed % 5 == 0:
                await session.rollback()
                continue
            await session.commit()
        committed += ids
    return committed


async def _drain(database: Database, finished: asyncio.Event) -> int:
    numbered = 0
    while True:
        last_round = finished.is_set()
        while count := await _number(database, most=3):
            numbered += count
        if last_round:
            return numbered
        await asyncio.sleep(0.002)


async def _follow(database: Database, drained: asyncio.Event) -> list[tuple[int, UUID]]:
    """Read the log as it grows, by no other means than the last position seen."""
    served: list[tuple[int, UUID]] = []
    while True:
        last_round = drained.is_set()
        async with database.sessions() as session:
            while page := await _read(session, served[-1][0] if served else 0, limit=7):
                served += page
        if last_round:
            return served
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("drainers", [1, 2])
async def test_a_reader_sees_every_committed_event_once_and_in_order(
    database: Database, drainers: int
) -> None:
    finished, drained = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(_follow(database, drained))
        draining = [tasks.create_task(_drain(database, finished)) for _ in range(drainers)]
        writing = [tasks.create_task(_write_slowly(database, each)) for each in range(WRITERS)]
        committed = [event for each in writing for event in await each]
        finished.set()
        numbered = sum([await each for each in draining])
        drained.set()
    served = following.result()
    assert len(committed) > WRITERS
    assert numbered == len(committed)
    assert [position for position, _ in served] == list(range(1, len(committed) + 1))
    assert sorted(event for _, event in served) == sorted(committed)
    async with database.sessions() as session:
        assert await _read(session, 0) == served, "something appeared behind what was served"
        assert await log_position(session, CITY) == len(committed)
        assert await cities_behind(session, readers=["nobody"]) == [CITY]


async def test_who_commits_late_comes_later_whatever_its_id(database: Database) -> None:
    async with database.transaction() as slow:
        first = await record(slow, _happening("slow"))
        with unit_of_work():  # others, while the slow one holds its connection
            second = await _write(database, "quick")
            assert first < second
            assert await _number(database) == 1
    assert await _number(database) == 1
    async with database.sessions() as session:
        assert await _read(session, 0) == [(1, second[0]), (2, first[0])]


async def test_a_drain_killed_before_its_commit_gives_the_same_numbers_again(
    database: Database,
) -> None:
    ids = await _write(database, "a", "b")
    async with database.sessions() as session:
        assert await number_committed(session, CITY) == 2
        await session.rollback()
    async with database.sessions() as session:
        assert await _read(session, 0) == []
    assert await _number(database) == 2
    async with database.sessions() as session:
        assert await _read(session, 0) == [(1, ids[0]), (2, ids[1])]


async def test_a_drain_takes_no_more_than_it_is_told(database: Database) -> None:
    ids = await _write(database, *"abcde")
    assert [await _number(database, most=2) for _ in range(4)] == [2, 2, 1, 0]
    async with database.sessions() as session:
        assert [event for _, event in await _read(session, 0)] == ids


async def test_every_city_counts_for_itself(database: Database) -> None:
    await _write(database, "a", "b")
    await _write(database, "c", city_code=OTHER)
    assert await _number(database, city_code=OTHER) == 1
    async with database.sessions() as session:
        assert await log_position(session, OTHER) == 1
        assert await log_position(session, CITY) == 0
        assert sorted(await cities_behind(session, readers=["nobody"])) == [CITY, OTHER]


async def test_nothing_to_number_writes_nothing(database: Database) -> None:
    await _write(database, "a")
    await _number(database)
    async with database.sessions() as session:
        before = await session.scalar(text("SELECT ctid::text FROM log_head"))
    assert await _number(database) == 0
    async with database.sessions() as session:
        assert await session.scalar(text("SELECT ctid::text FROM log_head")) == before


async def test_the_work_of_a_drain_does_not_grow_with_what_waits(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(pending_insert("SELECT :city, gen_random_uuid() FROM generate_series(1, 100000)")),
            {"city": CITY},
        )
    async with database.transaction() as session:
        assert await number_committed(session, CITY, most=500) == 500
        read = await session.scalar(
            text(
                "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
                " FROM pg_stat_xact_user_tables WHERE relname LIKE 'event%'"
            )
        )
    assert read < 2000
