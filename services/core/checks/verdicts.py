"""Whether a rule between figures holds. Pure and exact: sums and products only, no division."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import times, total
from services.core.plan.check_entries import PAIRS, CheckOperator, CheckRule, CheckTerm

FigureOf = Callable[[CheckTerm], Decimal | None]
"""Finds the figure of a term; None: there is none."""


@dataclass(frozen=True, slots=True)
class SideSum:
    """One side of a rule: its sum, with missing figures as 0, and how many figures are missing."""

    total: Decimal
    figures: int
    missing: int

    @property
    def is_there(self) -> bool:
        """Whether it has any figure."""
        return self.figures > self.missing


def side_sum(terms: Sequence[CheckTerm], figure_of: FigureOf) -> SideSum:
    """Return the exact sum of a side: each figure or constant times its factor."""
    parts, figures, missing = [], 0, 0
    for term in terms:
        found = term.constant
        if term.indicator is not None:
            figures += 1
            found = figure_of(term)
            missing += found is None
        if found is not None:
            parts.append(times(found, term.times))
    return SideSum(total(parts), figures, missing)


def holds(operator: CheckOperator, left: Decimal, right: Decimal, tolerance: Decimal) -> bool:
    """Return whether an operator holds between two numbers; not for the pair operators.

    Numbers that differ by no more than the tolerance (0 or above) are equal. So `<=` is exactly the
    negation of `>`, and exactly one of `<`, `==` and `>` holds.
    """
    difference = total([left, right.copy_negate()])
    equal = difference.copy_abs() <= tolerance
    match operator:
        case "==":
            return equal
        case "!=":
            return not equal
        case "<=":
            return equal or difference < 0
        case "<":
            return not equal and difference < 0
        case ">=":
            return equal or difference > 0
        case _:
            return not equal and difference > 0


def verdict(rule: CheckRule, left: SideSum, right: SideSum) -> bool | None:
    """Return whether a rule holds between two sides; None: not applied, for lack of figures.

    `skip_if_any` applies it if no figure is missing, `skip_if_all` if neither side lacks all of its
    figures, `never_skip` always; missing figures then count as 0. A pair is always applied.
    """
    if rule.operator in PAIRS:
        if rule.operator == "exclusive_pair":
            return not (left.is_there and right.is_there)
        return left.is_there is right.is_there
    if rule.missing == "skip_if_any" and (left.missing or right.missing):
        return None
    if rule.missing == "skip_if_all" and any(
        one.figures and not one.is_there for one in (left, right)
    ):
        return None
    return holds(rule.operator, left.total, right.total, rule.tolerance)
