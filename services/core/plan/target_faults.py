"""Validates the targets of an indicator. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from services.core.kit.decimals import plain
from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import Indicator
from services.core.plan.members import ConditionKind, Direction, TargetKind
from services.core.plan.periods import PeriodCalendar
from services.core.plan.targets import Condition, TargetEntry, UnitTarget

KINDS_WITH_VALUE: frozenset[TargetKind] = frozenset(
    {"at_least", "more_than", "at_most", "less_than", "between", "full_coverage"}
)
"""The kinds of target that require a number."""

COMPOSITE_KINDS: frozenset[TargetKind] = frozenset({"all_of", "any_of"})
"""The kinds of target made of several conditions."""

_UPWARDS: frozenset[TargetKind] = frozenset({"at_least", "more_than", "full_coverage", "rising"})
_DOWNWARDS: frozenset[TargetKind] = frozenset({"at_most", "less_than", "falling"})
_WITHOUT_LEVELS: frozenset[TargetKind] = frozenset({"between", "not_worse"})
_AGAINST: Mapping[Direction, frozenset[TargetKind]] = {
    "higher_better": _DOWNWARDS,
    "lower_better": _UPWARDS,
    "qualitative": _UPWARDS | _DOWNWARDS | _WITHOUT_LEVELS,
}
"""The kinds of target that contradict each direction."""


class Asking(Protocol):
    """The form of a target, printed or assigned."""

    @property
    def kind(self) -> TargetKind:
        """The kind of the target."""

    @property
    def value(self) -> Decimal | None:
        """The number that it sets."""

    @property
    def upper(self) -> Decimal | None:
        """The other end of `between`."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions of all_of and any_of."""


_DATES = ("year", "period", "by")
_FULL = 100


def check_targets(
    place: str,
    indicator: Indicator,
    organizations: Codes,
    calendar: PeriodCalendar,
    faults: Faults,
) -> None:
    """Add the faults of an indicator's targets, and of those of its units."""
    _check_series(f"{place}/targets", indicator.targets, calendar, faults)
    for name, asked in (("targets", indicator.targets), ("unit_targets", indicator.unit_targets)):
        for index, target in enumerate(asked):
            _check_direction(place, f"{place}/{name}/{index}", indicator, target, faults)
    baseline, first = indicator.baseline, indicator.targets[0]
    if baseline is not None and baseline.year > first.at_year(calendar):
        rests_on = _dates(f"{place}/targets/0")
        faults.add("baseline-after-target", f"{place}/baseline/year", baseline.year, rests_on)
    _check_unit_targets(f"{place}/unit_targets", indicator, organizations, calendar, faults)


def _check_unit_targets(
    place: str,
    indicator: Indicator,
    organizations: Codes,
    calendar: PeriodCalendar,
    faults: Faults,
) -> None:
    ends = []
    for index, target in enumerate(indicator.unit_targets):
        where = f"{place}/{index}"
        faults.add_unknown(f"{where}/organization", target.organization, organizations)
        _check_one(where, target, faults)
        if target.kind in {"qualitative", "assigned_by_superior"}:
            faults.add("kind-not-of-a-unit", f"{where}/kind", target.kind)
        ends.append((where, (target.organization, target.end(calendar))))
    faults.add_repeats("repeated-reference", ends)


def _check_series(
    place: str, targets: Sequence[TargetEntry], calendar: PeriodCalendar, faults: Faults
) -> None:
    for index, target in enumerate(targets):
        where = f"{place}/{index}"
        _check_one(where, target, faults)
        if index and target.end(calendar) <= targets[index - 1].end(calendar):
            rests_on = [*_dates(where), *_dates(f"{place}/{index - 1}")]
            member = next((name for name in _DATES if getattr(target, name) is not None), "year")
            faults.add("years-not-ascending", f"{where}/{member}", target.end(calendar), rests_on)


def _dates(place: str) -> list[str]:
    return [f"{place}/{member}" for member in _DATES]


