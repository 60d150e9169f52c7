"""The main loop of the worker: number the committed events, then let the readers follow them.

The doorbell wakes it, or a timer where no doorbell rings. All state is in Postgres: it may be
killed at any line, run twice or run beside another.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.connectors import following as connectors
from services.core.events.queries import NUMBERING, cities_behind, next_unread
from services.core.events.reading import Followed, Follower, NumberedEvents, follow, pass_over
from services.core.events.service import beat, begin_log, forget_silent, number_committed
from services.core.followers import DATE_FOLLOWERS, FOLLOWERS, READERS, UNHURRIED, FollowDate
from services.core.gateways.counted import forget_old_calls
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.idempotency import forget_old
from services.core.kit.ids import new_id
from services.core.kit.outage import cause_in_words, is_away
from services.core.kit.partitions import CutTable
from services.core.kit.statistics import count_grown
from services.core.partitions import cut_tables
from services.core.people.sessions import forget_old_sessions
from services.core.submissions.batch.previews import forget_previews
from services.core.sync.service import forget_old_writes
from services.core.webhooks import planning, recovery
from services.worker.interruption import severity, traceback_of
from services.worker.loops import keep_working
from services.worker.metrics import BY_DATE
from services.worker.observing import a_failure, a_turn, holding_up_no_other, in_trouble
from services.worker.rests import Rests
from services.worker.upkeep import tend_tables

logger = logging.getLogger("wufei.worker")

LOOK_EVERY_SECONDS = 1.0
"""How long a lost ring can go unnoticed, in seconds."""

BEAT_EVERY_SECONDS = 10.0
"""How often it writes its heartbeat, in seconds."""

_COUNT_EVERY_SECONDS = 0.5
"""How often it looks for tables that have doubled, while there is work."""

_OLD = "old"
"""The name, in `Rests`, of the clean-up of old rows of a city."""

_MOST_TURNS = 20
"""Turns that a reader takes in a round: one that is far behind holds up no other city."""

_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_DOUBLINGS = 10
"""Limits the exponent, which would otherwise grow until the power overflows."""


async def _number(
    session: AsyncSession, city_code: str, _clock: Clock, most: int
) -> NumberedEvents | None:
    number = await number_committed(session, city_code, most=most)
    if not number:
        return None
    return NumberedEvents(number, await pass_over(session, city_code, FOLLOWERS))


Done = Followed | NumberedEvents
"""The result of a step."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A part of every pass: `take` does up to `at_once` of its work, and returns what it did."""

    reader: str
    take: Callable[[AsyncSession, str, Clock, int], Coroutine[Any, Any, Done | None]]
    at_once: int


def _reading(follower: Follower) -> _Step:
    async def take(
        session: AsyncSession, city_code: str, clock: Clock, most: int
    ) -> Followed | None:
        return await follow(session, city_code, follower, clock, most=most)

    return _Step(follower.reader, take, follower.at_once)


_NUMBERING = _Step(NUMBERING, _number, at_once=2000)
"""The first step of every pass; it assigns the positions that the others read."""

_STEPS = (_NUMBERING, *map(_reading, FOLLOWERS))

_PLANNING = frozenset(
    {planning.FOLLOWER.reader, recovery.FOLLOWER.reader, connectors.FOLLOWER.reader}
)
"""Steps whose work is announced at once, because a planned delivery is due now."""


def pause_after(times: int) -> float:
    """Return the back-off in seconds, at most 60, after so many failures of a step."""
    return float(min(_LONGEST_PAUSE_SECONDS, _PAUSE_SECONDS * 2.0 ** min(times, _DOUBLINGS)))


@dataclass(frozen=True, slots=True)
class _Trouble:
    """How often a step of a city has failed in a row, and when it is retried."""

    times: int
    again_at: float


