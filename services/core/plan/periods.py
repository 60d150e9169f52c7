"""Reporting periods: years, half-years, quarters and months by their codes.

Which days a code means depends on the month in which a plan's years begin, so every period comes
from the plan's `PeriodCalendar`. Arithmetic only: whether a period is open is in `plan.service`.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache, total_ordering

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


def months_of(frequency: Frequency) -> int:
    """Return the length of a period of this frequency in months."""
    return _MONTHS[frequency]


@dataclass(frozen=True, slots=True)
class PeriodCalendar:
    """Maps the codes of a plan's periods to days.

    Its years begin on the first day of the month `begins` (1-12): the year 2025 of one that begins
    in April runs from 2025-04-01 to 2026-03-31, and its quarters and halves are counted from April.
    Months are always those of the calendar: 2025-01 is January 2025.
    """

    begins: int

    def period(self, code: str) -> "Period":
        """Return the period of a code: `2025`, `2025-H1`, `2025-Q3` or `2025-09`.

        Raises:
            ValueError: the code is malformed, or its year is not within 1990-2100.
        """
        return _read(code, self.begins)

    def year(self, year: int) -> "Period":
        """Return a whole year."""
        return Period("annual", year, 1, self.begins)

    def containing(self, day: date, frequency: Frequency) -> "Period":
        """Return the period of `frequency` that contains `day`."""
        if frequency == "monthly":
            return Period(frequency, day.year, day.month, self.begins)
        gone = (day.month - self.begins) % _MONTHS_IN_YEAR
        year = day.year if day.month >= self.begins else day.year - 1
        return Period(frequency, year, gone // _MONTHS[frequency] + 1, self.begins)

    def year_of(self, day: date) -> int:
        """Return the plan's year that contains `day`: the calendar year in which it began."""
        return self.containing(day, "annual").year


