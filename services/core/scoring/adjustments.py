"""Deductions and bonuses beside the score: points for each occurrence, up to a cap.

The rule is that of published assessment methods, 得分 = Σ 单项得分 − 扣分 + 加分: a deduction takes
no more points than its item holds (扣完为止), and bonuses add no more than their cap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import times, total
from services.core.plan.document import Adjustment
from services.core.scoring.figures import ZERO, difference


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The application of one rule. `occurrences` None: nothing was reported, so no points."""

    rule: Adjustment
    occurrences: Decimal | None
    points: Decimal


@dataclass(frozen=True, slots=True)
class Adjustments:
    """The application of all rules: `deducted` and `added` in points, and the score after both."""

    items: tuple[Adjusted, ...]
    deducted: Decimal
    added: Decimal
    score: Decimal | None


def adjust(
    score: Decimal | None,
    rules: Sequence[Adjustment],
    bonus_cap: Decimal | None,
    values: Mapping[str, Decimal | None],
) -> Adjustments:
    """Apply deductions and bonuses to a score (0–100; None: there is no score).

    `values` are the numbers of occurrences by indicator. The result is never below 0; a bonus may
    lift it above 100.
    """
    items = tuple(_applied(rule, values.get(rule.indicator)) for rule in rules)
    deducted, added = (
        total([each.points for each in items if each.rule.kind == kind])
        for kind in ("deduction", "bonus")
    )
    if bonus_cap is not None:
        added = min(added, bonus_cap)
    after = None
    if score is not None:
        after = max(difference(total([score, added]), deducted), ZERO)
    return Adjustments(items, deducted, added, after)


def _applied(rule: Adjustment, occurrences: Decimal | None) -> Adjusted:
    points = ZERO if occurrences is None else times(max(occurrences, ZERO), rule.points)
    return Adjusted(rule, occurrences, min(points, rule.cap))
