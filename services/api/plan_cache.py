"""A short-lived cache of plans, so that a request need not read one from Postgres."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from cachetools import TTLCache
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.log_listener import LogListener
from services.core.identity.actor import Actor
from services.core.identity.rules import city_of_plan
from services.core.kit.city_scope import enter_city, in_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database, reads_replica
from services.core.plan.errors import PlanNotFound
from services.core.plan.queries import DOCUMENTS_KEPT, known_plan, plan_state
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_plan

KEPT = timedelta(seconds=5)


class _Mark(NamedTuple):
    """The state of log and changes when a plan was read; a different mark invalidates it."""

    generation: int | None
    changes: int


class _Flight(NamedTuple):
    """A read in progress, whose reader already holds its connection."""

    mark: _Mark
    landed: asyncio.Future[PlanState | None]


class PlanCache:
    """The plans used lately; a plan is read again when its city's log moved on, or after 5 s.

    However many requests want a plan, one of them reads it. A request without a connection waits
    for its turn first and asks for a connection then. A request that holds one waits only for a
    reader that holds one too. So a reader never waits for a request that is waiting for it.
    """

    def __init__(self, database: Database, watch: LogListener, *, kept: timedelta = KEPT) -> None:
        self._database = database
        self._watch = watch
        self._kept: TTLCache[str, tuple[_Mark, PlanState], datetime] = TTLCache(
            DOCUMENTS_KEPT, ttl=kept, timer=Clock.true_now
        )
        self._flights: dict[str, _Flight] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()

    async def get(
        self, plan_code: str, actor: Actor, session: AsyncSession | None = None
    ) -> PlanState:
        """Return a plan in the caller's scope; read in `session` if the caller holds one.

        From then on the request belongs to the plan's city.

        Raises:
            PlanNotFound: no plan of this code is in the caller's scope.
        """
        city_code = city_of_plan(plan_code)
        if not sees_plan(actor, city_code=city_code, plan_code=plan_code):
            raise PlanNotFound
        enter_city(city_code)
        return await self.of_city(city_code, plan_code, session)

    async def of_city(
        self, city_code: str, plan_code: str, session: AsyncSession | None = None
    ) -> PlanState:
        """Return a plan, whoever asks; read in `session` if the caller holds one.

        The session must not have changed the plan, because other requests share what is read here.

        Raises:
            PlanNotFound: no plan has this code.
        """
        state = self._fresh(city_code, plan_code)
        if state is None:
            with in_city(city_code):
                state = await self._looked_up(city_code, plan_code, session)
        if state is None:
            raise PlanNotFound
        return state

    async def _looked_up(
        self, city_code: str, plan_code: str, session: AsyncSession | None
    ) -> PlanState | None:
        if session is None:
            return await self._read_in_turn(city_code, plan_code)
        if reads_replica(session):
            # A replica may lag, so its plan serves this answer only and is not cached.
            return await plan_state(session, city_code, plan_code)
        return await self._read(session, city_code, plan_code)

    def changed(self, session: AsyncSession, plan_code: str) -> None:
        """Invalidate a plan once the change to it in `session` is committed."""

        def forget(_session: object) -> None:
            self._changes[plan_code] += 1
            self._kept.pop(plan_code, None)

        event.listen(session.sync_session, "after_commit", forget)

    def _mark(self, city_code: str, plan_code: str) -> _Mark:
        return _Mark(self._watch.generation(city_code), self._changes[plan_code])

    def _fresh(self, city_code: str, plan_code: str) -> PlanState | None:
        kept = self._kept.get(plan_code)
        if kept is None or kept[0] != self._mark(city_code, plan_code):
            return None
        return kept[1]

    async def _read_in_turn(self, city_code: str, plan_code: str) -> PlanState | None:
        """Read a plan with a connection of its own; requests that wait here hold none."""
        async with self._turn(plan_code):
            state = self._fresh(city_code, plan_code) or await self._unchanged(city_code, plan_code)
            if state is not None:
                return state
            async with self._database.sessions() as session:
                # Take the connection before announcing this read: others rely on its not having to
                # wait for one any more.
                _ = await session.connection()
                return await self._read(session, city_code, plan_code)

    async def _unchanged(self, city_code: str, plan_code: str) -> PlanState | None:
        """Return the cached plan if it has not changed since; None: it must be read."""
        mark = self._mark(city_code, plan_code)
        state = await known_plan(self._database.pool, city_code, plan_code)
        self._keep(plan_code, mark, state)
        return state

    @asynccontextmanager
    async def _turn(self, plan_code: str) -> AsyncIterator[None]:
        """Wait until no other request asks for a connection to read this plan with."""
        turn = self._turns.setdefault(plan_code, asyncio.Lock())
        self._waiting[plan_code] += 1
        try:
            async with turn:
                yield
        finally:
            self._waiting[plan_code] -= 1
            if not self._waiting[plan_code]:
                del self._waiting[plan_code], self._turns[plan_code]

    async def _read(
        self, session: AsyncSession, city_code: str, plan_code: str
    ) -> PlanState | None:
        """Read a plan in a session that has its connection, or wait for a reader that has one."""
        while (state := self._fresh(city_code, plan_code)) is None:
            # Noted before the read: a change during it must invalidate the plan that was read.
            mark = self._mark(city_code, plan_code)
            flight = self._flights.get(plan_code)
            if flight is None or flight.mark != mark or mark.generation is None:
                return await self._lead(session, city_code, plan_code, mark)
            await asyncio.wait([flight.landed])
            if not flight.landed.cancelled():
                return flight.landed.result()
        return state

    async def _lead(
        self, session: AsyncSession, city_code: str, plan_code: str, mark: _Mark
    ) -> PlanState | None:
        landed: asyncio.Future[PlanState | None] = asyncio.get_running_loop().create_future()
        flight = self._flights[plan_code] = _Flight(mark, landed)
        try:
            state = await plan_state(session, city_code, plan_code)
            landed.set_result(state)
        finally:
            # If the reader failed, those who waited for it read for themselves.
            landed.cancel()
            if self._flights.get(plan_code) is flight:
                del self._flights[plan_code]
        self._keep(plan_code, mark, state)
        return state

    def _keep(self, plan_code: str, mark: _Mark, state: PlanState | None) -> None:
        if state is not None and mark.generation is not None:
            self._kept[plan_code] = (mark, state)
