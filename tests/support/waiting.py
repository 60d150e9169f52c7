"""Guards held shut from outside until requests wait for them: a race is held, not hoped for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

T = TypeVar("T")

_WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_NAME = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


@asynccontextmanager
async def another(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection with a transaction of somebody else's, committed at the end."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


async def _waiters(connection: asyncpg.Connection) -> int:
    # A transaction sees one picture of the activity, unless it asks for a new one.
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    return int(await connection.fetchval(_WAITERS))


async def all_wait(
    dsn: str,
    *asked: Awaitable[T],
    name: str = "",
    statement: str = "",
    values: tuple[object, ...] = (),
) -> list[T]:
    """Return what is answered to those who all waited for a guard that somebody else held.

    The guard is a lock's `name`, or rows that a `statement` changes or locks.
    """
    async with another(dsn) as other:
        if name:
            await other.execute(_NAME, name)
        if statement:
            await other.execute(statement, *values)
        running = [asyncio.ensure_future(one) for one in asked]
        async with asyncio.timeout(30):
            while await _waiters(other) < len(running):
                early = [one.result() for one in running if one.done()]
                assert not early, f"did not wait: {[getattr(one, 'text', one) for one in early]}"
                await asyncio.sleep(0.02)
    return list(await asyncio.gather(*running))
