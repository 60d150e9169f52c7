"""Limits of several processes, by the set clock: one quota in Redis, or each its own without it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.api import limiting
from services.api.limiting import Limits
from services.api.quotas import WINDOW, Quota, RateLimited
from services.api.shared_counts import Claim, Counter, RedisCounter
from tests.support.servers import Addresses

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
MOST = 100


@dataclass
class Clock:
    """A true time that a test sets."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Lost:
    """A Redis that is away, and how often it was asked."""

    asked: int = 0

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        """Fail."""
        assert key
        assert step
        assert seconds
        self.asked += 1
        raise OSError("away")

    async def lease(self, key: str, claim: Claim) -> int:
        """Fail."""
        assert key
        assert claim.most
        self.asked += 1
        raise OSError("away")


def process(counter: Counter | None, clock: Clock) -> Limits:
    quotas = {"reads": Quota("reads", MOST), "writes": Quota("writes", 3)}
    return Limits(quotas, at_once=0, counter=counter, true_now=clock)  # type: ignore[arg-type]


async def let_through(limits: Limits, who: str, times: int) -> int:
    """Return how many of so many readings are let through."""
    through = 0
    for _ in range(times):
        try:
            await limits.admit([], who, "reads")
        except RateLimited:
            continue
        through += 1
    return through


async def test_two_processes_share_one_quota_and_a_step_at_most_stays_unused(
    addresses: Addresses,
) -> None:
    counters = [RedisCounter(addresses.valkey) for _ in range(2)]
    try:
        clock = Clock()
        here, there = (process(one, clock) for one in counters)
        who = "shared by two"
        first = await let_through(here, who, 30)
        second = await let_through(there, who, 3 * MOST)
        rest = await let_through(here, who, MOST)
        assert first == 30
        assert MOST - Quota("reads", MOST).step <= first + second <= MOST
        assert first + second + rest == MOST
        assert await let_through(there, "another", 30) == 30
    finally:
        for one in counters:
            await one.close()


async def test_many_at_once_take_one_step_after_the_other(addresses: Addresses) -> None:
    counter = RedisCounter(addresses.valkey)
    try:
        limits = process(counter, Clock())
        calls = (limits.admit([], "many at once", "reads") for _ in range(MOST))
        await asyncio.gather(*calls)
        with pytest.raises(RateLimited):
            await limits.admit([], "many at once", "reads")
    finally:
        await counter.close()


async def test_without_redis_each_process_counts_for_itself_and_asks_it_seldom(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, lost = Clock(), Lost()
    limits = process(lost, clock)
    for number in range(50):
        assert await let_through(limits, f"caller {number}", 2) == 2
    assert lost.asked == 1, "once in five seconds"
    assert [one.message for one in caplog.records] == ["limits counted here"]
    assert await let_through(limits, "one", 3 * MOST) == MOST
    clock.now += WINDOW
    assert await let_through(limits, "one", 3 * MOST) == MOST
    assert await let_through(process(None, clock), "one", 3 * MOST) == MOST
    assert [one.message for one in caplog.records] == ["limits counted here"], "told once"


async def test_a_minute_later_there_is_a_quota_again_and_each_sort_has_its_own() -> None:
    clock = Clock()
    limits = process(None, clock)
    told: list[tuple[bytes, bytes]] = []
    for _ in range(3):
        await limits.admit(told, "one", "writes")
    assert told[:2] == [
        (b"ratelimit-policy", b'"writes";q=3;w=60'),
        (b"ratelimit", b'"writes";r=2;t=60'),
    ]
    clock.now += timedelta(seconds=18)
    with pytest.raises(RateLimited) as refused:
        await limits.admit(told, "one", "writes")
    assert refused.value.extra == {"retry_after": 42}
    assert told[-1] == (b"ratelimit", b'"writes";r=0;t=42')
    await limits.admit([], "one", "reads")
    await limits.admit([], "another", "writes")
    clock.now += timedelta(seconds=42)
    await limits.admit([], "one", "writes")


async def test_a_clock_that_is_set_back_shuts_nobody_out() -> None:
    clock, lost = Clock(), Lost()
    limits = process(lost, clock)
    assert await let_through(limits, "one", 2 * MOST) == MOST
    clock.now -= timedelta(hours=1)
    assert await let_through(limits, "one", 2 * MOST) == MOST
    assert lost.asked == 2, "nor does it keep Redis from being asked"


async def test_no_storm_of_addresses_makes_a_process_hold_ever_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limiting, "_MOST_BUCKETS", 20)
    limits = process(None, Clock())
    for number in range(50):
        assert await let_through(limits, "busy", 1) == 1
        assert await let_through(limits, f"address {number}", 2) == 2
    assert (len(limits._buckets), len(limits._filling)) == (20, 0)
    assert await let_through(limits, "busy", MOST) == MOST - 50, "who comes again is not forgotten"


async def test_a_redis_that_forgot_its_scripts_counts_on(addresses: Addresses) -> None:
    counter = RedisCounter(addresses.valkey)
    try:
        assert await counter.take("after a restart", 5, 60) == (5, 60.0)
        async with Redis.from_url(addresses.valkey) as redis:
            await redis.script_flush()
        counted, seconds = await counter.take("after a restart", 5, 60)
        assert counted == 10
        assert 50 < seconds <= 60
    finally:
        await counter.close()
