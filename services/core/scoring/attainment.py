"""Compares a value with its target: met or not, and an attainment of 0–100.

Handles one kind of target at a time; `scoring.kinds` combines several, and `scoring.lights`
decides the colour of the light.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.core.kit.decimals import times
from services.core.plan.document import TargetKind
from services.core.scoring.figures import (
    HUNDRED,
    ZERO,
    Figure,
    compare,
    percent,
    share_of_way,
)

SchemeName = Literal["completion-rate", "distance-to-target"]
Rule = Literal[
    "met",
    "completion_rate",
    "completion_rate_hold",
    "completion_rate_no_baseline",
    "distance_to_target",
    "level_points",
    "all_or_nothing",
    "share_of_year",
    "floor",
]
"""How an attainment was computed; if a completion rate replaces a distance, it names the reason."""


FALLS: frozenset[str] = frozenset({"at_most", "less_than"})
"""The kinds whose bound is an upper limit."""


@dataclass(frozen=True, slots=True)
class Attainment:
    """Whether the target is met, and the attainment, 0–100."""

    met: bool
    value: Decimal
    rule: Rule


def is_hold(kind: TargetKind, bound: Decimal, baseline: Decimal | None) -> bool:
    """Return whether the baseline already meets the target, which then only has to be held."""
    if baseline is None:
        return False
    return baseline <= bound if kind in FALLS else baseline >= bound


def numeric(
    figure: Figure,
    kind: TargetKind,
    bound: Decimal,
    baseline: Decimal | None,
    scheme: SchemeName,
) -> Attainment:
    """Return the attainment of a numeric target; `baseline` None: no usable baseline."""
    if meets(figure, kind, bound):
        return Attainment(met=True, value=HUNDRED, rule="met")
    rate = completion(figure, bound, at_most=kind in FALLS)
    if scheme == "completion-rate":
        return Attainment(met=False, value=rate, rule="completion_rate")
    if baseline is None:
        return Attainment(met=False, value=rate, rule="completion_rate_no_baseline")
    if is_hold(kind, bound, baseline):
        return Attainment(met=False, value=rate, rule="completion_rate_hold")
    way = share_of_way(figure, baseline, bound)
    return Attainment(met=False, value=percent(way.top, way.bottom), rule="distance_to_target")


def meets(figure: Figure, kind: TargetKind, bound: Decimal) -> bool:
    """Compare the unrounded value with the bound."""
    order = compare(figure, bound)
    if kind in FALLS:
        return order < 0 if kind == "less_than" else order <= 0
    return order > 0 if kind == "more_than" else order >= 0


def completion(figure: Figure, bound: Decimal, *, at_most: bool) -> Decimal:
    """Return the completion rate, 0–100, of a value that does not meet its bound.

    x ÷ T where more of x is nearer to T, T ÷ x where less is. A negative bound is its mirror
    image: at most −5 asks for a fall of at least 5, so −4 is 80. A bound of 0 has no rate.
    """
    if bound == 0:
        return ZERO
    scaled = times(bound, figure.bottom)
    if (bound > 0) == at_most:
        return percent(scaled, figure.top)
    return percent(figure.top, scaled)


def negative_growth(figure: Figure, *, growth_is_positive: bool) -> Attainment:
    """Return all or nothing: met if the quantity fell, whichever sign expresses a fall."""
    order = compare(figure, ZERO)
    return _all_or_nothing(met=order < 0 if growth_is_positive else order > 0)


def trend(kind: TargetKind, order: int, *, lower_better: bool) -> Attainment:
    """Return all or nothing of rising, falling and not_worse.

    `order` is -1, 0 or 1 as the value is below, at or above the comparable one.
    """
    if kind == "not_worse":
        return _all_or_nothing(met=order <= 0 if lower_better else order >= 0)
    return _all_or_nothing(met=order < 0 if kind == "falling" else order > 0)


def by_level(points: Decimal, *, top: bool) -> Attainment:
    """Return the level's points (0–100); only the top level of the list meets the target."""
    if top:
        return Attainment(met=True, value=HUNDRED, rule="met")
    return Attainment(met=False, value=min(max(points, ZERO), HUNDRED), rule="level_points")


def _all_or_nothing(*, met: bool) -> Attainment:
    if met:
        return Attainment(met=True, value=HUNDRED, rule="met")
    return Attainment(met=False, value=ZERO, rule="all_or_nothing")
