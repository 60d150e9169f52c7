"""Counts of partners' calls, and the figures derived from them. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

BOUNDS_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""Upper bounds, in milliseconds, of the histogram of durations; its last count has no bound."""

_NINETY_FIVE = 95


def _none() -> list[int]:
    return [0] * (len(BOUNDS_MS) + 1)


@dataclass(slots=True)
class Use:
    """Calls of one operation by one partner on one day."""

    last_call_at: datetime
    calls: int = 0
    faults: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    times: list[int] = field(default_factory=_none)

    def count(
        self, at: datetime, *, milliseconds: float, fault: bool, bytes_in: int, bytes_out: int
    ) -> None:
        """Count a call."""
        self.last_call_at = max(self.last_call_at, at)
        self.calls += 1
        self.faults += fault
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.times[bisect_left(BOUNDS_MS, milliseconds)] += 1


def p95_ms(times: Sequence[int]) -> int | None:
    """Return the 95th percentile of durations in ms; None: beyond the bounds, or no calls.

    It is the upper bound of the bucket that holds the call of that rank (nearest rank).
    """
    total = sum(times)
    rank = -(-total * _NINETY_FIVE // 100)
    seen = 0
    for bound, count in zip(BOUNDS_MS, times, strict=False):
        seen += count
        if total and seen >= rank:
            return bound
    return None