class Reactor:
    """Follows the log of every city; without a wake-up it looks for work every `look_every` s.

    It calls `tell` when it has done something, and at the end of every pass. `tables` are the
    partitioned tables to maintain; `by_date` does the work that no event triggers. `chance`
    randomises the order of the cities in each round.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        look_every: float = LOOK_EVERY_SECONDS,
        tell: Callable[[], None] = lambda: None,
        tables: Sequence[CutTable] = cut_tables(),
        by_date: Mapping[str, FollowDate] = DATE_FOLLOWERS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tables = tables
        self._by_date = by_date
        self._chance = chance
        self._look_every = look_every
        self._tell = tell
        self._woken = asyncio.Event()
        self._sweep_wanted = False
        self._troubles: dict[tuple[str, str], _Trouble] = {}
        self._begun: set[str] = set()
        self._rests = Rests(clock)
        self._id = new_id()
        self._look_again_at = 0.0
        self._beat_again_at = 0.0
        self._count_again_at = 0.0

    def wake(self, *, sweep: bool = False) -> None:
        """Look for work now; with `sweep`, also for work that no event triggers."""
        self._sweep_wanted |= sweep
        self._woken.set()

    async def run(self) -> None:
        """Work forever, waiting while the database is away."""
        await keep_working(
            self._react_and_sweep,
            "following the log",
            every=self._look_every,
            pause=_PAUSE_SECONDS,
            woken=self._woken,
        )

    async def _react_and_sweep(self) -> None:
        await self.react()
        if self._sweep_wanted:
            await self.sweep(between=self._look)
            self._sweep_wanted = False
            self._woken.set()

    async def _look(self) -> None:
        """Follow the log for a round if it is time: woken, or not looked for so many seconds."""
        if not self._woken.is_set() and time.monotonic() < self._look_again_at:
            return
        self._woken.clear()
        busy = await self.go_round()
        self._look_again_at = time.monotonic() + (0.0 if busy else self._look_every)

    async def react(self) -> None:
        """Do all the work there is, round by round; a wanted sweep may come between."""
        while await self.go_round() and not self._sweep_wanted:
            pass
        self._tell()

    async def go_round(self) -> bool:
        """Take each step of each city with work once; return whether anything was done.

        A round ends however much is written meanwhile: no city and no step waits until another has
        nothing left.
        """
        async with self._database.sessions() as session:
            waiting = await cities_behind(session, readers=READERS)
        await self._beat()
        busy = False
        for city_code in self._in_own_order(waiting):
            with in_city(city_code):
                busy |= await self._follow(city_code)
        return busy

    def _in_own_order(self, cities: Sequence[str]) -> Sequence[str]:
        """Return the cities in random order.

        Two workers with the same order would meet at each city, and one would wait for the other.
        """
        return sorted(cities, key=lambda _: self._chance())

    async def sweep(self, *, between: Callable[[], Awaitable[None]] | None = None) -> None:
        """Do the work that no event triggers: what fell due by date, and deletion of old rows.

        `between` runs after each city, since a sweep over many cities takes long.
        """
        async with self._database.sessions() as session:
            cities = await city_codes(session)
        # Before old rows are deleted one by one: a whole partition is dropped in no time.
        await tend_tables(self._database, self._tables, self._clock.true_now())
        for city_code in self._in_own_order(cities):
            await self._beat()
            with in_city(city_code):
                await self._sweep(city_code)
            if between is not None:
                await between()
        async with self._database.transaction() as session:
            await forget_silent(session, now=self._clock.true_now())

    async def _sweep(self, city_code: str) -> None:
        if not self._rests.lasts(city_code, _OLD):
            with holding_up_no_other(city_code, _OLD):
                await self._look_after(city_code)
        for name, follow_date in self._by_date.items():
            if not self._rests.lasts(city_code, name):
                with holding_up_no_other(city_code, name):
                    await self._follow_date(city_code, name, follow_date)

    async def _look_after(self, city_code: str) -> None:
        """Begin the log of a city that has none, once, and delete rows whose retention is over.

        Devices' writes age by the domain's clock, everything else by the real one.
        """
        async with self._database.transaction() as session:
            if city_code not in self._begun:
                await begin_log(session, city_code)
            forgotten = (
                await forget_old(session, city_code, now=self._clock.true_now()),
                await forget_old_writes(session, city_code, now=self._clock.now()),
                await forget_previews(session, city_code, now=self._clock.true_now()),
                await forget_old_calls(session, city_code, now=self._clock.true_now()),
            )
            await forget_old_sessions(session, city_code, now=self._clock.true_now())
        self._begun.add(city_code)
        self._rests.note(city_code, _OLD, any(forgotten))

    async def _follow_date(self, city_code: str, name: str, follow_date: FollowDate) -> None:
        with a_turn(city_code, BY_DATE + name) as turn:
            async with self._database.transaction() as session:
                turn.done = await follow_date(session, city_code, self._clock)
        if name in UNHURRIED:
            self._rests.note(city_code, name, turn.done)

    async def _follow(self, city_code: str) -> bool:
        """Take every step of a city once; events that a step writes wait for the next round."""
        busy, passed = False, frozenset[str]()
        for step in _STEPS:
            trouble = self._troubles.get((city_code, step.reader))
            if step.reader in passed:
                continue
            if trouble is None or trouble.again_at <= time.monotonic():
                done = await self._take(city_code, step)
                busy |= bool(done)
                if isinstance(done, NumberedEvents):
                    passed = frozenset(done.passed)
                if done and step.reader in _PLANNING:
                    self._tell()
        if busy:
            self._tell()
        return busy

    async def _take(self, city_code: str, step: _Step) -> Done | None:
        """Take a step to the end of the log, the end of its round, or the event that fails.

        Numbering takes only one turn per round: otherwise a city that is written to without a pause
        would be numbered forever, and its readers would never get a turn. A reader takes at most
        20 turns, so that one that is far behind does not hold up other cities. A reader at the end
        takes no second turn that would find nothing, because a later round finds new events. After
        a fault the step continues event by event: the events before the failing one are handled,
        and the log names that one. No event is ever skipped. Returns the last result; None: none.
        """
        done: Done | None = None
        failed: Exception | None = None
        # Event by event it goes on until it has come to the bad one of those that failed at once.
        for at_once, most in ((step.at_once, _MOST_TURNS), (1, step.at_once)):
            try:
                for _ in range(most):
                    turned = await self._turn(city_code, step, at_once)
                    done = turned or done
                    if not (isinstance(turned, Followed) and turned.more):
                        break
            except Exception as error:
                # Without a database every other step would fail too, so the whole loop waits.
                if is_away(error):
                    raise
                failed = error
            else:
                self._got_well(city_code, step)
                return done
        assert failed is not None  # noqa: S101 (the loop ends by return otherwise)
        await self._note_trouble(city_code, step, failed)
        return done

    async def _turn(self, city_code: str, step: _Step, at_once: int) -> Done | None:
        await self._count()
        with a_turn(city_code, step.reader) as turn:
            async with self._database.transaction() as session:
                done = turn.done = await step.take(session, city_code, self._clock, at_once)
        await self._beat()
        return done

    async def _count(self) -> None:
        """Refresh the statistics of tables that have doubled in size (`kit.statistics`).

        Otherwise connections keep query plans that were made while a table was almost empty.
        """
        if time.monotonic() < self._count_again_at:
            return
        self._count_again_at = time.monotonic() + _COUNT_EVERY_SECONDS
        try:
            async with self._database.transaction() as session:
                await count_grown(session)
        except Exception as error:
            if is_away(error):
                raise
            logger.warning(
                "statistics failed",
                extra={"cause": cause_in_words(error), "next": "retrying later; the work goes on"},
                exc_info=traceback_of(error),
            )

    async def _beat(self) -> None:
        """Write the heartbeat now and then; a fault in it must not stop the work."""
        if time.monotonic() < self._beat_again_at:
            return
        self._beat_again_at = time.monotonic() + BEAT_EVERY_SECONDS
        try:
            async with self._database.transaction() as session:
                await beat(session, worker_id=self._id, now=self._clock.true_now())
        except Exception as error:
            if is_away(error):
                raise
            logger.warning(
                "heartbeat failed",
                extra={
                    "cause": cause_in_words(error),
                    "next": f"retrying in {BEAT_EVERY_SECONDS:.0f} s; the work goes on",
                },
                exc_info=traceback_of(error),
            )

    async def _note_trouble(self, city_code: str, step: _Step, error: Exception) -> None:
        before = self._troubles.get((city_code, step.reader))
        times = before.times + 1 if before else 1
        pause = pause_after(times)
        self._troubles[city_code, step.reader] = _Trouble(times, time.monotonic() + pause)
        a_failure(step.reader)
        self._count_troubles(step)
        unread = None
        if step is not _NUMBERING:
            async with self._database.sessions() as session:
                unread = await next_unread(session, city_code, reader=step.reader)
        logger.log(
            severity(error),
            "reader stuck",
            extra={
                "city": city_code,
                "reader": step.reader,
                "position": unread.position if unread else None,
                "event_type": unread.type if unread else None,
                "failures": times,
                "cause": cause_in_words(error),
                "next": f"retrying in {pause:.0f} s",
            },
            exc_info=traceback_of(error) if times == 1 else None,
        )

    def _count_troubles(self, step: _Step) -> None:
        in_trouble(step.reader, sum(reader == step.reader for _, reader in self._troubles))

    def _got_well(self, city_code: str, step: _Step) -> None:
        if self._troubles.pop((city_code, step.reader), None) is not None:
            self._count_troubles(step)
            logger.info("reader recovered", extra={"city": city_code, "reader": step.reader})
