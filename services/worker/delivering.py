"""The webhook delivery loop: claims what is due, sends it, and settles the outcomes.

Newly planned deliveries wake it, and otherwise its own timer. All state is in Postgres: it may be
killed at any line or run beside others, with or without Redis.
"""

import asyncio
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.kit.outage import cause_in_words
from services.core.kit.sealing import CannotUnseal, Seal
from services.core.webhooks.dispatch import (
    Claimed,
    Key,
    Limits,
    cities_due,
    claim,
    clock_skew,
    give_back,
    names_for,
    targets,
)
from services.core.webhooks.health import DISABLED_AFTER
from services.core.webhooks.messages import (
    OpenTarget,
    fitting,
    judged,
    message_of,
    open_target,
    shown_request,
)
from services.core.webhooks.schedule import DEFAULT_SCHEDULE, delivery_fate, pause_of
from services.core.webhooks.sending import Outcome
from services.core.webhooks.settling import Result, settle
from services.core.webhooks.wording import Names
from services.worker.interruption import Interruption
from services.worker.observing import an_attempt, told_of_attempt, trace_told
from services.worker.sender import Sender

logger = logging.getLogger("wufei.worker")

_UNDER_WAY = 512
_EACH = 8
"""Most messages under way at once: in all, and per endpoint."""

_LOOK_EVERY_SECONDS = 1.0
_PAUSE_SECONDS = 0.5
_ENOUGH = 100
_GATHER_SECONDS = 0.01
"""How long a busy loop waits for more work to batch; short beside any receiver's answer."""

_PUNCTUAL_SECONDS = 60.0
_CLAIMED_AT_ONCE = 200
_SETTLED_AT_ONCE = 200
_LAST_CLAIM_SECONDS = 0.5
_GRACE_SECONDS = 0.6
_LAST_WRITE_SECONDS = 0.6
"""In total less than a supervisor waits before it kills the process."""

_MOST_SKEW_SECONDS = 300
_CLOCK_GOOD_SECONDS = 10.0

# Random jitter spreads retries; it protects no secret.
_chance = random.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Terms:
    """The retry policy: the schedule, a claim's lease, and when an endpoint is disabled."""

    schedule: Sequence[float] = DEFAULT_SCHEDULE
    lease_seconds: float = 45
    disabled_after: timedelta = DISABLED_AFTER


