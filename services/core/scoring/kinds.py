"""Judges a number by each kind of target: met or not, the attainment, and the standing.

Kinds with several conditions are judged condition by condition. Levels and parts of a year's sum
are judged in other modules, and so is the colour of the light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.plan.document import TargetKind
from services.core.scoring import attainment, lights
from services.core.scoring.attainment import FALLS, Attainment, SchemeName
from services.core.scoring.figures import Figure, compare, compare_figures
from services.core.scoring.lights import Pace
from services.core.scoring.targets import Asked, Target


@dataclass(frozen=True, slots=True)
class Ground:
    """The data that a number is judged by, in addition to the target.

    `baseline` and `previous` are None if not usable; `elapsed` and `whole` are the months from the
    baseline to now and to the target's date.
    """

    figure: Figure
    baseline: Decimal | None
    previous: Figure | None
    growth_is_positive: bool
    lower_better: bool
    scheme: SchemeName
    elapsed: int
    whole: int


@dataclass(frozen=True, slots=True)
class Found:
    """An attainment, and the inputs of the light: see `lights.LightContext`."""

    attainment: Attainment
    numeric: bool = False
    hold: bool = False
    worse: bool = False
    beyond: bool = False
    pace: Pace | None = None


def judge_number(target: Target, ground: Ground) -> Found | str:
    """Judge a number by its target; return a reason code if it cannot be judged."""
    if target.kind not in {"all_of", "any_of"}:
        return _judge(Asked(target.kind, target.value, target.upper), ground)
    found = [_judge(condition, ground) for condition in target.conditions]
    known = [each for each in found if isinstance(each, Found)]
    unknown = next((each for each in found if isinstance(each, str)), None)
    if target.kind == "any_of":
        return _any_of(known, unknown)
    return _all_of(known, unknown)


def _all_of(known: Sequence[Found], unknown: str | None) -> Found | str:
    """Combine conditions that must all be met: the result is the worst of them.

    A condition that is not met decides, even if another cannot be judged.
    """
    failed = [each for each in known if not each.attainment.met]
    if not failed:
        return known[0] if unknown is None else unknown
    least = min(failed, key=lambda each: each.attainment.value)
    slowest = min(failed, key=_haste)
    return Found(
        least.attainment,
        numeric=any(each.numeric for each in failed),
        hold=any(each.hold for each in failed),
        worse=any(each.worse for each in failed),
        beyond=any(each.beyond for each in failed),
        pace=slowest.pace,
    )


def _any_of(known: Sequence[Found], unknown: str | None) -> Found | str:
    """Combine conditions of which one must be met: the result is the best of them.

    A condition that is met decides. The target is not met only if all conditions were judged and
    none is met.
    """
    met = next((each for each in known if each.attainment.met), None)
    if met is not None:
        return met
    if unknown is not None:
        return unknown
    most = max(known, key=lambda each: each.attainment.value)
    numbers = [each for each in known if each.numeric]
    fastest = max(known, key=_haste)
    return Found(
        most.attainment,
        numeric=bool(numbers),
        hold=bool(numbers) and all(each.hold for each in numbers),
        worse=bool(numbers) and all(each.worse for each in numbers),
        beyond=bool(numbers) and all(each.beyond for each in numbers),
        pace=fastest.pace,
    )


def _haste(found: Found) -> Decimal:
    """Return the sort key of paces; a missing pace counts as the slowest."""
    return Decimal("-Infinity") if found.pace is None else found.pace.ratio.value


def _judge(asked: Asked, ground: Ground) -> Found | str:
    if asked.kind == "between":
        return _between(asked, ground)
    if asked.bound is not None:
        return _by_bound(asked.kind, asked.bound, ground)
    if asked.kind == "negative_growth":
        return Found(
            attainment.negative_growth(ground.figure, growth_is_positive=ground.growth_is_positive)
        )
    if ground.previous is None:
        return "no_previous_period"
    order = compare_figures(ground.figure, ground.previous)
    return Found(attainment.trend(asked.kind, order, lower_better=ground.lower_better))


def _by_bound(kind: TargetKind, bound: Decimal, ground: Ground) -> Found:
    figure, baseline = ground.figure, ground.baseline
    reached = attainment.numeric(figure, kind, bound, baseline, ground.scheme)
    if baseline is None:
        return Found(reached, numeric=True)
    hold = attainment.is_hold(kind, bound, baseline)
    order = compare(figure, baseline)
    return Found(
        reached,
        numeric=True,
        hold=hold,
        worse=order > 0 if kind in FALLS else order < 0,
        pace=None if hold else lights.pace(figure, baseline, bound, ground.elapsed, ground.whole),
    )


def _between(asked: Asked, ground: Ground) -> Found:
    """Judge a number by a range: by the end of the range that it has not reached."""
    least, most = asked.value or Decimal(0), asked.upper or Decimal(0)
    below, above = compare(ground.figure, least) < 0, compare(ground.figure, most) > 0
    baseline = ground.baseline
    falls = baseline is not None and baseline > most
    if above or (falls and not below):
        found = _by_bound("at_most", most, ground)
    else:
        found = _by_bound("at_least", least, ground)
    if not below and not above:
        return found
    # A value that came from the other side passed through the range and left it again.
    if baseline is not None and above and baseline < least:
        return Found(found.attainment, numeric=True, beyond=True)
    if falls and below:
        return Found(found.attainment, numeric=True, beyond=True)
    return found
