"""The loop that delivers: claims what is due, sends it, settles what came of it.

Woken when something was planned, and by its own timer otherwise. All state is in Postgres: it
may be killed at any line or run beside others, with or without Redis.
"""

import asyncio
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.kit.outage import cause_of
from services.core.kit.sealing import CannotUnseal, Seal
from services.core.webhooks.dispatch import Claimed, Key, Limits, claim, clock_skew, targets
from services.core.webhooks.health import DISABLED_AFTER
from services.core.webhooks.messages import Target, judged, message_of, open_target, shown_request
from services.core.webhooks.schedule import DEFAULT_SCHEDULE, fate, pause_of
from services.core.webhooks.sending import Outcome
from services.core.webhooks.settling import Result, settle
from services.worker.interruption import Interruption
from services.worker.sender import Sender

logger = logging.getLogger("wufei.worker")

_UNDER_WAY = 256
_EACH = 8
"""Messages under way at once: in all, and to one endpoint."""

_LOOK_EVERY_SECONDS = 1.0
_PAUSE_SECONDS = 0.5
_GATHER_SECONDS = 0.01
"""How long a busy loop waits for more to take at once; short beside any receiver's answer."""

_PUNCTUAL_SECONDS = 60.0
_CLAIMED_AT_ONCE = 100
_SETTLED_AT_ONCE = 200
_GRACE_SECONDS = 0.7
_LAST_WRITE_SECONDS = 0.7
_MOST_SKEW_SECONDS = 300
_CLOCK_GOOD_SECONDS = 10.0

# Chance spreads retries; nothing is kept secret by it.
_chance = random.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Terms:
    """How deliveries are tried: the schedule, the lease of a claim, when an endpoint is closed."""

    schedule: Sequence[float] = DEFAULT_SCHEDULE
    lease_seconds: float = 45
    disabled_after: timedelta = DISABLED_AFTER