def _check_one(place: str, target: TargetEntry | UnitTarget, faults: Faults) -> None:
    stated = [member for member in _DATES if getattr(target, member) is not None]
    if len(stated) != 1:
        faults.add("one-date-required", place, ", ".join(stated) or None, _dates(place))
    if target.kind == "assigned_by_superior" and target.year is None:
        faults.add("year-required", f"{place}/year", None, [f"{place}/kind"])
    check_form(place, target, faults)


def check_form(place: str, target: Asking, faults: Faults) -> None:
    """Add the faults of the members of a target, printed or assigned, by its kind."""
    _check_numbers(place, target, faults)
    composite = target.kind in COMPOSITE_KINDS
    kind = [f"{place}/kind"]
    if composite and len(target.conditions) < 2:  # noqa: PLR2004 (one alone is no composite)
        faults.add("conditions-required", f"{place}/conditions", None, kind)
    if not composite and target.conditions:
        faults.add("conditions-not-expected", f"{place}/conditions", None, kind)
    for index, condition in enumerate(target.conditions):
        _check_numbers(f"{place}/conditions/{index}", condition, faults)


def _check_numbers(place: str, target: Asking | Condition, faults: Faults) -> None:
    kind, value, upper, rests_on = target.kind, target.value, target.upper, [f"{place}/kind"]
    if kind in KINDS_WITH_VALUE and value is None:
        faults.add("value-required", f"{place}/value", None, rests_on)
    if kind not in KINDS_WITH_VALUE and value is not None:
        faults.add("value-not-expected", f"{place}/value", value, rests_on)
    if kind == "full_coverage" and value is not None and value != _FULL:
        faults.add("not-full-coverage", f"{place}/value", value, rests_on)
    if kind == "between" and upper is None:
        faults.add("upper-required", f"{place}/upper", None, rests_on)
    if kind != "between" and upper is not None:
        faults.add("upper-not-expected", f"{place}/upper", plain(upper), rests_on)
    if value is not None and upper is not None and upper < value:
        faults.add("range-order", f"{place}/upper", plain(upper), [f"{place}/value"])


def _check_direction(
    place: str, where: str, indicator: Indicator, target: Asking, faults: Faults
) -> None:
    """Refuse a target whose kind contradicts the indicator's direction."""
    for at, kind, named in against(indicator, where, target):
        rests_on = [at, f"{place}/formula"] if kind == "negative_growth" else [at]
        faults.add(
            "direction-contradicts-kind",
            f"{place}/direction",
            indicator.direction,
            rests_on,
            direction=indicator.direction,
            kind=named,
            at=at,
        )


def against(
    indicator: Indicator, where: str, target: Asking
) -> list[tuple[str, TargetKind | ConditionKind, str]]:
    """Return the kinds in a target that contradict the indicator's direction.

    Each comes with its place, and a display name with the sign convention if that matters.
    """
    asked: list[tuple[str, TargetKind | ConditionKind]] = [(f"{where}/kind", target.kind)]
    refused = _AGAINST[indicator.direction] | _against_sign(indicator)
    inner = [condition.kind for condition in target.conditions]
    # "All of at least this and at most that" is a range, for either direction. "Any of" is not: one
    # condition alone would be enough, and it may be the one that contradicts the direction.
    if not (target.kind == "all_of" and _UPWARDS & set(inner) and _DOWNWARDS & set(inner)):
        asked += [(f"{where}/conditions/{at}/kind", kind) for at, kind in enumerate(inner)]
    return [(at, kind, _named(kind, indicator)) for at, kind in asked if kind in refused]


def falls_below_zero(indicator: Indicator) -> bool:
    """Return whether negative growth of an indicator means a value below zero, not above it."""
    return indicator.formula is None or indicator.formula.sign_convention != "decline_positive"


def _against_sign(indicator: Indicator) -> frozenset[TargetKind]:
    """Return `negative_growth` if the sign that meets it is worse by the indicator's direction."""
    met_in = "lower_better" if falls_below_zero(indicator) else "higher_better"
    return frozenset() if indicator.direction == met_in else frozenset({"negative_growth"})


def _named(kind: TargetKind | ConditionKind, indicator: Indicator) -> str:
    if kind != "negative_growth":
        return kind
    sign = "growth_positive" if falls_below_zero(indicator) else "decline_positive"
    return f"{kind}, formula.sign_convention: {sign}"
