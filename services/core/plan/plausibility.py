"""Plausible ranges of an indicator's figures, from the plan's data. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from services.core.kit.decimals import plain
from services.core.plan.collected_faults import Faults
from services.core.plan.document import Indicator, PlanDocument, Plausible

_PERCENT = frozenset({"%", "％"})
_SHARE = Plausible(minimum=Decimal(0), maximum=Decimal(100))
_CHANGES = frozenset({"growth_rate", "relative_decline"})
"""Formulas in percent that are not the share of a part: they may be below 0 and above 100."""


def plausible_ranges(document: PlanDocument) -> Mapping[str, Plausible]:
    """Return the plausible range of each indicator that has one, by code.

    An indicator's own range comes first, then that of its unit of measure; without either, a
    percentage of a part lies from 0 to 100.
    """
    of_units = {entry.unit: entry for entry in document.plausible}
    found: dict[str, Plausible] = {}
    for indicator in document.indicators:
        stated = indicator.plausible or of_units.get(indicator.unit)
        if stated is None and is_share(indicator):
            stated = _SHARE
        if stated is not None:
            found[indicator.code] = stated
    return found


def is_share(indicator: Indicator) -> bool:
    """Return whether an indicator is the percentage of a part in its whole.

    A rate of growth or decline is not, nor is one for which the plan prints values outside 0 to
    100.
    """
    if indicator.unit not in _PERCENT:
        return False
    kinds = {indicator.measure_type, indicator.formula.kind if indicator.formula else None}
    if kinds & _CHANGES or any(entry.kind == "negative_growth" for entry in indicator.targets):
        return False
    printed = [entry.value for entry in indicator.targets]
    printed += [indicator.baseline.value] if indicator.baseline else []
    return all(is_within(value, _SHARE) for value in printed if value is not None)


def is_within(value: Decimal, believed: Plausible) -> bool:
    """Return whether a value lies within a range, bounds included."""
    if believed.minimum is not None and value < believed.minimum:
        return False
    return believed.maximum is None or value <= believed.maximum


def range_text(believed: Plausible) -> str:
    """Return a range as display text, such as `0–100`, `≥ 0` or `≤ 100`."""
    if believed.minimum is None:
        return f"≤ {plain(believed.maximum)}" if believed.maximum is not None else ""
    if believed.maximum is None:
        return f"≥ {plain(believed.minimum)}"
    return f"{plain(believed.minimum)}–{plain(believed.maximum)}"


def check_plausible_ranges(document: PlanDocument, faults: Faults) -> None:
    """Add the faults of a plan's ranges: reversed bounds, a unit listed twice."""
    units = [
        (f"/plausible/{index}/unit", each.unit) for index, each in enumerate(document.plausible)
    ]
    faults.add_repeats("repeated-unit", units)
    for place, stated in _stated(document):
        least, most = stated.minimum, stated.maximum
        if least is not None and most is not None and most < least:
            faults.add("range-order", f"{place}/maximum", plain(most), [f"{place}/minimum"])


def _stated(document: PlanDocument) -> Iterable[tuple[str, Plausible]]:
    for index, entry in enumerate(document.plausible):
        yield f"/plausible/{index}", entry
    for index, indicator in enumerate(document.indicators):
        if indicator.plausible is not None:
            yield f"/indicators/{index}/plausible", indicator.plausible
