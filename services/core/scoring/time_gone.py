"""How much of a period has gone, and what of a year's sum is to be expected by then. Pure."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.core.kit.decimals import times
from services.core.plan.document import TargetKind
from services.core.plan.periods import Period
from services.core.scoring.attainment import FALLS, meets
from services.core.scoring.figures import ZERO, Figure, fraction, percent
from services.core.scoring.lights import Pace

_MONTHS_IN_YEAR = 12


def full_months(period: Period, today: date) -> int:
    """Return how many whole months of a period lie before the local date `today`."""
    return min(max(_months_between(period.first_day, today), 0), period.months)


def months_through(period: Period, part: Period) -> int:
    """Return how many months of a period have gone at the end of a finer period within it."""
    return _months_between(period.first_day, part.last_day) + 1


def whole_months(start: date, end: date) -> int:
    """Return how many whole months lie between two days, of which the first ends a month."""
    months = _months_between(start, end)
    return months if end.day == monthrange(end.year, end.month)[1] else months - 1


def _months_between(start: date, end: date) -> int:
    """Return how many times the month changes from one day to a later one."""
    return (end.year - start.year) * _MONTHS_IN_YEAR + end.month - start.month


@dataclass(frozen=True, slots=True)
class ToDate:
    """A part of a year's sum against what is to be expected of it by then.

    `attainment` is 0-100; `pace` is None where there is nothing to divide by, and then
    `enough` alone says how it stands.
    """

    attainment: Decimal
    pace: Pace | None
    enough: bool


def to_date(figure: Figure, kind: TargetKind, bound: Decimal, months: int) -> ToDate:
    """Return how a sum over `months` months of a year stands against the year's bound.

    expected = bound × months ÷ 12; pace = done ÷ expected where more is better and expected ÷
    done where less is; for a bound below 0 the other way round, as with completion rates.
    """
    expected = fraction(times(bound, Decimal(months)), Decimal(_MONTHS_IN_YEAR))
    at_most = kind in FALLS
    enough = _reaches(figure, expected, at_most=at_most)
    top, bottom = times(figure.top, expected.bottom), times(expected.top, figure.bottom)
    if less_is_nearer(kind, bound):
        top, bottom = bottom, top
    ratio = fraction(top, bottom) if bottom else fraction(ZERO, Decimal(1))
    if enough and (not bottom or not meets(ratio, "at_least", Decimal(1))):
        return ToDate(Decimal(100), None, enough=True)
    return ToDate(
        percent(ratio.top, ratio.bottom), Pace(figure.value, expected.value, ratio), enough
    )


def less_is_nearer(kind: TargetKind, bound: Decimal) -> bool:
    """Return whether a smaller amount, as far as its size goes, is nearer to the bound."""
    return (bound > 0) is (kind in FALLS)


def _reaches(figure: Figure, expected: Figure, *, at_most: bool) -> bool:
    scaled = Figure(times(figure.top, expected.bottom), figure.bottom)
    return meets(scaled, "at_most" if at_most else "at_least", expected.top)