class ClockSkew(Exception):
    """The clocks of this machine and of the database differ by minutes."""


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A message and the deliveries that it covers; `target` None: its secret is unreadable."""

    target: OpenTarget | None
    group: Sequence[Claimed]
    names: Names

    @property
    def endpoint(self) -> Key:
        """The key of its endpoint."""
        return self.group[0].endpoint


class Delivering:
    """Delivers what is due, within limits on concurrency; `wake` says that something may be due.

    `chance` returns a number in [0, 1) for the jitter of retries.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        seal: Seal,
        sender: Sender,
        terms: Terms | None = None,
        chance: Callable[[], float] = _chance,
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._sender = sender
        self._terms = terms or Terms()
        self._chance = chance
        self._woken = asyncio.Event()
        self._to_settle = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._busy: Counter[Key] = Counter()
        self._done: dict[str, list[Sequence[Result]]] = defaultdict(list)
        self._claiming: asyncio.Task[bool] | None = None
        self._clock_good_until = 0.0

    def wake(self) -> None:
        """Look for what is due now."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled; then let messages under way finish briefly, or release them."""
        self.wake()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(
                    self._keep("delivering", self._woken, self._claim_all, lambda: self._room)
                )
                tasks.create_task(
                    self._keep(
                        "settling", self._to_settle, self._settle_all, lambda: self._unsettled
                    )
                )
        finally:
            await self._end()

    async def _keep(
        self,
        name: str,
        woken: asyncio.Event,
        work: Callable[[], Awaitable[None]],
        waiting: Callable[[], int],
    ) -> None:
        """Repeat a piece of work when woken, and every second; wait while the database is away.

        While messages are under way, new outcomes or room appear all the time. So if little is
        `waiting`, it pauses shortly, so that one statement does the work of many.
        """
        interruption = Interruption(name)
        while True:
            # Not `wait_for`, which on 3.11 swallows a cancellation that arrives with a wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                    await woken.wait()
            if self._under_way and waiting() < _ENOUGH:
                await asyncio.sleep(_GATHER_SECONDS)
            # Cleared before the work: anything that arrives during it wakes the loop once more.
            woken.clear()
            try:
                await work()
                interruption.over()
            except Exception as error:  # noqa: BLE001 (no fault may end the loop)
                interruption.met(error)
                await asyncio.sleep(_PAUSE_SECONDS)
                woken.set()

    async def _claim_all(self) -> None:
        """Claim city by city, longest wait first, until no city has more or the room is used up.

        Each city gets its share of the room, and another share while it has more.
        """
        await self._check_clock()
        async with self._database.sessions() as session:
            waiting = await cities_due(session, busy=self._busy, each=_EACH)
        while waiting and self._room > 0:
            busy = []
            for number, city_code in enumerate(waiting):
                share = -(-self._room // (len(waiting) - number))
                if share > 0 and await self._claim_from(city_code, min(share, _CLAIMED_AT_ONCE)):
                    busy.append(city_code)
            waiting = busy

    async def _claim_from(self, city_code: str, most: int) -> bool:
        # Shielded: a claim that is cut off might leave leases that nobody holds.
        self._claiming = asyncio.create_task(self._claim(city_code, most))
        return await asyncio.shield(self._claiming)

    @property
    def _room(self) -> int:
        """How many more messages may begin; unsettled ones take room too."""
        return _UNDER_WAY - len(self._under_way) - self._unsettled

    @property
    def _unsettled(self) -> int:
        return sum(map(len, self._done.values()))

    async def _check_clock(self) -> None:
        """Refuse to sign with a clock that receivers would not believe.

        Raises:
            ClockSkew: it differs from the database's by minutes.
        """
        # Signatures carry a timestamp, and a receiver refuses one that is minutes off: every
        # attempt would fail and count against the endpoint. The database is the second opinion.
        if time.monotonic() < self._clock_good_until:
            return
        async with self._database.sessions() as session:
            skew = await clock_skew(session, self._clock.true_now())
        if abs(skew) > _MOST_SKEW_SECONDS:
            raise ClockSkew(f"clock_skew: {skew:.0f} s before the database's; nothing is sent")
        self._clock_good_until = time.monotonic() + _CLOCK_GOOD_SECONDS

    async def _claim(self, city_code: str, most: int) -> bool:
        """Claim deliveries of a city and begin to send them; return whether there were any."""
        token = new_id()
        limits = Limits(most=most, each=_EACH, lease_seconds=self._terms.lease_seconds)
        with in_city(city_code):
            async with self._database.transaction() as session:
                claimed = await claim(
                    session, city_code, token=token, busy=self._busy, limits=limits
                )
                parcels = await self._packed(session, city_code, claimed) if claimed else []
                left = {one.id: one for one in claimed}
                for told in (one for parcel in parcels for one in parcel.group):
                    del left[told.id]
                if left:
                    await give_back(session, city_code, left.values(), token=token)
        # After the commit, so that an attempt is on record before its message leaves.
        for parcel in parcels:
            self._begin(parcel, token)
        return bool(claimed)

    async def _packed(
        self, session: AsyncSession, city_code: str, claimed: Sequence[Claimed]
    ) -> list[_Parcel]:
        """Group deliveries into messages: one each, but as many per robot message as fit."""
        rows = await targets(session, city_code, {one.endpoint_id for one in claimed})
        opened = {(row.city_code, row.id): self._opened(row) for row in rows}
        groups: dict[object, list[Claimed]] = defaultdict(list)
        for one in claimed:
            target = opened.get(one.endpoint)
            robot = target is not None and target.robot is not None
            groups[one.endpoint if robot else one.id].append(one)
        parcels = []
        for group in groups.values():
            target = opened.get(group[0].endpoint)
            if target is None or target.robot is None:
                parcels.append(_Parcel(target, group, Names()))
                continue
            # People read names; other systems get the codes.
            names = await names_for(session, group)
            parcels.append(_Parcel(target, self._fitting(target, group, names), names))
        return parcels

    @staticmethod
    def _fitting(target: OpenTarget, group: list[Claimed], names: Names) -> Sequence[Claimed]:
        try:
            return fitting(target, group, names)
        except Exception as error:
            # A fault in one message must not block other endpoints: it fails when sent, as our bug.
            logger.exception("message failed", extra=_told(group[0].endpoint, error))
            return group

    def _opened(self, row: Any) -> OpenTarget | None:
        try:
            return open_target(row, self._seal)
        except (CannotUnseal, ValueError) as error:
            logger.exception(
                "endpoint secret unreadable", extra=_told((row.city_code, row.id), error)
            )
            return None

    def _begin(self, parcel: _Parcel, token: UUID) -> None:
        self._busy[parcel.endpoint] += 1
        task = asyncio.create_task(self._deliver(parcel, token))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, parcel: _Parcel, token: UUID) -> None:
        """Send one message and note the outcome for each delivery that it covers."""
        shown: Mapping[str, object] = {}
        outcome = Outcome("fault", 0, said="the message could not be made")
        group, now = parcel.group, self._clock.true_now()
        with an_attempt(group) as span:
            try:
                if parcel.target is not None:
                    trace = trace_told(span, group)
                    message = message_of(
                        parcel.target, group, names=parcel.names, now=now, traceparent=trace
                    )
                    shown = shown_request(parcel.target, message)
                    outcome = judged(parcel.target, await self._sender.send(message))
            except asyncio.CancelledError:
                outcome = Outcome("interrupted", 0, said="the worker was told to stop")
            except Exception as error:
                logger.exception("delivery failed", extra=_told(parcel.endpoint, error))
            results = [self._result(one, token, outcome, shown) for one in group]
            told_of_attempt(span, results, now)
        self._done[parcel.endpoint[0]].append(results)
        self._to_settle.set()

    def _result(
        self, claimed: Claimed, token: UUID, outcome: Outcome, shown: Mapping[str, object]
    ) -> Result:
        now = self._clock.true_now()
        fate = delivery_fate(
            outcome,
            tries=claimed.tries,
            manual=claimed.manual,
            schedule=self._terms.schedule,
            chance=self._chance(),
            now=now,
        )
        return Result(claimed, token, outcome, fate, pause_of(outcome, now), shown)

    async def _settle_all(self) -> None:
        """Save the outcomes; until then their messages keep taking room of their endpoint."""
        while waiting := next(iter(self._done.items()), None):
            city_code, done = waiting
            messages = done[:_SETTLED_AT_ONCE]
            results = [result for message in messages for result in message]
            with in_city(city_code):
                async with self._database.transaction() as session:
                    await settle(
                        session,
                        city_code,
                        results,
                        now=self._clock.now(),
                        disabled_after=self._terms.disabled_after,
                    )
            # Outcomes that arrived meanwhile wait until the other cities had their turn.
            rest = self._done.pop(city_code)[len(messages) :]
            if rest:
                self._done[city_code] = rest
            self._busy -= Counter(message[0].claimed.endpoint for message in messages)
            self._woken.set()
            self._wake_when_due(messages)

    def _wake_when_due(self, messages: Sequence[Sequence[Result]]) -> None:
        """Schedule a wake-up for retries that are due soon; the timer finds the later ones."""
        delays = {one.fate.delay for message in messages for one in message}
        for delay in delays:
            if 0 < delay <= _PUNCTUAL_SECONDS:
                asyncio.get_running_loop().call_later(delay, self.wake)

    async def _end(self) -> None:
        """Let messages under way finish briefly, cancel the rest, and save all outcomes."""
        if self._claiming is not None:
            await asyncio.wait({self._claiming}, timeout=_LAST_CLAIM_SECONDS)
            self._claiming.cancel()
            await asyncio.gather(self._claiming, return_exceptions=True)
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late)
        try:
            async with asyncio.timeout(_LAST_WRITE_SECONDS):
                await self._settle_all()
        except Exception as error:  # noqa: BLE001 (the leases end by themselves)
            logger.warning(
                "outcomes not saved",
                extra={
                    "outcomes": self._unsettled,
                    "cause": cause_in_words(error),
                    "next": "sent again when their leases end",
                },
            )


def _told(endpoint: Key, error: Exception) -> dict[str, object]:
    """Return the log fields for an endpoint that cannot be served because of our own fault."""
    return {
        "city": endpoint[0],
        "endpoint": str(endpoint[1]),
        "cause": cause_in_words(error),
        "next": "the attempt counts as failed and is retried by the schedule",
    }
