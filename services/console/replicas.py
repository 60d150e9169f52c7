"""Says of each replica whether readings may go to it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg

from services.console.settings import Settings
from services.core.kit.outage import told_of
from services.core.kit.server_address import open_connection, server_name
from services.core.kit.wal_watch import Place, cluster_of, how_far

_LOOKS_EVERY_SECONDS = 0.1


async def look_at_replicas(primary_url: str, settings: Settings) -> AsyncIterator[tuple[str, bool]]:
    """Yield of each replica what was seen, and whether readings go to it."""
    for url in settings.replica_urls:
        try:
            seen, good = await _seen(primary_url, url, settings.replica_lag)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            seen, good = told_of(error), False
        rest = "" if good else "; readings go to the primary meanwhile"
        yield f"{server_name(url)} {seen}{rest}", good


async def _seen(primary_url: str, url: str, within: float) -> tuple[str, bool]:
    wanted = await _place(primary_url)
    replica = await open_connection(url, timeout=5)
    try:
        place = await how_far(replica, await cluster_of(replica))
        if not place.replays:
            return "is no replica, it takes writes: take it out of DATABASE_REPLICA_URL", False
        if place.of != wanted.of:
            return "is no replica of the database of DATABASE_URL", False
        # What the primary had when it was asked, the replica must have not much later.
        while place.wal < wanted.wal:
            if place.asked_at - wanted.asked_at > within:
                return f"is more than {within:g} s behind: see whether it still replays", False
            await asyncio.sleep(_LOOKS_EVERY_SECONDS)
            place = await how_far(replica, place.of)
    finally:
        await replica.close()
    return f"is less than {within:g} s behind", True


async def _place(url: str) -> Place:
    connection = await open_connection(url, timeout=5)
    try:
        return await how_far(connection, await cluster_of(connection))
    finally:
        await connection.close()
