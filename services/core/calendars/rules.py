"""Arithmetic of working days. Pure: a calendar is a value, and says where it only guesses.

A year without an official calendar is reckoned Monday to Friday and is `provisional`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

Status = Literal["official", "provisional"]

_ONE_DAY = timedelta(days=1)
_FIRST_DAY_OF_REST = 5
"""Saturday, as `date.weekday` counts."""


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked. `days` holds those that differ from Monday to Friday.

    `official_years` are the years that an authority has announced; `version` counts the
    changes of the calendar, so that a decision can say by which one it was taken.
    """

    code: str
    version: int
    official_years: frozenset[int]
    days: Mapping[date, bool] = field(default_factory=dict)

    def is_workday(self, day: date) -> bool:
        """Return whether `day` is worked."""
        return self.days.get(day, day.weekday() < _FIRST_DAY_OF_REST)

    def status(self, *days: date) -> Status:
        """Return whether all of `days` lie in announced years."""
        announced = all(day.year in self.official_years for day in days)
        return "official" if announced else "provisional"

    def on_or_before(self, day: date) -> date:
        """Return `day` itself if it is worked, else the last working day before it."""
        while not self.is_workday(day):
            day -= _ONE_DAY
        return day

    def on_or_after(self, day: date) -> date:
        """Return `day` itself if it is worked, else the first working day after it."""
        while not self.is_workday(day):
            day += _ONE_DAY
        return day

    def shifted(self, day: date, working_days: int) -> date:
        """Return the n-th working day after `day`; before it, where n is negative; 0: `day`."""
        step = _ONE_DAY if working_days > 0 else -_ONE_DAY
        for _ in range(abs(working_days)):
            day += step
            while not self.is_workday(day):
                day += step
        return day

    def between(self, earlier: date, later: date) -> int:
        """Return how many working days lie after `earlier`, up to and including `later`."""
        span = (later - earlier).days
        return sum(
            self.is_workday(earlier + timedelta(days=number)) for number in range(1, span + 1)
        )


PLAIN_WEEK = WorkingCalendar(code="", version=0, official_years=frozenset())
"""Monday to Friday, nothing announced."""
