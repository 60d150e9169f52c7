"""Pace and light of an assessed indicator, with a reason code; `scoring.reasons` has the words."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from services.core.kit.decimals import quotient, times
from services.core.plan.document import Lights
from services.core.scoring.figures import Figure, compare, fraction, share_of_way

Light = Literal["green", "yellow", "red", "grey"]

LIGHTS: tuple[Light, ...] = get_args(Light)
LIGHT_NAMES: Mapping[str, str] = {"green": "绿", "yellow": "黄", "red": "红", "grey": "灰"}
"""The names of lights on paper, where colours are lost."""

LIGHT_SIGNS: Mapping[str, str] = {"green": "●", "yellow": "▲", "red": "■", "grey": "○"}
"""Each light has a shape of its own, so that a print without colours tells them apart."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The share of the way that is done, and the share expected by now; `ratio` is exact.

    For a part of a year's sum, `share` is the amount done and `expected` the amount due by then.
    """

    share: Decimal
    expected: Decimal
    ratio: Figure


@dataclass(frozen=True, slots=True)
class LightContext:
    """The inputs of a light. `may_have_pace` is false for targets that set no number.

    `met` is None for a part of a year's sum; then `enough` tells whether the amount due by then is
    reached. `beyond`: the value passed through its range and left it. `begun` is false until a full
    month of an unfinished period has passed.
    """

    met: bool | None
    falsified: bool
    provisional: bool
    at_target_date: bool
    hold: bool
    may_have_pace: bool
    baseline_doubted: bool
    has_baseline: bool
    worse_than_baseline: bool
    pace: Pace | None
    enough: bool = False
    beyond: bool = False
    begun: bool = True


def pace(
    figure: Figure, baseline: Decimal, bound: Decimal, elapsed: int, whole: int
) -> Pace | None:
    """Return the pace, or None where it is undefined.

    share = (x − b) ÷ (T − b), expected = elapsed ÷ whole, in months from the baseline's date to the
    period's end and to the target's date (the linear required path); after the target's date the
    whole way is expected.
    """
    if baseline == bound or elapsed <= 0 or whole <= 0:
        return None
    share = share_of_way(figure, baseline, bound)
    gone, all_of_it = Decimal(min(elapsed, whole)), Decimal(whole)
    return Pace(
        share=share.value,
        expected=quotient(gone, all_of_it),
        ratio=fraction(times(share.top, all_of_it), times(share.bottom, gone)),
    )


def light(standing: LightContext, rules: Lights) -> tuple[Light, str]:
    """Return the light and its reason code."""
    if standing.falsified:
        return "red", "falsified"
    if standing.met:
        return _good("met", standing, rules)
    if standing.met is None:
        return _to_date(standing, rules)
    if standing.at_target_date:
        return "red", "not_met_at_target_date"
    if standing.beyond or standing.hold:
        return "red", "beyond_range" if standing.beyond else "hold_fell"
    return _on_the_way(standing, rules)


def _on_the_way(standing: LightContext, rules: Lights) -> tuple[Light, str]:
    if not standing.may_have_pace:
        return "grey", "no_pace_for_kind"
    if standing.baseline_doubted:
        return "grey", "baseline_doubted"
    if not standing.has_baseline:
        return "grey", "no_baseline"
    if standing.worse_than_baseline:
        return "red", "worse_than_baseline"
    return _by_pace(standing, rules)


def _to_date(standing: LightContext, rules: Lights) -> tuple[Light, str]:
    if standing.pace is None:
        return _good("enough_to_date", standing, rules)
    colour, reason = _by_pace(standing, rules)
    return colour, reason.replace("on_pace", "on_pace_to_date")


def _by_pace(standing: LightContext, rules: Lights) -> tuple[Light, str]:
    if standing.pace is None:
        return "grey", "before_baseline" if standing.begun else "no_full_month"
    if compare(standing.pace.ratio, rules.green_pace) >= 0:
        return _good("on_pace", standing, rules)
    if compare(standing.pace.ratio, rules.yellow_pace) >= 0:
        return "yellow", "behind"
    return "red", "far_behind"


def _good(reason: str, standing: LightContext, rules: Lights) -> tuple[Light, str]:
    if standing.provisional and rules.provisional_green_to_yellow:
        return "yellow", f"{reason}_provisional"
    return "green", reason