@total_ordering
@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of a plan's calendar: the `number`-th of its frequency within `year`, from 1.

    `year` is the year in its code: for a month the calendar year, otherwise the plan's year, which
    begins with the month `begins`. Only a `PeriodCalendar` makes one. Periods of one frequency sort
    by time; those of different frequencies, or of different starts of years, do not compare.
    """

    frequency: Frequency
    year: int
    number: int
    begins: int

    @property
    def calendar(self) -> PeriodCalendar:
        """The calendar that the period belongs to."""
        return PeriodCalendar(self.begins)

    @property
    def in_year(self) -> int:
        """The year of the plan that contains the period."""
        if self.frequency == "monthly" and self.number < self.begins:
            return self.year - 1
        return self.year

    @property
    def code(self) -> str:
        """The code, as `PeriodCalendar.period` parses it."""
        return _FORMS[self.frequency].format(year=self.year, number=self.number)

    @property
    def months(self) -> int:
        """The length in months."""
        return _MONTHS[self.frequency]

    @property
    def first_day(self) -> date:
        """The first day."""
        return _days(self)[0]

    @property
    def last_day(self) -> date:
        """The last day."""
        return _days(self)[1]

    def due_date(self, due_days: int, calendar: WorkingCalendar | None = None) -> date:
        """Return the last day on which the values are in time.

        With a calendar, `due_days` are working days.
        """
        if calendar is not None:
            return calendar.shifted(self.last_day, due_days)
        return self.last_day + timedelta(days=due_days)

    def months_since(self, earlier: "Period") -> int:
        """Return the whole months from the end of `earlier` to the end of this one."""
        end, before = self.last_day, earlier.last_day
        return (end.year - before.year) * _MONTHS_IN_YEAR + end.month - before.month

    def parents(self) -> "tuple[Period, ...]":
        """Return the wider periods that contain it, narrowest first."""
        wider = (
            self.calendar.containing(self.first_day, frequency)
            for frequency in ("quarterly", "half_yearly", "annual")
            if _MONTHS[frequency] > self.months
        )
        # The first months of 1990 may lie in a plan year before 1990, which has no code.
        return tuple(period for period in wider if period.year >= FIRST_YEAR)

    def children(self, frequency: Frequency) -> "tuple[Period, ...]":
        """Return the periods of a finer frequency within it, in order; empty if not finer."""
        step = _MONTHS[frequency]
        if step >= self.months:
            return ()
        first = self.first_day
        return tuple(
            self.calendar.containing(_month_after(first, gone), frequency)
            for gone in range(0, self.months, step)
        )

    def previous(self) -> "Period":
        """Return the period of the same frequency directly before it."""
        if self.number > 1:
            return replace(self, number=self.number - 1)
        return replace(self, year=self.year - 1, number=_MONTHS_IN_YEAR // self.months)

    def following(self) -> "Period":
        """Return the period of the same frequency directly after it."""
        if self.number < _MONTHS_IN_YEAR // self.months:
            return replace(self, number=self.number + 1)
        return replace(self, year=self.year + 1, number=1)

    def same_last_year(self) -> "Period":
        """Return the period in the same place one year earlier."""
        return replace(self, year=self.year - 1)

    def same_next_year(self) -> "Period":
        """Return the period in the same place one year later."""
        return replace(self, year=self.year + 1)

    def compared_with(self, comparison: Comparison) -> "Period":
        """Return the earlier period that this one is compared with."""
        return self.previous() if comparison == "previous_period" else self.same_last_year()

    def compared_from(self, comparison: Comparison) -> "Period":
        """Return the later period that is compared with this one."""
        return self.following() if comparison == "previous_period" else self.same_next_year()

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Period) or other.frequency != self.frequency:
            return NotImplemented
        if other.begins != self.begins:
            return NotImplemented
        return (self.year, self.number) < (other.year, other.number)


# Cached, because boards and lists request the same few codes thousands of times.
@lru_cache(maxsize=4096)
def _read(code: str, begins: int) -> Period:
    """Return the period of a code in a calendar whose years begin with the month `begins`.

    Raises:
        ValueError: the code is malformed, or its year is not within 1990-2100.
    """
    found = _CODE.fullmatch(code)
    if found is None:
        raise ValueError("not a period")
    frequency = next(
        (each for each in _MONTHS if each != "annual" and found[each] is not None), None
    )
    number = 1 if frequency is None else int(found[frequency])
    period = Period(frequency or "annual", int(found["year"]), number, begins)
    # The last months of the last year may have the next calendar year in their code.
    if not any(FIRST_YEAR <= year <= LAST_YEAR for year in (period.year, period.in_year)):
        raise ValueError("not a period")
    return period


@lru_cache(maxsize=4096)
def _days(period: Period) -> tuple[date, date]:
    """Return the first and the last day of a period."""
    first = date(period.year, period.number, 1)
    if period.frequency != "monthly":
        begins = date(period.year, period.begins, 1)
        first = _month_after(begins, (period.number - 1) * period.months)
    last = _month_after(first, period.months - 1)
    return first, last.replace(day=monthrange(last.year, last.month)[1])


def _month_after(first: date, months: int) -> date:
    """Return the first day of the month that is `months` months after `first`."""
    gone = first.month - 1 + months
    return date(first.year + gone // _MONTHS_IN_YEAR, gone % _MONTHS_IN_YEAR + 1, 1)


def is_within_reach(period: Period, today: date, start: date) -> bool:
    """Return whether a period may be opened or reported on a local date.

    Periods that have begun may, and all of the current year; of a later year only the next period
    of its kind. Before the plan starts, that is its first.
    """
    day = max(today, start - timedelta(days=1))
    running = period.calendar.containing(day, "annual")
    return period.first_day <= running.last_day or period.previous().first_day <= day


def due_by(rule: DueDays, period: Period, calendar: WorkingCalendar) -> date:
    """Return the due date of a period's values by a plan's rule.

    Calendar days that end on a rest day move on if the rule says so.
    """
    days: int = getattr(rule, period.frequency)
    if rule.unit == "working":
        return period.due_date(days, calendar)
    counted = period.due_date(days)
    return counted if rule.on_rest_day == "same_day" else calendar.on_or_after(counted)


def answered_by(
    rule: DueDays, frequency: Frequency, asked_on: date, calendar: WorkingCalendar
) -> date:
    """Return the due date of a value that is requested on a day, by a plan's rule."""
    days: int = getattr(rule, frequency)
    if rule.unit == "working":
        return calendar.shifted(asked_on, days)
    counted = asked_on + timedelta(days=days)
    return counted if rule.on_rest_day == "same_day" else calendar.on_or_after(counted)


def follows_calendar(rule: DueDays) -> bool:
    """Return whether a plan's due dates depend on its working calendar."""
    return rule.unit == "working" or rule.on_rest_day == "next_working_day"
