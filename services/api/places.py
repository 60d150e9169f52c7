"""Limits how many requests of a credential are in flight, over all processes.

A process leases places in Redis and hands them to requests from memory: it asks for a few more than
it needs, and gives back what it does not need. A lease is renewed while a request uses one of its
places, and otherwise lapses, as the leases of a killed process do.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from weakref import WeakValueDictionary

from services.api.quotas import too_many_at_once
from services.api.shared_counts import AWAY, Claim, Shared
from services.core.kit.ids import new_id
from services.core.kit.outage import cause_in_words

logger = logging.getLogger("wufei.api")

LIFE = timedelta(seconds=10)
"""Lifetime of a lease that is not renewed."""

REFUSED_FOR = timedelta(milliseconds=250)
"""After a refusal a credential is refused for this long without asking Redis."""

_RENEWED_EVERY_SECONDS = 3
_SPARE_PART = 20
_TOLD_AT_ONCE = 50
"""Credentials renewed at once: 500 take ten round trips, less than a life even if Redis is slow."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Held:
    """The places of a credential that this process may fill, between two instants.

    `told` is how many the other processes know of: more than `places` if more requests are in
    flight than granted. `alone`: not shared, because Redis is down. `refused` is when one more
    place was last requested in vain.
    """

    under_way: int = 0
    places: int = 0
    told: int = 0
    begins: datetime = _LONG_AGO
    ends: datetime = _LONG_AGO
    alone: bool = False
    refused: datetime = _LONG_AGO

    def holds(self, now: datetime) -> bool:
        """Return whether its lease is in force; one in the future means the clock was set back."""
        return self.begins <= now < self.ends

    def has_room(self, now: datetime) -> bool:
        """Return whether one more request may begin without asking Redis."""
        return self.under_way < self.places and self.holds(now)

    def is_full(self, now: datetime) -> bool:
        """Return whether a place was refused a moment ago, so that asking again is useless."""
        return timedelta(0) <= now - self.refused < REFUSED_FOR


class Places:
    """The places of each credential, at most `most` in all processes; 0: no limit."""

    def __init__(
        self,
        most: int,
        shared: Shared,
        true_now: Callable[[], datetime],
        *,
        life: timedelta = LIFE,
    ) -> None:
        self._most = most
        self._spare = most // _SPARE_PART
        self._shared = shared
        self._true_now = true_now
        self._life = life
        self._process = str(new_id())
        self._held: dict[UUID | str, Held] = {}
        # Weak values: a lock exists as long as somebody holds it or waits for it.
        self._asking: WeakValueDictionary[UUID | str, asyncio.Lock] = WeakValueDictionary()
        self._too_many: set[UUID | str] = set()
        self._woken = asyncio.Event()

    def under_way(self, who: UUID | str) -> int:
        """Return how many requests of a credential are in flight in this process."""
        held = self._held.get(who)
        return 0 if held is None else held.under_way

    async def begin(self, who: UUID | str) -> None:
        """Note that a request is in flight; `end` has to follow.

        Raises:
            TooManyAtOnce: its credential has as many in flight as it may.
        """
        if not self._most:
            return
        now = self._true_now()
        held = self._held.get(who)
        if held is not None and held.has_room(now):
            held.under_way += 1
            return
        if held is not None and held.is_full(now):
            raise too_many_at_once(self._most)
        async with self._lock(who):
            held = self._held.setdefault(who, Held())
            # Check again: another request may have asked while this one waited for the lock.
            if not held.has_room(now) and not held.is_full(self._true_now()):
                await self._ask(who, held, held.under_way + 1 + self._spare)
            if held.under_way >= held.places:
                held.refused = self._true_now()
                raise too_many_at_once(self._most)
            held.under_way += 1

    def end(self, who: UUID | str) -> None:
        """Note that a response was sent, to its last byte."""
        held = self._held.get(who)
        if held is None:
            return
        held.under_way -= 1
        held.refused = _LONG_AGO
        if held.told - held.under_way > 2 * self._spare:
            self._too_many.add(who)
            self._woken.set()

    async def run(self) -> None:
        """Renew leases in use, and give back the others, for ever."""
        while True:
            try:
                await self._give_back_and_renew()
            except Exception as error:  # no fault may end the renewal of leases
                logger.exception(
                    "leases not renewed",
                    extra={"cause": cause_in_words(error), "next": "tried again in a second"},
                )
                await asyncio.sleep(1)

    async def _give_back_and_renew(self) -> None:
        due = asyncio.get_running_loop().time() + _RENEWED_EVERY_SECONDS
        while asyncio.get_running_loop().time() < due:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._woken.wait()
            await self.give_back()
        await self.renew()

    async def give_back(self) -> None:
        """Release excess places to other processes."""
        self._woken.clear()
        given, self._too_many = self._too_many, set()
        await self._tell_each(given)

    async def renew(self) -> None:
        """Renew each lease that is in use and soon lapses; forget unused ones."""
        now = self._true_now()
        unused = [who for who, held in self._held.items() if not held.under_way]
        for who in unused:
            if not self._held[who].holds(now) and who not in self._asking:
                self._held.pop(who)
        await self._tell_each([who for who in self._held if self._soon_lapses(who)], renewing=True)

    def _soon_lapses(self, who: UUID | str) -> bool:
        """Return whether the lease of a credential is in use and past half of its life."""
        held, now = self._held.get(who), self._true_now()
        if held is None or not held.under_way:
            return False
        return held.ends <= now + self._life / 2 or not held.holds(now)

    async def _tell_each(self, whom: Iterable[UUID | str], *, renewing: bool = False) -> None:
        """Renew or release the leases of many credentials, some at a time: serially is too slow.

        With `renewing` leases renewed meanwhile are skipped.
        """
        them = list(whom)
        ahead = iter(them)

        async def tell_on() -> None:
            for who in ahead:
                if not renewing or self._soon_lapses(who):
                    await self._tell(who)

        async with asyncio.TaskGroup() as telling:
            for _ in range(min(_TOLD_AT_ONCE, len(them))):
                telling.create_task(tell_on())

    async def _tell(self, who: UUID | str) -> None:
        async with self._lock(who):
            held = self._held.get(who)
            if held is not None:
                await self._ask(who, held, held.under_way + self._spare)

    async def _ask(self, who: UUID | str, resources: Held, wanted: int) -> None:
        """Request places, and hold as many as are granted."""
        began = self._true_now()
        claim = Claim(self._process, wanted, resources.under_way, self._most, self._life)
        # From here on a place may be released, so no request may take it from memory meanwhile.
        resources.places = min(resources.places, wanted)
        granted = await self._shared.lease(str(who), claim)
        resources.alone = granted is None
        resources.places = self._most if granted is None else granted
        resources.told = 0 if granted is None else max(granted, claim.under_way)
        resources.begins, resources.ends = began, began + (AWAY if resources.alone else self._life)

    def _lock(self, who: UUID | str) -> asyncio.Lock:
        return self._asking.setdefault(who, asyncio.Lock())
