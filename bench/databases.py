"""A database for one measurement, and how long work on it takes."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from bench.system import System
from services.console.schema import upgrade
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.identity.actor import system as system_actor
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.scoring.service import FOLLOWER

_ACTOR = system_actor("bench")
CLOCK = Clock()


@asynccontextmanager
async def fresh_database(system: System, name: str, plan: PlanDocument) -> AsyncIterator[Database]:
    """Yield a new database of the same server with `plan` loaded and followed."""
    server = await asyncpg.connect(system.database_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = system.database_url.rsplit("/", 1)[0] + f"/{name}"
    try:
        await upgrade(url)
        async with connect(url, size=4) as database:
            async with database.transaction() as session:
                await load_plan(session, document=plan, actor=_ACTOR, now=CLOCK.now())
            await follow_all(database, plan.city.code)
            yield database
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def follow_once(database: Database, city_code: str) -> bool:
    """Number and follow what was committed; return whether there was anything."""
    async with database.transaction() as session:
        numbered = await number_committed(session, city_code)
    async with database.transaction() as session:
        followed = await follow(session, city_code, FOLLOWER, CLOCK)
    return followed is not None or numbered > 0


async def follow_all(database: Database, city_code: str) -> None:
    """Follow until nothing is left."""
    while await follow_once(database, city_code):
        pass


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    """Return how many seconds work takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started
