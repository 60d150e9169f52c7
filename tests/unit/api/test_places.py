"""Places of requests under way, where what counts them for all processes answers oddly."""

import asyncio
from datetime import UTC, datetime

import pytest
from typing_extensions import override

from services.api.places import LIFE, REFUSED_FOR, Places
from services.api.shared_counts import AWAY, Claim, Shared
from services.core.kit.errors import DomainError

BEGIN = datetime(2026, 4, 1, tzinfo=UTC)


class Counts:
    """A counter of all processes: it grants so many places, or fails."""

    def __init__(self, granted: int) -> None:
        self.granted = granted
        self.asked = 0
        self.claims: list[tuple[str, int, int]] = []
        """By the key: how many places were wanted, and how many are under way."""
        self.fault: Exception | None = None

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        raise AssertionError(key, step, seconds)

    async def lease(self, key: str, claim: Claim) -> int:
        self.asked += 1
        self.claims.append((key, claim.wanted, claim.under_way))
        if self.fault is not None:
            raise self.fault
        return min(self.granted, claim.wanted)


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


class SlowCounts(Counts):
    """One that answers those who ask now when it is told to."""

    def __init__(self) -> None:
        super().__init__(granted=100)
        self.slow = False
        self.waiting: list[asyncio.Event] = []

    @override
    async def lease(self, key: str, claim: Claim) -> int:
        if self.slow:
            answered = asyncio.Event()
            self.waiting.append(answered)
            await answered.wait()
        return await super().lease(key, claim)

    async def answer(self) -> int:
        """Answer once nobody else comes to ask; return how many waited."""
        before = -1
        while before < len(self.waiting):
            before = len(self.waiting)
            for _ in range(20):
                await asyncio.sleep(0)
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one.set()
        return len(waiting)


async def test_many_leases_are_renewed_within_a_few_round_trips() -> None:
    counts, clock = SlowCounts(), Clock()
    places = Places(20, Shared(counts, clock), clock)
    for number in range(500):
        await places.begin(f"key {number}")
    asked = counts.asked
    clock.now += LIFE / 2
    counts.slow = True
    renewing = asyncio.create_task(places.renew())
    rounds = []
    while told := await counts.answer():
        rounds.append(told)
    await renewing
    assert rounds == [50] * 10, "so many at a time, and never all at once"
    assert counts.asked == asked + 500
    assert not any(places._soon_lapses(f"key {number}") for number in range(500))


async def test_a_lease_that_was_renewed_meanwhile_is_left_out() -> None:
    counts, clock = SlowCounts(), Clock()
    places = Places(1, Shared(counts, clock), clock)
    for number in range(60):
        await places.begin(f"key {number}")
    asked = counts.asked
    clock.now += LIFE / 2
    counts.slow = True
    renewing = asyncio.create_task(places.renew())
    assert await counts.answer() == 50
    places._held["key 59"].ends += LIFE
    while await counts.answer():
        pass
    await renewing
    assert counts.asked == asked + 59


async def test_who_has_no_place_left_is_told_so_without_asking_each_time() -> None:
    counts, clock = Counts(granted=1), Clock()
    places = Places(1, Shared(counts, clock), clock)
    await places.begin("key")
    for _ in range(50):
        with pytest.raises(DomainError):
            await places.begin("key")
    assert counts.asked == 2, "for the place, and once for another in vain"
    clock.now += REFUSED_FOR
    with pytest.raises(DomainError):
        await places.begin("key")
    assert counts.asked == 3, "somebody elsewhere may have ended"
    places.end("key")
    await places.begin("key")
    assert places.under_way("key") == 1
    assert places.under_way("a key of nobody") == 0


async def test_what_is_held_in_excess_is_given_back_and_what_is_spare_is_kept() -> None:
    counts, clock = Counts(granted=100), Clock()
    places = Places(100, Shared(counts, clock), clock)  # of which five are spare
    for _ in range(12):
        await places.begin("key")
    assert counts.claims == [("key", 6, 0), ("key", 12, 6)]
    assert places.under_way("key") == 12
    asked = counts.asked
    for _ in range(10):
        places.end("key")
    await places.give_back()
    assert counts.asked == asked, "twice what is spare may be held, so that nobody asks all day"
    places.end("key")
    await places.give_back()
    assert counts.asked == asked + 1
    assert counts.claims[-1] == ("key", 6, 1)
    await places.give_back()
    assert counts.asked == asked + 1, "it is given back once"


@pytest.mark.parametrize("fault", [RuntimeError("closed"), OSError(), TimeoutError()])
async def test_what_cannot_be_asked_refuses_nobody(fault: Exception) -> None:
    counts, clock = Counts(granted=0), Clock()
    counts.fault = fault
    places = Places(2, Shared(counts, clock), clock)
    await places.begin("key")
    await places.begin("key")
    with pytest.raises(DomainError):
        await places.begin("key")


async def test_what_was_counted_here_alone_is_given_back_to_nobody() -> None:
    counts, clock = Counts(granted=1), Clock()
    counts.fault = OSError()
    places = Places(2, Shared(counts, clock), clock)
    await places.begin("key")
    counts.fault = None
    clock.now += AWAY
    asked = counts.asked
    places.end("key")
    await places.give_back()
    assert counts.asked == asked


async def test_who_waits_while_another_asks_takes_a_spare_place_of_the_answer() -> None:
    counts, clock = SlowCounts(), Clock()
    counts.slow = True
    places = Places(100, Shared(counts, clock), clock)
    begun = [asyncio.create_task(places.begin("key")) for _ in range(6)]
    assert await counts.answer() == 1
    await asyncio.gather(*begun)
    assert counts.claims == [("key", 6, 0)]
    assert places.under_way("key") == 6


async def test_a_lease_ends_on_its_last_instant_and_what_is_unused_is_forgotten() -> None:
    counts, clock = Counts(granted=100), Clock()
    places = Places(100, Shared(counts, clock), clock)
    for who in ("in use", "unused"):
        await places.begin(who)
    places.end("unused")
    clock.now += LIFE
    await places.renew()
    assert list(places._held) == ["in use"]
    assert counts.claims[2:] == [("in use", 6, 1)]
    await places.begin("in use")
    assert counts.asked == 3, "its lease was renewed"
    clock.now += LIFE
    await places.begin("in use")
    assert counts.asked == 4, "its lease was over"
