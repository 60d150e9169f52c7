"""Exact fractions: the division is kept undone, so that no verdict depends on rounding.

Arithmetic only; it does not know what a figure measures.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.core.kit.decimals import QUOTIENT_SCALE, quotient, times, total

ONE = Decimal(1)
_HALF = Decimal("0.5")
_NEXT_PLACE = Decimal(1).scaleb(-QUOTIENT_SCALE - 1)
ZERO = Decimal(0)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Figure:
    """The exact number top ÷ bottom; `bottom` is above 0."""

    top: Decimal
    bottom: Decimal = ONE

    @property
    def value(self) -> Decimal:
        """The value: exact if nothing has to be divided, else at scale 20, half even."""
        return self.top if self.bottom == ONE else quotient(self.top, self.bottom)


def added(figures: Sequence[Figure]) -> Figure:
    """Return the exact sum, in lowest terms if a fraction was added; 0 for an empty list.

    Adds pairwise (divide and conquer), so that the numbers stay short as long as possible.
    """
    tops: dict[Decimal, list[Decimal]] = {}
    for figure in figures:
        tops.setdefault(figure.bottom, []).append(figure.top)
    terms = [Figure(total(same), bottom) for bottom, same in tops.items()]
    if not terms:
        return Figure(ZERO)
    halves = len(terms) > 1
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        rest = terms[-1:] if len(terms) % 2 else []
        terms = [_sum(left, right) for left, right in pairs] + rest
    return _lowest(terms[0]) if halves else terms[0]


def divided(figure: Figure, by: Decimal) -> Figure:
    """Return the exact quotient; `by` is above 0."""
    return figure if by == ONE else Figure(figure.top, times(figure.bottom, by))


def _sum(left: Figure, right: Figure) -> Figure:
    return Figure(
        total((times(left.top, right.bottom), times(right.top, left.bottom))),
        times(left.bottom, right.bottom),
    )


def _lowest(figure: Figure) -> Figure:
    exact = Fraction(figure.top) / Fraction(figure.bottom)
    return Figure(Decimal(exact.numerator), Decimal(exact.denominator))


def difference(left: Decimal, right: Decimal) -> Decimal:
    """Return left − right, exact whatever the ambient decimal context."""
    return total((left, right.copy_negate()))


def fraction(top: Decimal, bottom: Decimal) -> Figure:
    """Return top ÷ bottom with a positive bottom. `bottom` is not 0."""
    if bottom < 0:
        return Figure(top.copy_negate(), bottom.copy_negate())
    return Figure(top, bottom)


def compare(figure: Figure, number: Decimal) -> int:
    """Return -1, 0 or 1 as the figure is below, at or above `number`, by cross-multiplication."""
    return _sign(figure.top, times(number, figure.bottom))


def compare_figures(left: Figure, right: Figure) -> int:
    """Return -1, 0 or 1 as `left` is below, at or above `right`, by cross-multiplication."""
    return _sign(times(left.top, right.bottom), times(right.top, left.bottom))


def beside(figure: Figure, bounds: Iterable[Figure]) -> Decimal:
    """Return a number for `display` that is on the same side of each bound as the exact figure.

    It is the rounded value, unless rounding moved that onto a bound, past it or off it, because a
    bound may have more places than a quotient keeps. Then it is the bound or a number next to it.
    """
    held = [(bound.value, compare_figures(figure, bound)) for bound in bounds]
    reached = [bound for bound, order in held if order == 0]
    if reached:
        return reached[0]
    below = max((bound for bound, order in held if order > 0), default=None)
    above = min((bound for bound, order in held if order < 0), default=None)
    number = figure.value
    if (below is None or below < number) and (above is None or number < above):
        return number
    return _between(below, above)


def _between(below: Decimal | None, above: Decimal | None) -> Decimal:
    """Return a number above `below` and below `above`; at least one of them is given."""
    if below is not None and above is not None:
        return times(total((below, above)), _HALF)
    if below is not None:
        return total((below, _NEXT_PLACE))
    return difference(above or ZERO, _NEXT_PLACE)


def share_of_way(figure: Figure, start: Decimal, end: Decimal) -> Figure:
    """Return (figure − start) ÷ (end − start): the share of the way that is done. start ≠ end."""
    return fraction(
        difference(figure.top, times(start, figure.bottom)),
        times(difference(end, start), figure.bottom),
    )


def percent(top: Decimal, bottom: Decimal) -> Decimal:
    """Return top ÷ bottom × 100 clipped to 0–100, at scale 20. `bottom` is not 0."""
    return min(max(quotient(times(top, HUNDRED), bottom), ZERO), HUNDRED)


def _sign(left: Decimal, right: Decimal) -> int:
    return (left > right) - (left < right)
