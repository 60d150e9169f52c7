"""Places of a credential: never more under way in all processes than may be, whoever is killed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from services.api.limiting import Limits
from services.api.places import LIFE, REFUSED_FOR, Places
from services.api.quotas import Quota, RateLimited, TooManyAtOnce
from services.api.shared_counts import AWAY, Counter, RedisCounter, Shared
from services.core.kit.clock import Clock as TrueClock
from services.core.kit.ids import new_id
from tests.support.servers import Addresses
from tests.worker.running import OwnValkey, own_valkey, until

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Clock:
    """A true time that a test sets."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def counters(url: str, number: int = 2) -> AsyncIterator[list[RedisCounter]]:
    """Yield as many counters as there are processes."""
    made = [RedisCounter(url) for _ in range(number)]
    try:
        yield made
    finally:
        for one in made:
            await one.close()


def a_process(
    counter: Counter | None, most: int, clock: Callable[[], datetime] | None = None
) -> Places:
    now = clock or Clock()
    return Places(most, Shared(counter, now), now)


async def taken(places: Places, who: str, times: int) -> int:
    """Begin as many requests as may be, of so many; return how many."""
    begun = 0
    for _ in range(times):
        try:
            await places.begin(who)
        except TooManyAtOnce:
            continue
        begun += 1
    return begun


def answered(places: Places, who: str, times: int) -> None:
    for _ in range(times):
        places.end(who)


async def test_a_few_places_are_shared_to_the_last_one(addresses: Addresses) -> None:
    who, clock = str(new_id()), Clock()
    async with counters(addresses.valkey) as (one, other):
        here, there = a_process(one, 4, clock), a_process(other, 4, clock)
        assert (await taken(here, who, 3), await taken(there, who, 3)) == (3, 1)
        assert await taken(here, who, 1) == 0
        assert await taken(here, "another " + who, 4) == 4
        answered(here, who, 2)
        await here.give_back()
        assert await taken(there, who, 5) == 0, "it was refused a moment ago"
        clock.now += REFUSED_FOR
        assert (await taken(there, who, 5), await taken(here, who, 5)) == (2, 0)
        answered(here, who, 1)
        answered(there, who, 3)
        await here.give_back()
        await there.give_back()
        assert await taken(here, who, 5) == 4


