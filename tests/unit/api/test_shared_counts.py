"""What is counted in Redis, and by whom while Redis does not answer."""

import logging
from datetime import UTC, datetime

import pytest
from redis.exceptions import RedisError

from services.api.shared_counts import AWAY, Claim, Shared

BEGIN = datetime(2026, 4, 1, tzinfo=UTC)
CLAIM = Claim("p", wanted=3, under_way=1, most=9, life=AWAY)


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


class Counts:
    """A counter that answers as it is told to, and says what it was asked."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.asked: list[object] = []

    async def take(self, key: str, step: int, seconds: int) -> tuple[int, float]:
        self.asked.append((key, step, seconds))
        if self.fault is not None:
            raise self.fault
        return step, float(seconds)

    async def lease(self, key: str, claim: Claim) -> int:
        self.asked.append((key, claim))
        if self.fault is not None:
            raise self.fault
        return claim.wanted


async def test_where_there_is_no_counter_all_is_counted_here() -> None:
    shared = Shared(None, Clock())
    assert (shared.is_there, shared.may_answer(BEGIN)) == (False, False)
    assert await shared.take("key", 1, 60) is None
    assert await shared.lease("key", CLAIM) is None


async def test_what_is_asked_is_handed_on_and_answered() -> None:
    counts, clock = Counts(), Clock()
    shared = Shared(counts, clock)
    assert (shared.is_there, shared.may_answer(BEGIN)) == (True, True)
    assert await shared.take("key", 2, 60) == (2, 60.0)
    assert await shared.lease("key", CLAIM) == 3
    assert counts.asked == [("key", 2, 60), ("key", CLAIM)]


@pytest.mark.parametrize("fault", [RedisError(), OSError(), TimeoutError(), RuntimeError("closed")])
async def test_one_that_does_not_answer_is_left_alone_for_a_while_and_told_of_once(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    counts, clock = Counts(), Clock()
    shared = Shared(counts, clock)
    counts.fault = fault
    with caplog.at_level(logging.WARNING, "wufei.api"):
        for _ in range(3):
            assert await shared.take("key", 1, 60) is None
            assert await shared.lease("key", CLAIM) is None
        assert len(counts.asked) == 1
        clock.now += AWAY
        assert await shared.take("key", 1, 60) is None
    assert len(counts.asked) == 2, "it is asked again after five seconds"
    [told] = caplog.records
    assert told.getMessage() == "limits counted here"
    assert told.__dict__["cause"]
    assert told.__dict__["next"] == "each process counts for itself until Redis answers"


async def test_one_that_answers_again_is_asked_from_then_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counts, clock = Counts(), Clock()
    shared = Shared(counts, clock)
    counts.fault = OSError()
    assert await shared.take("key", 1, 60) is None
    counts.fault, clock.now = None, clock.now + AWAY
    assert [await shared.take("key", 1, 60) for _ in range(2)] == [(1, 60.0)] * 2
    counts.fault = OSError()
    assert await shared.take("key", 1, 60) is None
    assert len(caplog.records) == 2, "each time that it goes away"
