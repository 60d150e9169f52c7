"""Places of requests under way, where what counts them for all processes answers oddly."""

from datetime import UTC, datetime, timedelta

import pytest

from services.api.places import Places
from services.api.shared_counts import Claim, Shared
from services.core.kit.errors import DomainError

BEGIN = datetime(2026, 4, 1, tzinfo=UTC)


class Counts:
    """A counter of all processes: it grants so many places, or fails."""

    def __init__(self, granted: int) -> None:
        self.granted = granted
        self.asked = 0
        self.fault: Exception | None = None

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        raise AssertionError(key, step, seconds)

    async def lease(self, key: str, claim: Claim) -> int:
        del key
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return min(self.granted, claim.wanted)


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


async def test_who_has_no_place_left_is_told_so_without_asking_each_time() -> None:
    counts, clock = Counts(granted=1), Clock()
    places = Places(1, Shared(counts, clock), clock)
    await places.begin("key")
    for _ in range(50):
        with pytest.raises(DomainError):
            await places.begin("key")
    assert counts.asked == 2, "for the place, and once for another in vain"
    clock.now += timedelta(seconds=1)
    with pytest.raises(DomainError):
        await places.begin("key")
    assert counts.asked == 3, "somebody elsewhere may have ended"
    places.end("key")
    await places.begin("key")
    assert places.under_way("key") == 1


@pytest.mark.parametrize("fault", [RuntimeError("closed"), OSError(), TimeoutError()])
async def test_what_cannot_be_asked_refuses_nobody(fault: Exception) -> None:
    counts, clock = Counts(granted=0), Clock()
    counts.fault = fault
    places = Places(2, Shared(counts, clock), clock)
    await places.begin("key")
    await places.begin("key")
    with pytest.raises(DomainError):
        await places.begin("key")
