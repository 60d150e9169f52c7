"""Tables that are locked, and the workers who wait for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.support.api import Door
from tests.support.owner import owner_of


@asynccontextmanager
async def locked(door: Door, table: str, mode: str) -> AsyncIterator[None]:
    """Let whoever writes to a table wait."""
    connection = await asyncpg.connect(owner_of(door.held.database.dsn))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN {mode} MODE")
            yield
    finally:
        await connection.close()


async def worker_waits(door: Door) -> bool:
    """Whether a worker stands in the middle of something."""
    return bool(
        await door.held.database.pool.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'wufei-worker' AND wait_event_type = 'Lock'"
        )
    )
