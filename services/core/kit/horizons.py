"""Limits on how far in the future an entered day may lie. Pure.

Otherwise a mistyped year counts as a promise: nothing is ever late, and nobody hears of it.
"""

from datetime import date, timedelta

from services.core.kit.errors import Fault
from services.core.kit.text import Text

A_YEAR = timedelta(days=366)
"""For things usually due within a year, for one extension of time, and for a document's date."""

TEN_YEARS = timedelta(days=3660)
"""For long-term promises, and for the expiry of a key."""


def too_far_ahead(place: str, day: date, *, since: date, most: timedelta) -> list[Fault]:
    """Return a fault if `day` is more than `most` after `since`; it names the last day allowed."""
    last = date.fromordinal(min(since.toordinal() + most.days, date.max.toordinal()))
    return (
        []
        if day <= last
        else [_fault(place, day, Text(f"最晚可写 {last}", f"No later than {last}"))]
    )


def not_within(place: str, day: date, *, first: date, last: date) -> list[Fault]:
    """Return a fault if `day` is not from `first` to `last`; it names both."""
    if first <= day <= last:
        return []
    return [_fault(place, day, Text(f"可写 {first} 至 {last}", f"From {first} to {last}"))]


def _fault(place: str, day: date, said: Text) -> Fault:
    return Fault(place, "date-out-of-range", said, day.isoformat())
