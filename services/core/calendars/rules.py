"""Working-day arithmetic. Pure: a calendar is a value that knows which days are provisional.

A year without an official calendar counts Monday to Friday without the statutory holidays of fixed
date, and is `provisional`: holidays that follow the moon or the sun, and the make-up working days,
are known only once they are announced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

CalendarStatus = Literal["official", "provisional"]

CALENDAR = "CN"
"""The calendar that every city begins with."""

TIME_ZONE = "Asia/Shanghai"
"""The time zone in which a calendar's years begin: calendars have no zone of their own."""

NOTICE_MONTH = 11
"""From this month on next year's announcement is due: it usually comes about then."""

_ONE_DAY = timedelta(days=1)
_FIRST_DAY_OF_REST = 5
"""Saturday, as `date.weekday` counts."""

_WEEK = 7


STATUTORY_SINCE = 2025
"""The first year of the present holidays: 全国年节及纪念日放假办法, decree 795, article 2."""

STATUTORY: Mapping[tuple[int, int], str] = {
    (1, 1): "元旦",
    (5, 1): "劳动节",
    (5, 2): "劳动节",
    (10, 1): "国庆节",
    (10, 2): "国庆节",
    (10, 3): "国庆节",
}
"""The statutory holidays of fixed date, by (month, day)."""

UNKNOWN_AHEAD = ("春节", "清明节", "端午节", "中秋节", "调休")
"""What is unknown before the announcement: holidays by moon or sun, and make-up working days."""


def statutory_name(day: date) -> str | None:
    """Return the name of a statutory holiday of fixed date; None: the day is none."""
    return STATUTORY.get((day.month, day.day)) if day.year >= STATUTORY_SINCE else None


def is_weekday(day: date) -> bool:
    """Return whether a day is one of Monday to Friday."""
    return day.weekday() < _FIRST_DAY_OF_REST


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked. `days` holds those that differ from what is computed otherwise.

    `official_years` are the years that an authority has announced; `version` counts the changes of
    the calendar, so that a decision can record which one it was based on.
    """

    code: str
    version: int
    official_years: frozenset[int]
    days: Mapping[date, bool] = field(default_factory=dict)

    def is_workday(self, day: date) -> bool:
        """Return whether `day` is worked."""
        known = self.days.get(day)
        if known is not None:
            return known
        # An announced year lists its own holidays; they are assumed only in other years.
        reckoned = day.year not in self.official_years and statutory_name(day) is not None
        return is_weekday(day) and not reckoned

    @property
    def announced_until(self) -> int | None:
        """The last year that was announced; None: none was."""
        return max(self.official_years, default=None)

    def awaits_notice(self, today: date) -> bool:
        """Return whether next year should be announced by now and is not."""
        return today.month >= NOTICE_MONTH and today.year + 1 not in self.official_years

    def status(self, *days: date) -> CalendarStatus:
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
        """Return the n-th working day after `day`, or before it if n is negative; 0: `day`."""
        step = _ONE_DAY if working_days > 0 else -_ONE_DAY
        for _ in range(abs(working_days)):
            day += step
            while not self.is_workday(day):
                day += step
        return day

    def between(self, earlier: date, later: date) -> int:
        """Return how many working days lie after `earlier`, up to and including `later`."""
        span = (later - earlier).days
        if span <= 0:
            return 0
        # Whole weeks are multiplied, because many deadlines lie a year back; exceptions follow.
        weeks, more = divmod(span, _WEEK)
        worked = weeks * _FIRST_DAY_OF_REST
        worked += sum(is_weekday(earlier + timedelta(days=one)) for one in range(1, more + 1))
        worked += sum(
            is_worked - is_weekday(day)
            for day, is_worked in self.days.items()
            if earlier < day <= later
        )
        return worked - sum(
            earlier < day <= later and day not in self.days and is_weekday(day)
            for year in range(max(earlier.year, STATUTORY_SINCE), later.year + 1)
            if year not in self.official_years
            for day in (date(year, *of_year) for of_year in STATUTORY)
        )


def plain_week(code: str) -> WorkingCalendar:
    """Return a calendar without announcements: Monday to Friday, less the fixed holidays."""
    return WorkingCalendar(code=code, version=0, official_years=frozenset())
