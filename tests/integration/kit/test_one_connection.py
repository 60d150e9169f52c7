"""A unit of work holds one connection, and gives it back however it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import text

from services.core.kit.database import Database, connect
from services.core.kit.one_connection import SecondConnection, has_committed, unit_of_work


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with two connections of either sort."""
    async with connect(database_url, size=2) as opened:
        yield opened


async def _by_session(database: Database) -> int:
    async with database.sessions() as session:
        return int(await session.scalar(text("SELECT 1")) or 0)


async def _bare(database: Database) -> int:
    return int(await database.pool.fetchval("SELECT 1"))


@pytest.mark.parametrize("second", [_by_session, _bare])
async def test_whoever_holds_a_session_gets_no_second_connection(
    database: Database, second: object
) -> None:
    assert callable(second)
    async with database.sessions() as session:
        _ = await session.connection()
        with pytest.raises(SecondConnection):
            await second(database)
    assert await second(database) == 1


@pytest.mark.parametrize("second", [_by_session, _bare])
async def test_whoever_holds_a_bare_connection_gets_no_second(
    database: Database, second: object
) -> None:
    assert callable(second)
    async with database.pool.acquire():
        with pytest.raises(SecondConnection):
            await second(database)
    assert await second(database) == 1


async def test_a_session_that_asked_for_nothing_yet_holds_none(database: Database) -> None:
    async with database.sessions() as session:
        assert await _bare(database) == 1
        assert await session.scalar(text("SELECT 2")) == 2


async def test_the_tasks_of_a_unit_hold_one_together(database: Database) -> None:
    async def hold() -> None:
        async with database.sessions() as session:
            await session.execute(text("SELECT pg_sleep(0.2)"))

    with unit_of_work():
        outcomes = await asyncio.gather(hold(), hold(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "SecondConnection"]


async def test_tasks_that_are_no_unit_hold_one_each(database: Database) -> None:
    assert await _bare(database) == 1  # what the starter once held is no matter of theirs
    async with database.pool.acquire():
        pass

    async def hold() -> None:
        async with database.sessions() as session:
            await session.execute(text("SELECT pg_sleep(0.2)"))

    await asyncio.gather(hold(), hold())


async def test_a_connection_is_given_back_however_its_use_ends(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1 / 0"))

    async def break_off() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async def cancelled() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05), database.transaction() as session:
                await session.execute(text("SELECT pg_sleep(60)"))

    with unit_of_work():
        for use in (fail, break_off, cancelled):
            with suppress(Exception):
                await use()
            assert await _by_session(database) == 1
            assert await _bare(database) == 1


async def test_a_unit_of_work_knows_whether_it_has_committed(database: Database) -> None:
    with unit_of_work():
        assert await _by_session(database) == 1
        assert not has_committed()
        with suppress(ZeroDivisionError):
            async with database.transaction() as session:
                await session.execute(text("SELECT 1"))
                raise ZeroDivisionError
        assert not has_committed()
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            assert not has_committed()
        assert has_committed()
    with unit_of_work():
        assert not has_committed()
