"""Elapsed time of a period, in months. Pure."""

from calendar import monthrange
from datetime import date

from services.core.plan.periods import Period

MONTHS_IN_YEAR = 12


def full_months(period: Period, today: date) -> int:
    """Return how many whole months of a period lie before the local date `today`."""
    return min(max(_months_between(period.first_day, today), 0), period.months)


def months_through(period: Period, part: Period) -> int:
    """Return how many months of a period have passed at the end of a finer period within it."""
    return _months_between(period.first_day, part.last_day) + 1


def whole_months(start: date, end: date) -> int:
    """Return how many whole months lie between two days; `start` is the last day of a month."""
    months = _months_between(start, end)
    return months if end.day == monthrange(end.year, end.month)[1] else months - 1


def _months_between(start: date, end: date) -> int:
    """Return the number of month boundaries between two days."""
    return (end.year - start.year) * MONTHS_IN_YEAR + end.month - start.month
