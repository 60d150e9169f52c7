"""Remembers that Postgres refused to write, for the readiness check.

Only a write finds out that a disk is full, and a small probe may still find room when larger writes
do not: so the results of the requests themselves count.
"""

from datetime import datetime, timedelta

from services.core.kit.clock import Clock

REMEMBERED = timedelta(seconds=30)
"""After this long without another refusal the state is unknown: the next write may succeed."""


class WriteHealth:
    """Whether a write of this process was refused lately."""

    def __init__(self) -> None:
        self._refused_at: datetime | None = None

    def refused(self) -> None:
        """Note that Postgres refused to write just now."""
        self._refused_at = Clock.true_now()

    def refused_lately(self, now: datetime) -> bool:
        """Return whether the last refusal is still recent."""
        return self._refused_at is not None and now - self._refused_at < REMEMBERED
