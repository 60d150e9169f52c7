"""The one loop that does the work: number what was committed, then let readers follow.

Woken by the doorbell, and by a timer where no doorbell rings. All state is in Postgres: it
may be killed at any line, run twice or run beside another.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass

from services.core.events.queries import cities_behind, next_unread
from services.core.events.service import beat, forget_silent, number_committed
from services.core.identity.queries import city_codes
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.idempotency import forget_old
from services.core.kit.ids import new_id
from services.core.kit.outage import cause_of, is_away, is_contended, is_unable
from services.core.scoring.service import READER, follow_date, follow_log

logger = logging.getLogger("wufei.worker")

LOOK_EVERY_SECONDS = 1.0
"""How long a lost ring can go unnoticed."""

BEAT_EVERY_SECONDS = 10.0
"""How often it says that it goes on."""

_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A city whose log could not be followed so many times, and when it is tried again."""

    times: int
    again_at: float


class Reactor:
    """Reacts to the log of every city; unless woken it looks for work every `look_every` s."""

    def __init__(
        self, database: Database, clock: Clock, *, look_every: float = LOOK_EVERY_SECONDS
    ) -> None:
        self._database = database
        self._clock = clock
        self._look_every = look_every
        self._woken = asyncio.Event()
        self._sweep_wanted = False
        self._away = False
        self._say_again_at = 0.0
        self._troubles: dict[str, _Trouble] = {}
        self._id = new_id()
        self._beat_again_at = 0.0

    def wake(self, *, sweep: bool = False) -> None:
        """Look for work now; with `sweep`, also for what no event asks for."""
        self._sweep_wanted |= sweep
        self._woken.set()

    async def run(self) -> None:
        """React for ever; an absent database is waited for."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_every):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.react()
                if self._sweep_wanted:
                    await self.sweep()
                    self._sweep_wanted = False
                    self._woken.set()
                self._came_back()
            except Exception as error:  # noqa: BLE001 (no fault may end the only loop there is)
                self._put_off(error)
                await asyncio.sleep(_PAUSE_SECONDS)
                self._woken.set()

    async def react(self) -> None:
        """Do all the work there is, city by city."""
        async with self._database.sessions() as session:
            waiting = await cities_behind(session, reader=READER)
        await self._beat()
        for city_code in waiting:
            trouble = self._troubles.get(city_code)
            if trouble is None or trouble.again_at <= time.monotonic():
                await self._follow(city_code)

    async def sweep(self) -> None:
        """Do what no event asks for: what fell due by the date alone, and what is too old."""
        async with self._database.sessions() as session:
            cities = await city_codes(session)
        for city_code in cities:
            await self._beat()
            try:
                async with self._database.transaction() as session:
                    await follow_date(session, city_code, clock=self._clock)
            except Exception as error:
                if is_away(error):
                    raise
                logger.warning("city %s: date not followed", city_code, exc_info=_unless_met(error))
        async with self._database.transaction() as session:
            await forget_old(session, now=self._clock.true_now())
            await forget_silent(session, now=self._clock.true_now())

    async def _follow(self, city_code: str) -> None:
        """Follow a city to the end of its log, or up to the event that cannot be followed.

        After a fault it goes on event by event: what comes before the bad one is done, and
        the log says which one it is. None is ever passed over.
        """
        failed: Exception | None = None
        for at_once in (_AT_ONCE, 1):
            try:
                await self._to_the_end(city_code, at_once)
            except Exception as error:
                if is_away(error):
                    raise
                failed = error
            else:
                self._got_well(city_code)
                return
        assert failed is not None  # noqa: S101 (the loop ends by return otherwise)
        await self._note_trouble(city_code, failed)

    async def _to_the_end(self, city_code: str, at_once: int) -> None:
        more = True
        while more:
            async with self._database.transaction() as session:
                numbered = await number_committed(session, city_code)
            async with self._database.transaction() as session:
                followed = await follow_log(session, city_code, clock=self._clock, most=at_once)
            await self._beat()
            more = bool(numbered) or followed

    async def _beat(self) -> None:
        """Write down now and then that the work goes on; a fault in this must not hold it up."""
        if time.monotonic() < self._beat_again_at:
            return
        self._beat_again_at = time.monotonic() + BEAT_EVERY_SECONDS
        try:
            async with self._database.transaction() as session:
                cities = await city_codes(session)
                await beat(session, cities, worker_id=self._id, now=self._clock.true_now())
        except Exception as error:
            if is_away(error):
                raise
            logger.warning("no heartbeat was written", exc_info=_unless_met(error))

    async def _note_trouble(self, city_code: str, error: Exception) -> None:
        before = self._troubles.get(city_code)
        times = before.times + 1 if before else 1
        pause = min(_LONGEST_PAUSE_SECONDS, _PAUSE_SECONDS * 2.0**times)
        self._troubles[city_code] = _Trouble(times, time.monotonic() + pause)
        async with self._database.sessions() as session:
            unread = await next_unread(session, city_code, reader=READER)
        logger.log(
            _gravity(error),
            "city %s stands before %s and is tried again in %.0f s: %s: %s",
            city_code,
            f"event {unread.position} ({unread.type})" if unread else "its next number",
            pause,
            type(cause_of(error)).__name__,
            str(cause_of(error))[:200],
            exc_info=_unless_met(error) if times == 1 else None,
        )

    def _got_well(self, city_code: str) -> None:
        if self._troubles.pop(city_code, None) is not None:
            logger.info("city %s is followed again", city_code)

    def _put_off(self, error: Exception) -> None:
        """Say so once a minute; what is no outage is said with all that is known."""
        if self._away and time.monotonic() < self._say_again_at:
            return
        self._say_again_at = time.monotonic() + _LONGEST_PAUSE_SECONDS
        self._away = True
        cause = cause_of(error)
        if is_away(error):
            logger.warning("the database is away, work is put off: %s", type(cause).__name__)
        else:
            logger.log(
                _gravity(error),
                "work is put off: %s: %s",
                type(cause).__name__,
                str(cause)[:200],
                exc_info=_unless_met(error),
            )

    def _came_back(self) -> None:
        if self._away:
            self._away = False
            logger.info("the database is back, work goes on")


def _unless_met(error: Exception) -> Exception | None:
    """Return an error for its traceback, None where it is the database's trouble, not ours."""
    return None if is_contended(error) or is_unable(error) else error


def _gravity(error: Exception) -> int:
    return logging.WARNING if _unless_met(error) is None else logging.ERROR
