"""The one loop that does the work: number what was committed, then let readers follow.

Woken by the doorbell, and by a timer where no doorbell rings. All state is in Postgres: it
may be killed at any line, run twice or run beside another.
"""

import asyncio
import logging

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from services.core.events.queries import cities_behind
from services.core.events.service import number_committed
from services.core.identity.queries import city_codes
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.idempotency import forget_old
from services.core.scoring.service import READER, follow_date, follow_log

logger = logging.getLogger("wufei.worker")

LOOK_EVERY_SECONDS = 1.0
"""How long a lost ring can go unnoticed."""

_PAUSE_SECONDS = 0.5


class Reactor:
    """Reacts to the log of every city."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    async def run(self) -> None:
        """React for ever; an absent database is waited for."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self.react()
            except (
                SQLAlchemyError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                OSError,
            ) as error:
                logger.warning("work put off: %s: %s", type(error).__name__, str(error)[:200])
                await asyncio.sleep(_PAUSE_SECONDS)
                self._woken.set()

    async def react(self) -> None:
        """Do all the work there is, city by city."""
        async with self._database.sessions() as session:
            waiting = await cities_behind(session, reader=READER)
        for city_code in waiting:
            await self._follow(city_code)

    async def _follow(self, city_code: str) -> None:
        more = True
        while more:
            async with self._database.transaction() as session:
                numbered = await number_committed(session, city_code)
            async with self._database.transaction() as session:
                followed = await follow_log(session, city_code, clock=self._clock)
            more = bool(numbered) or followed

    async def sweep(self) -> None:
        """Do what no event asks for: what fell due by the date alone, and what is too old."""
        async with self._database.sessions() as session:
            cities = await city_codes(session)
        for city_code in cities:
            async with self._database.transaction() as session:
                await follow_date(session, city_code, clock=self._clock)
        async with self._database.transaction() as session:
            await forget_old(session, now=self._clock.true_now())
        self.wake()
