"""Verifies a long chain of the audit with several processes, one for each processor.

Hashing is bound by the processor, and one process uses only one. Each process has a connection of
its own, and all see the snapshot of the connection that started them.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from services.core.audit.walking import ChainStretch, Walk, Walked, walk
from services.core.kit.city_scope import enter_with
from services.core.kit.server_address import open_connection

WORTH = 60_000
"""Fewest links per process, because starting another process takes about a second."""


def processes_for(links: int) -> int:
    """Return the number of processes to check so many links; 1: no further process."""
    return max(1, min(os.cpu_count() or 1, links // WORTH))


def walkers(url: str, snapshot: str) -> Walk:
    """Return a walker of stretches in the database of `url`, in an exported snapshot."""

    async def walk_apart(some: Sequence[ChainStretch]) -> list[Walked | None]:
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(max(1, len(some)), mp_context=get_context("spawn")) as pool:
            begun = [loop.run_in_executor(pool, _walk, url, snapshot, one) for one in some]
            return list(await asyncio.gather(*begun))

    return walk_apart


def _walk(url: str, snapshot: str, stretch: ChainStretch) -> Walked | None:
    return asyncio.run(_walk_in(url, snapshot, stretch))


async def _walk_in(url: str, snapshot: str, stretch: ChainStretch) -> Walked | None:
    connection = await open_connection(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # The snapshot's name comes from the server, not from a caller.
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            await enter_with(connection, stretch.city_code)
            return await walk(connection, stretch)
    finally:
        await connection.close()