async def test_many_places_are_taken_in_steps_and_never_more_than_there_are(
    addresses: Addresses,
) -> None:
    who, most = str(new_id()), 100
    async with counters(addresses.valkey, 3) as made:
        processes = [a_process(one, most) for one in made]
        begun = [0, 0, 0]
        for _ in range(20):
            got = await asyncio.gather(*(taken(one, who, 7) for one in processes))
            begun = [sum(both) for both in zip(begun, got, strict=True)]
            assert sum(begun) <= most
        assert sum(begun) >= most - 2 * (most // 20), "a step of each other one, at most"
        for place, number in zip(processes, begun, strict=True):
            assert place.under_way(who) == number
            answered(place, who, number)
            await place.give_back()
        assert await taken(processes[0], who, most) >= most - 2 * (most // 20)


async def test_a_request_asks_redis_once_in_a_step(addresses: Addresses) -> None:
    who, asked = str(new_id()), 0
    async with counters(addresses.valkey, 1) as (counter,):
        lease = counter.lease

        async def counted(key: str, claim: object) -> int:
            nonlocal asked
            asked += 1
            return await lease(key, claim)  # type: ignore[arg-type] # it is handed on as it is

        counter.lease = counted  # type: ignore[method-assign]
        places = a_process(counter, 500)
        for _ in range(200):
            await places.begin(who)
            places.end(who)
        await places.give_back()
        assert asked == 1
        await asyncio.gather(*(places.begin(who) for _ in range(60)))
        assert asked == 3


_HOLDER = """
import asyncio, sys
from datetime import timedelta
from services.api.places import Places
from services.api.shared_counts import RedisCounter, Shared
from services.core.kit.clock import Clock

async def hold(url, who):
    now = Clock.true_now
    places = Places(4, Shared(RedisCounter(url), now), now, life=timedelta(seconds=1))
    renewing = asyncio.create_task(places.run())
    for _ in range(4):
        await places.begin(who)
    print("held", flush=True)
    while True:
        await asyncio.sleep(0.1)
        await places.renew()

asyncio.run(hold(*sys.argv[1:]))
"""


async def test_what_a_killed_process_held_lapses_and_what_a_living_one_holds_does_not(
    addresses: Addresses,
) -> None:
    who = str(new_id())
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, addresses.valkey, who, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    async with counters(addresses.valkey, 1) as (counter,):
        here = a_process(counter, 4, TrueClock.true_now)
        try:
            assert await holder.stdout.readline() == b"held\n"
            await asyncio.sleep(1.5)
            assert await taken(here, who, 1) == 0, "it renews what it holds, beyond one life"
        finally:
            holder.kill()
            await holder.wait()

        async def had() -> bool:
            return await taken(here, who, 4 - here.under_way(who)) > 0 and here.under_way(who) == 4

        await until(had)


async def test_without_redis_each_has_all_and_what_is_under_way_counts_when_it_is_back() -> None:
    who, clock = "one", Clock()
    async with own_valkey() as valkey:
        await valkey.start()
        async with counters(valkey.url) as (one, other):
            here, there = a_process(one, 4, clock), a_process(other, 4, clock)
            assert (await taken(here, who, 3), await taken(there, who, 1)) == (3, 1)
            await valkey.kill()
            assert await taken(there, who, 9) == 3, "each process counts for itself"
            clock.now += AWAY
            assert (await taken(here, who, 9), await taken(there, who, 9)) == (1, 0)
            await valkey.start()
            clock.now += AWAY
            await here.renew()
            await there.renew()
            answered(there, who, 3)
            assert await taken(there, who, 1) == 0, "eight were under way: they are counted now"
            answered(here, who, 2)
            await here.give_back()
            await there.give_back()
            clock.now += REFUSED_FOR
            assert (await taken(there, who, 9), await taken(here, who, 9)) == (1, 0)


async def test_a_redis_that_was_emptied_hears_again_of_what_is_under_way() -> None:
    who, clock = "one", Clock()
    async with own_valkey() as valkey:
        await valkey.start()
        async with counters(valkey.url) as (one, other):
            here, there = a_process(one, 4, clock), a_process(other, 4, clock)
            assert await taken(here, who, 4) == 4
            await restarted(valkey)
            clock.now += LIFE / 2
            await here.renew()
            clock.now += AWAY
            await here.renew()
            assert await taken(there, who, 4) == 0


async def restarted(valkey: OwnValkey) -> None:
    await valkey.kill()
    await valkey.start()


async def test_a_process_that_stood_still_does_not_use_what_others_were_given(
    addresses: Addresses,
) -> None:
    who, slow, clock = str(new_id()), Clock(), Clock()
    async with counters(addresses.valkey) as (one, other):
        here = Places(100, Shared(one, slow), slow, life=timedelta(seconds=1))
        there = a_process(other, 100, clock)
        assert await taken(here, who, 1) == 1

        async def had() -> bool:
            clock.now += REFUSED_FOR
            await taken(there, who, 100 - there.under_way(who))
            return there.under_way(who) == 100

        await until(had)
        slow.now += timedelta(seconds=2)
        assert await taken(here, who, 4) == 0
        answered(there, who, 100)
        await there.give_back()
        slow.now += REFUSED_FOR
        assert await taken(here, who, 4) == 4


async def test_who_asks_no_more_is_forgotten() -> None:
    clock = Clock()
    places = a_process(None, 2, clock)
    for number in range(50):
        assert await taken(places, f"caller {number}", 3) == 2
        answered(places, f"caller {number}", 2 if number else 1)
    clock.now += LIFE
    await places.renew()
    assert list(places._held) == ["caller 0"]
    assert not places._asking
    assert await taken(places, "caller 0", 3) == 1


async def test_what_was_let_through_without_redis_counts_when_it_is_back() -> None:
    quota, clock = Quota("partner-day", 200, DAY), Clock()
    async with own_valkey() as valkey:
        await valkey.start()
        async with counters(valkey.url) as made:
            here, there = (Limits({}, at_once=0, counter=one, true_now=clock) for one in made)
            assert await through(here, quota, 100) == 100
            await valkey.kill()
            assert await through(here, quota, 500) == 100, "the day does not begin anew"
            await valkey.start()
            clock.now += AWAY
            assert await through(here, quota, 10) == 10
            assert await through(there, quota, 500) == 90, "the hundred that were let through count"


async def test_a_quota_that_is_changed_holds_at_once(addresses: Addresses) -> None:
    clock = Clock()
    async with counters(addresses.valkey, 1) as (counter,):
        for shared in (counter, None):
            limits = Limits({}, at_once=0, counter=shared, true_now=clock)
            who = str(new_id())
            for most, more in ((20, 20), (10, 0), (50, 30)):
                quota = Quota("partner-day", most, DAY)
                got = await through(limits, quota, 100, who)
                assert more - quota.step <= got <= more, (most, got)


async def through(limits: Limits, quota: Quota, times: int, who: str = "partner") -> int:
    """Return how many of so many requests a quota lets through."""
    let = 0
    for _ in range(times):
        try:
            await limits.admit_by([], who, quota)
        except RateLimited:
            continue
        let += 1
    return let


@pytest.mark.parametrize("most", [0, 1])
async def test_no_limit_is_no_limit(most: int) -> None:
    places = a_process(None, most)
    assert await taken(places, "one", 3) == (1 if most else 3)
    places.end("one")
