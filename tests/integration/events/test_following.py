"""The one loop in which readers follow the log, whatever its readers do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.queries import LogStretch
from services.core.events.reading import LOG_CHANNEL, Follower, follow, lock_cursor, pass_over
from services.core.events.service import NewEvent, number_committed, record
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect

CITY = "410183"
CLOCK = Clock()
SIX: tuple[EventType, ...] = ("plan.published",) * 6


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=4) as database:
        yield database


async def _happen(database: Database, *types: EventType) -> None:
    for type_ in types:
        async with database.transaction() as session:
            event = NewEvent(CITY, None, type_, "plan", "x", None, {}, {}, Clock.true_now())
            await record(session, event)
        async with database.transaction() as session:
            await number_committed(session, CITY)


@dataclass
class _Heard:
    """A reader that notes what it was given, and reads as far as `reaches` says."""

    reaches: Callable[[LogStretch], int | None] = lambda _: None
    stretches: list[tuple[int, int, list[int]]] = field(default_factory=list)

    async def handle(
        self, _session: AsyncSession, _city: str, stretch: LogStretch, _clock: Clock
    ) -> int | None:
        positions = [event.position for event in stretch.events]
        self.stretches.append((stretch.after, stretch.upto, positions))
        return self.reaches(stretch)

    def follower(self, *, announces: bool = False) -> Follower:
        return Follower("test", ("plan.published",), self.handle, 10, announces)


async def _turn(database: Database, follower: Follower, most: int | None = None) -> bool:
    async with database.transaction() as session:
        return await follow(session, CITY, follower, CLOCK, most=most) is not None


async def test_a_reader_is_given_every_position_once_and_only_the_types_it_hears(
    database: Database,
) -> None:
    await _happen(database, "plan.published", "score.updated", "plan.published", "score.updated")
    heard = _Heard()
    follower = heard.follower()
    while await _turn(database, follower, 3):
        pass
    assert heard.stretches == [(0, 3, [1, 3]), (3, 4, [])]


async def _position(database: Database, reader: str) -> int:
    async with database.transaction() as session:
        return await lock_cursor(session, CITY, reader=reader)


async def test_who_passes_over_comes_to_stand_before_what_it_hears(database: Database) -> None:
    await _happen(database, "plan.published", "score.updated", "score.updated", "plan.published")
    heard = _Heard()
    passing = replace(heard.follower(), passes_over=True)
    other = replace(passing, reader="other", types=("milestone.closed",))
    third = replace(passing, reader="third", passes_over=False, types=other.types)
    for reader in (passing, other, third):
        assert await _position(database, reader.reader) == 0

    async def pass_on(most: int = 10) -> list[int]:
        async with database.transaction() as session:
            through = await pass_over(session, CITY, [passing, other, third], most=most)
        assert set(through) <= {"other"}, "the first hears something, the third is not asked"
        return [await _position(database, one.reader) for one in (passing, other, third)]

    assert await pass_on(most=3) == [0, 3, 0], "what it hears comes first; no more than was read"
    assert await _turn(database, passing, 1)
    assert await pass_on() == [3, 4, 0]
    assert await pass_on() == [3, 4, 0]
    assert await _turn(database, passing)
    assert heard.stretches == [(0, 1, [1]), (3, 4, [4])]


async def test_a_cursor_that_is_held_is_not_passed_over(database: Database) -> None:
    await _happen(database, "score.updated")
    passing = replace(_Heard().follower(), passes_over=True)
    async with database.transaction() as session:
        await lock_cursor(session, CITY, reader=passing.reader)
    held, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as session:
            await lock_cursor(session, CITY, reader=passing.reader)
            held.set()
            await done.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    async with database.transaction() as session:
        await pass_over(session, CITY, [passing])
    done.set()
    await holding
    assert await _position(database, passing.reader) == 0


async def test_a_reader_without_news_is_not_called(database: Database) -> None:
    heard = _Heard()
    assert not await _turn(database, heard.follower())
    assert heard.stretches == []


async def test_what_a_reader_leaves_it_meets_again(database: Database) -> None:
    await _happen(database, "plan.published", "plan.published", "plan.published")
    heard = _Heard(lambda stretch: stretch.after + 1)
    follower = heard.follower()
    assert await _turn(database, follower)
    assert await _turn(database, follower)
    assert [positions for _, _, positions in heard.stretches] == [[1, 2, 3], [2, 3]]


async def test_a_reader_that_comes_no_further_says_so(database: Database) -> None:
    await _happen(database, "plan.published")
    heard = _Heard(lambda stretch: stretch.after)
    assert not await _turn(database, heard.follower())
    assert not await _turn(database, heard.follower())
    assert heard.stretches == [(0, 1, [1])] * 2


async def test_what_was_done_is_lost_with_the_move_or_kept_with_it(database: Database) -> None:
    await _happen(database, "plan.published")
    heard = _Heard()
    async with database.sessions() as session:
        assert await follow(session, CITY, heard.follower(), CLOCK)
        await session.rollback()
    assert await _turn(database, heard.follower())
    assert not await _turn(database, heard.follower())
    assert heard.stretches == [(0, 1, [1])] * 2


async def test_two_at_once_do_not_do_the_same(database: Database) -> None:
    await _happen(database, *SIX)
    heard = _Heard()
    follower = heard.follower()

    async def to_the_end() -> None:
        while await _turn(database, follower, 1):
            pass

    await asyncio.gather(*(to_the_end() for _ in range(3)))
    assert sorted(heard.stretches) == [(at, at + 1, [at + 1]) for at in range(6)]


async def test_a_cursor_that_somebody_holds_is_waited_for(database: Database) -> None:
    await _happen(database, "plan.published")
    heard = _Heard()
    held, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as session:
            assert await lock_cursor(session, CITY, reader="test") == 0
            held.set()
            await release.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    async with database.sessions() as session:
        await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(DBAPIError, match="lock timeout"):
            await follow(session, CITY, heard.follower(), CLOCK)
    release.set()
    await holding
    assert heard.stretches == []
    assert await _turn(database, heard.follower())


@pytest.mark.parametrize("announces", [True, False])
async def test_doors_hear_of_a_move_only_where_a_reader_announces(
    database: Database, *, announces: bool
) -> None:
    await _happen(database, "plan.published")
    listening = await asyncpg.connect(database.dsn)
    said: list[str] = []
    all_said = asyncio.Event()

    def hear(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        said.append(payload)
        if payload == "the end":
            all_said.set()

    await listening.add_listener(LOG_CHANNEL, hear)
    try:
        assert await _turn(database, _Heard().follower(announces=announces))
        await database.pool.execute("SELECT pg_notify($1, 'the end')", LOG_CHANNEL)
        await all_said.wait()
    finally:
        await listening.close()
    assert said[:-1] == ([f"{CITY}:1"] if announces else [])
