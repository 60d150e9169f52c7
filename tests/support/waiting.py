"""Waiting until requests have come to a lock, so that a race is held and not hoped for."""

import asyncio

from services.core.kit.database import Database

_WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def wait_for_lock_waiters(database: Database, number: int) -> None:
    """Return once so many connections to this database wait for a lock of any kind."""
    async with asyncio.timeout(60):
        while await database.pool.fetchval(_WAITERS) < number:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.02)
