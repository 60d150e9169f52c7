"""Reporting periods: years, half-years, quarters and months by their codes.

Arithmetic only: whether a period is open, and for which plan, is in `plan.service`.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import total_ordering
from typing import Self

from services.core.calendars.rules import WorkingCalendar
from services.core.plan.members import Comparison, DueDays, Frequency

FIRST_YEAR = 1990
LAST_YEAR = 2100

_MONTHS_IN_YEAR = 12
_MONTHS: Mapping[Frequency, int] = {"annual": 12, "half_yearly": 6, "quarterly": 3, "monthly": 1}
_FORMS: Mapping[Frequency, str] = {
    "annual": "{year:04}",
    "half_yearly": "{year:04}-H{number}",
    "quarterly": "{year:04}-Q{number}",
    "monthly": "{year:04}-{number:02}",
}
_CODE = re.compile(
    "(?P<year>[0-9]{4})"
    "(-(H(?P<half_yearly>[12])|Q(?P<quarterly>[1-4])|(?P<monthly>0[1-9]|1[0-2])))?"
)


@total_ordering
@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of the calendar: the `number`-th of its frequency within `year`, from 1.

    Periods of one frequency sort by time; those of different frequencies do not compare.
    """

    frequency: Frequency
    year: int
    number: int = 1

    @classmethod
    def parse(cls, code: str) -> Self:
        """Return the period of a code: `2025`, `2025-H1`, `2025-Q3` or `2025-09`.

        Raises:
            ValueError: it is no such code, or the year is not within 1990-2100.
        """
        found = _CODE.fullmatch(code)
        if found is None or not FIRST_YEAR <= int(found["year"]) <= LAST_YEAR:
            raise ValueError("not a period")
        year = int(found["year"])
        for frequency in _MONTHS:
            if frequency != "annual" and found[frequency] is not None:
                return cls(frequency, year, int(found[frequency]))
        return cls("annual", year)

    @classmethod
    def containing(cls, day: date, frequency: Frequency) -> Self:
        """Return the period of `frequency` that `day` lies in."""
        return cls(frequency, day.year, (day.month - 1) // _MONTHS[frequency] + 1)

    @property
    def code(self) -> str:
        """The code that `parse` reads."""
        return _FORMS[self.frequency].format(year=self.year, number=self.number)

    @property
    def months(self) -> int:
        """How many months it is long."""
        return _MONTHS[self.frequency]

    @property
    def first_day(self) -> date:
        """The first day of it."""
        return date(self.year, (self.number - 1) * self.months + 1, 1)

    @property
    def last_day(self) -> date:
        """The last day of it."""
        month = self.number * self.months
        return date(self.year, month, monthrange(self.year, month)[1])

    def due_date(self, due_days: int, calendar: WorkingCalendar | None = None) -> date:
        """Return the last day on which its values are in time.

        With a calendar the days are working days.
        """
        if calendar is not None:
            return calendar.shifted(self.last_day, due_days)
        return self.last_day + timedelta(days=due_days)

    def months_since(self, earlier: "Period") -> int:
        """Return the whole months from the end of `earlier` to the end of this one."""
        years = self.year - earlier.year
        months = self.number * self.months - earlier.number * earlier.months
        return years * _MONTHS_IN_YEAR + months

    def parents(self) -> "tuple[Period, ...]":
        """Return the wider periods that contain it, the narrowest first."""
        return tuple(
            Period.containing(self.first_day, frequency)
            for frequency in ("quarterly", "half_yearly", "annual")
            if _MONTHS[frequency] > self.months
        )

    def children(self, frequency: Frequency) -> "tuple[Period, ...]":
        """Return the periods of a finer frequency within it, in order; none where not finer."""
        step = _MONTHS[frequency]
        if step >= self.months:
            return ()
        count = self.months // step
        first = (self.number - 1) * count + 1
        return tuple(Period(frequency, self.year, first + offset) for offset in range(count))

    def previous(self) -> "Period":
        """Return the period of its frequency directly before it: the year before a year."""
        if self.number > 1:
            return Period(self.frequency, self.year, self.number - 1)
        return Period(self.frequency, self.year - 1, _MONTHS_IN_YEAR // self.months)

    def following(self) -> "Period":
        """Return the period of its frequency directly after it."""
        if self.number < _MONTHS_IN_YEAR // self.months:
            return Period(self.frequency, self.year, self.number + 1)
        return Period(self.frequency, self.year + 1)

    def same_last_year(self) -> "Period":
        """Return the period in the same place one year earlier."""
        return Period(self.frequency, self.year - 1, self.number)

    def same_next_year(self) -> "Period":
        """Return the period in the same place one year later."""
        return Period(self.frequency, self.year + 1, self.number)

    def compared_with(self, comparison: Comparison) -> "Period":
        """Return the earlier period that this one is measured by."""
        return self.previous() if comparison == "previous_period" else self.same_last_year()

    def compared_from(self, comparison: Comparison) -> "Period":
        """Return the later period that is measured by this one."""
        return self.following() if comparison == "previous_period" else self.same_next_year()

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Period) or other.frequency != self.frequency:
            return NotImplemented
        return (self.year, self.number) < (other.year, other.number)


def is_within_reach(period: Period, today: date, start: date) -> bool:
    """Return whether a period may be asked for or reported on a local date.

    What has begun may, and all of the running year; of a year not begun the next period of its
    kind alone. Before the plan starts, that is its first.
    """
    day = max(today, start - timedelta(days=1))
    return period.year <= day.year or period.previous().first_day <= day


def due_by(rule: DueDays, period: Period, calendar: WorkingCalendar) -> date:
    """Return until when the values of a period are due by a plan's rule.

    Calendar days that end on a day of rest move on where the rule says so.
    """
    days: int = getattr(rule, period.frequency)
    if rule.unit == "working":
        return period.due_date(days, calendar)
    counted = period.due_date(days)
    return counted if rule.on_rest_day == "same_day" else calendar.on_or_after(counted)


def follows_calendar(rule: DueDays) -> bool:
    """Return whether a plan's due dates move with its calendar."""
    return rule.unit == "working" or rule.on_rest_day == "next_working_day"
