"""Periods for tests: of plans whose years begin in January, unless a test is about others."""

from services.core.plan.periods import Period, PeriodCalendar

YEARS = PeriodCalendar(begins=1)


def a_period(code: str) -> Period:
    """Return the period of a code, in the calendar's years."""
    return YEARS.period(code)
