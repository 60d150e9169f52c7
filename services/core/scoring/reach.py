"""Cuts a trace down to the caller's reach: figures of units outside it are left out.

The omitted figures are counted. A trace cut like this cannot be replayed; the stored one can.
"""

from collections.abc import Callable, Mapping
from typing import Any

from services.core.kit.decimals import plain, quotient
from services.core.scoring.traces import Trace, number_of

OUTSIDE = "outside_scope"
"""Key in the operands of a cut trace: how many units' figures are left out."""


def within_reach(
    trace: Trace, sees: Callable[[str], bool], seen: Mapping[str, int]
) -> dict[str, Any]:
    """Return a trace without the figures that the caller may not see.

    `sees` tells whether a unit is within the caller's reach, `seen` how many of the units that
    reported for a period are. A sum is left out completely if it includes a hidden figure, because
    the rest would reveal it. The value itself stays, because the scoreboard shows it.
    """

    def cut(operands: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if operands is None:
            return None
        outside = _outside(operands, sees, seen)
        if not outside and "finer" in operands:
            return {**operands, "finer": [cut(each) for each in operands["finer"]]}
        if not outside:
            return operands
        return {"period": operands["period"], "reports": operands["reports"], OUTSIDE: outside}

    own, parts = cut(trace["operands"]), [cut(each) for each in trace["finer_periods"]]
    shown = {**trace, "operands": own, "finer_periods": parts}
    nested = own["finer"] if own is not None and "finer" in own else ()
    if any(each is not None and OUTSIDE in each for each in (own, *parts, *nested)):
        shown["result"] = {**trace["result"], "numerator": None, "denominator": None}
    if "units" in trace:
        shown["units"] = [each for each in trace["units"] if sees(each["organization_code"])]
    if shown.get("previous") is not None:
        shown["previous"] = _rounded(shown["previous"])
    return shown


def _outside(
    operands: Mapping[str, Any], sees: Callable[[str], bool], seen: Mapping[str, int]
) -> int:
    unit = operands.get("organization_code")
    if unit is not None:
        return 0 if sees(unit) else 1
    return max(0, int(operands["reports"]) - seen.get(operands["period"], 0))


def _rounded(previous: Mapping[str, Any]) -> dict[str, Any]:
    """Round an earlier value as its scoreboard showed it, instead of the exact fraction."""
    top, bottom = number_of(previous["numerator"]), number_of(previous["denominator"])
    if top is None or bottom is None:
        return dict(previous)
    value = top if bottom == 1 else quotient(top, bottom)
    return {**previous, "numerator": plain(value), "denominator": "1"}
