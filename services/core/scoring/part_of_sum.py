"""Judges a partial sum against the share of the target that is expected by then. Pure.

If periods add up, a target covers a span: a plan year, or the time from the start of the plan (or
of the named period) to the target's date. A period shorter than the span is judged by its share
of the span, and is neither met nor not met.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import times
from services.core.plan.document import TargetKind
from services.core.scoring.attainment import FALLS, meets
from services.core.scoring.figures import ZERO, Figure, fraction, percent
from services.core.scoring.lights import Pace
from services.core.scoring.targets import Asked, Target


@dataclass(frozen=True, slots=True)
class SpanShare:
    """The part of a target's span that a sum covers: `months` of its `whole` months."""

    months: int
    whole: int


@dataclass(frozen=True, slots=True)
class ToDate:
    """The comparison of a partial sum with the amount expected by then.

    `attainment` is 0–100. `pace` is None if it would divide by 0; then `enough` alone decides.
    `asked` is the bound that decided.
    """

    asked: Asked
    attainment: Decimal
    pace: Pace | None
    enough: bool


def judge_part(target: Target, figure: Figure, share: SpanShare) -> ToDate | str:
    """Judge a partial sum; return a reason code if it cannot be judged.

    Conditions that compare with an earlier period cannot judge a part.
    """
    if target.kind not in {"all_of", "any_of"}:
        return _part(Asked(target.kind, target.value, target.upper), figure, share)
    found = [_part(condition, figure, share) for condition in target.conditions]
    known = [each for each in found if isinstance(each, ToDate)]
    unknown = next((each for each in found if isinstance(each, str)), None)
    decided = [each for each in known if each.enough is (target.kind == "any_of")]
    if not decided and unknown is not None:
        return unknown
    return max(known, key=_haste) if target.kind == "any_of" else min(known, key=_haste)


def _haste(found: ToDate) -> tuple[bool, Decimal]:
    """Return the sort key of paces; "enough without a pace" is ahead of all others."""
    return found.enough, Decimal("Infinity") if found.pace is None else found.pace.ratio.value


def _part(asked: Asked, figure: Figure, share: SpanShare) -> ToDate | str:
    if asked.kind == "between":
        low, high = (
            to_date(figure, Asked(kind, number or ZERO), share) for kind, number in _ends(asked)
        )
        return low if high.enough else high
    if asked.bound is None:
        return "part_of_a_year"
    return to_date(figure, asked, share)


def _ends(asked: Asked) -> Sequence[tuple[TargetKind, Decimal | None]]:
    return ("at_least", asked.value), ("at_most", asked.upper)


def to_date(figure: Figure, asked: Asked, share: SpanShare) -> ToDate:
    """Compare a sum over a share of the span with the bound's share.

    expected = bound × months ÷ whole; pace = done ÷ expected if more is better, and expected ÷ done
    if less is; for a bound below 0 the other way round, as with completion rates.
    """
    bound = asked.bound or ZERO
    expected = fraction(times(bound, Decimal(share.months)), Decimal(share.whole))
    enough = _reaches(figure, expected, at_most=asked.kind in FALLS)
    top, bottom = times(figure.top, expected.bottom), times(expected.top, figure.bottom)
    if less_is_nearer(asked.kind, bound):
        top, bottom = bottom, top
    ratio = fraction(top, bottom) if bottom else fraction(ZERO, Decimal(1))
    if enough and (not bottom or not meets(ratio, "at_least", Decimal(1))):
        return ToDate(asked, Decimal(100), None, enough=True)
    pace = Pace(figure.value, expected.value, ratio)
    return ToDate(asked, percent(ratio.top, ratio.bottom), pace, enough)


def less_is_nearer(kind: TargetKind, bound: Decimal) -> bool:
    """Return whether a number of smaller magnitude is nearer to the bound."""
    return (bound > 0) is (kind in FALLS)


def _reaches(figure: Figure, expected: Figure, *, at_most: bool) -> bool:
    scaled = Figure(times(figure.top, expected.bottom), figure.bottom)
    return meets(scaled, "at_most" if at_most else "at_least", expected.top)