class Delivering:
    """Delivers what is due, so much at a time; `wake` says that something may be."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        seal: Seal,
        sender: Sender,
        terms: Terms | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._sender = sender
        self._terms = terms or Terms()
        self._woken = asyncio.Event()
        self._to_settle = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._busy: Counter[Key] = Counter()
        self._done: list[Sequence[Result]] = []
        self._clock_good_until = 0.0

    def wake(self) -> None:
        """Look for what is due now."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is finished at once or given back."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep("delivering", self._woken, self._claim_all))
                tasks.create_task(self._keep("settling", self._to_settle, self._settle_all))
        finally:
            await self._end()

    async def _keep(
        self, name: str, woken: asyncio.Event, work: Callable[[], Awaitable[None]]
    ) -> None:
        """Do a work for ever, when woken and now and then; an absent database is waited for."""
        interruption = Interruption(name)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), _LOOK_EVERY_SECONDS)
            if self._under_way:
                await asyncio.sleep(_GATHER_SECONDS)
            woken.clear()
            try:
                await work()
                interruption.over()
            except Exception as error:  # noqa: BLE001 (no fault may end the loop)
                interruption.met(error)
                await asyncio.sleep(_PAUSE_SECONDS)
                woken.set()

    async def _claim_all(self) -> None:
        if not await self._clock_is_good():
            return
        while (room := self._room) > 0 and await self._claim(min(room, _CLAIMED_AT_ONCE)):
            pass

    @property
    def _room(self) -> int:
        """How many messages more may be begun; what is not settled yet takes room too."""
        return _UNDER_WAY - len(self._under_way) - len(self._done)

    async def _clock_is_good(self) -> bool:
        """Refuse to sign with a clock that the receivers would not believe."""
        if time.monotonic() < self._clock_good_until:
            return True
        async with self._database.sessions() as session:
            skew = await clock_skew(session, self._clock.true_now())
        if abs(skew) > _MOST_SKEW_SECONDS:
            logger.error("clock_skew: %.0f s before the database's; nothing is sent", skew)
            return False
        self._clock_good_until = time.monotonic() + _CLOCK_GOOD_SECONDS
        return True

    async def _claim(self, most: int) -> bool:
        """Claim and begin to send; whether there was anything."""
        token = new_id()
        limits = Limits(most=most, each=_EACH, lease_seconds=self._terms.lease_seconds)
        async with self._database.transaction() as session:
            claimed = await claim(session, token=token, busy=self._busy, limits=limits)
            keys = {one.endpoint for one in claimed}
            rows = await targets(session, keys) if keys else []
        opened = {(row.city_code, row.id): self._opened(row) for row in rows}
        for group in _together(claimed, opened):
            self._begin(opened.get(group[0].endpoint), group, token)
        return bool(claimed)

    def _opened(self, row: Any) -> Target | None:
        try:
            return open_target(row, self._seal)
        except (CannotUnseal, ValueError):
            logger.exception("endpoint %s cannot be opened with WUFEI_SECRET_KEY", row.id)
            return None

    def _begin(self, target: Target | None, group: Sequence[Claimed], token: UUID) -> None:
        self._busy[group[0].endpoint] += 1
        task = asyncio.create_task(self._deliver(target, group, token))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, target: Target | None, group: Sequence[Claimed], token: UUID) -> None:
        """Send one message and note what came of it for each delivery that it tells."""
        shown: Mapping[str, object] = {}
        outcome = Outcome("fault", 0, said="the message could not be made")
        try:
            if target is not None:
                message = message_of(target, group, now=self._clock.true_now())
                shown = shown_request(target, message)
                outcome = judged(target, await self._sender.send(message))
        except asyncio.CancelledError:
            outcome = Outcome("interrupted", 0, said="the worker was told to stop")
        except Exception:
            logger.exception(
                "a message to endpoint %s failed by a fault of ours", group[0].endpoint
            )
        self._done.append([self._result(one, token, outcome, shown) for one in group])
        self._to_settle.set()

    def _result(
        self, claimed: Claimed, token: UUID, outcome: Outcome, shown: Mapping[str, object]
    ) -> Result:
        now = self._clock.true_now()
        follows = fate(
            outcome,
            tries=claimed.tries,
            manual=claimed.manual,
            schedule=self._terms.schedule,
            chance=_chance(),
            now=now,
        )
        return Result(claimed, token, outcome, follows, pause_of(outcome, now), shown)

    async def _settle_all(self) -> None:
        """Write what was done; until that is known of an endpoint its messages take room."""
        while messages := self._done[:_SETTLED_AT_ONCE]:
            async with self._database.transaction() as session:
                await settle(
                    session,
                    [result for message in messages for result in message],
                    now=self._clock.now(),
                    disabled_after=self._terms.disabled_after,
                )
            del self._done[: len(messages)]
            self._busy -= Counter(message[0].claimed.endpoint for message in messages)
            self._woken.set()
            self._wake_when_due(messages)

    def _wake_when_due(self, messages: Sequence[Sequence[Result]]) -> None:
        """Be punctual with what is tried again soon; what is due later the timer finds."""
        delays = {one.fate.delay for message in messages for one in message}
        for delay in delays:
            if 0 < delay <= _PUNCTUAL_SECONDS:
                asyncio.get_running_loop().call_later(delay, self.wake)

    async def _end(self) -> None:
        """Give what is under way a moment, and back what needs longer; then write it all."""
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
                "%s outcomes are not written: %s", len(self._done), type(cause_of(error)).__name__
            )


def _together(
    claimed: Sequence[Claimed], opened: Mapping[Key, Target | None]
) -> Iterable[Sequence[Claimed]]:
    """Return what goes out together: each delivery by itself, all of a robot in one message."""
    groups: dict[object, list[Claimed]] = defaultdict(list)
    for one in claimed:
        target = opened.get(one.endpoint)
        robot = target is not None and target.robot is not None
        groups[one.endpoint if robot else one.id].append(one)
    return groups.values()
