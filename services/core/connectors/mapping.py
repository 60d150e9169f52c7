"""Maps our codes to a superior's and back, and converts figures exactly. Pure: mapping is data."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from services.core.kit.decimals import exact, plain, times
from services.core.kit.errors import Fault
from services.core.kit.faults import pointer
from services.core.kit.nearest import with_nearest
from services.core.kit.text import Text
from services.core.plan.state import PlanState

CodeKind = Literal["indicators", "organizations", "periods", "units"]
"""The kinds of codes that are mapped; `units` are units of measure."""

NOT_APPLICABLE = "not-applicable"
"""The comparable text of a figure that does not apply."""


@dataclass(frozen=True, slots=True)
class MeasureMapping:
    """A unit of measure in the superior's code, and the factor from our figures to theirs."""

    code: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class RefusalMapping:
    """Our code for a refusal of the superior's, and words for people."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class CodeMapping:
    """Maps our codes to the superior's; a kind that is None has the same codes there.

    Figures whose code is missing from a given kind have to wait.
    """

    indicators: Mapping[str, str] | None = field(default_factory=dict)
    organizations: Mapping[str, str] | None = field(default_factory=dict)
    periods: Mapping[str, str] | None = field(default_factory=dict)
    units: Mapping[str, MeasureMapping] | None = field(default_factory=dict)
    refusals: Mapping[str, RefusalMapping] = field(default_factory=dict)

    def code(self, kind: CodeKind, ours: str) -> str | None:
        """Return the superior's code for one of ours; None: it is not mapped."""
        if kind == "units":
            return ours if self.units is None else getattr(self.units.get(ours), "code", None)
        known: Mapping[str, str] | None = getattr(self, kind)
        return ours if known is None else known.get(ours)

    def ours(self, kind: Literal["indicators", "organizations"], theirs: str) -> str | None:
        """Return our code for one of the superior's; None: there is none."""
        known: Mapping[str, str] | None = getattr(self, kind)
        if known is None:
            return theirs
        return next((code for code, other in known.items() if other == theirs), None)

    def in_measure(self, value: Decimal, unit: str) -> Decimal | None:
        """Return our value in the superior's measure, exactly; None: the unit is not mapped."""
        if self.units is None:
            return value
        measure = self.units.get(unit)
        return None if measure is None else times(value, measure.factor)


def read_mapping(kept: Mapping[str, Any]) -> CodeMapping:
    """Return a stored mapping, which has no faults."""
    units = kept.get("units", {})
    return CodeMapping(
        kept.get("indicators", {}),
        kept.get("organizations", {}),
        kept.get("periods", {}),
        None
        if units is None
        else {
            code: MeasureMapping(one["code"], Decimal(one["factor"])) for code, one in units.items()
        },
        {
            code: RefusalMapping(one["code"], one["zh"], one["en"])
            for code, one in kept.get("refusals", {}).items()
        },
    )


@dataclass(frozen=True, slots=True)
class OutgoingFigure:
    """A figure to report: its place, and one form of its value; a withdrawal has none."""

    indicator_code: str
    organization_code: str
    period: str
    withdrawn: bool = False
    value: Decimal | None = None
    level: str | None = None
    not_applicable_reason: str | None = None


def missing_codes(mapping: CodeMapping, figure: OutgoingFigure, unit: str | None) -> list[str]:
    """Return the unmapped codes, as `indicators:U08`; `unit` is that of the indicator."""
    wanted: list[tuple[CodeKind, str | None]] = [
        ("indicators", figure.indicator_code),
        ("organizations", figure.organization_code),
        ("periods", figure.period),
    ]
    if figure.value is not None:
        wanted.append(("units", unit))
    return [f"{kind}:{code}" for kind, code in wanted if mapping.code(kind, code or "") is None]


def figure_text(mapping: CodeMapping, figure: OutgoingFigure, unit: str) -> str | None:
    """Return a figure's comparable text in the superior's measure; None: no figure, or not mapped.

    A number has no trailing zeros, so that 39.0 and 39 are equal.
    """
    if figure.withdrawn:
        return None
    if figure.not_applicable_reason is not None:
        return NOT_APPLICABLE
    # If a figure has both a level and an amount, only the level is compared.
    if figure.level is not None or figure.value is None:
        return figure.level
    value = mapping.in_measure(figure.value, unit)
    return None if value is None else plain(value)


def read_figure(raw: object) -> str | None:
    """Return the comparable text of a superior's figure; None: it is no figure."""
    if isinstance(raw, bool) or raw is None:
        return None
    try:
        return plain(exact(raw))
    except ValueError:
        text = raw.strip() if isinstance(raw, str) else ""
        return text or None


def mapping_faults(kept: Mapping[str, Any], plan: PlanState) -> Iterator[Fault]:
    """Yield the faults of a mapping: unknown codes, and duplicates."""
    known: Mapping[str, Collection[str]] = {
        "indicators": plan.indicators,
        "organizations": plan.organizations,
        "units": {one.unit for one in plan.document.indicators},
    }
    for kind, codes in known.items():
        for code in kept.get(kind) or ():
            if code not in codes:
                said = Text("计划中没有", "The plan has no such")
                where = pointer(("mapping", kind, code))
                yield Fault(where, "unknown-code", with_nearest(said, code, codes), code)
    for period in kept.get("periods") or ():
        try:
            plan.period_calendar.period(period)
        except ValueError:
            said = Text(
                "不是周期，如 2025 或 2025-Q3", "This is no period, such as 2025 or 2025-Q3"
            )
            yield Fault(pointer(("mapping", "periods", period)), "unknown-code", said, period)
    for kind in ("indicators", "organizations", "periods"):
        taken: dict[str, str] = {}
        for code, theirs in (kept.get(kind) or {}).items():
            first = taken.setdefault(theirs, code)
            if first != code:
                told = Text(
                    f"上级代码 {theirs} 已对应 {first}", f"Their code {theirs} is that of {first}"
                )
                yield Fault(pointer(("mapping", kind, code)), "code-taken", told, theirs)


def unit_of(plan: PlanState, indicator_code: str) -> str:
    """Return the unit of measure of an indicator; empty: the plan has no such indicator now."""
    indicator = plan.indicators.get(indicator_code)
    return "" if indicator is None else indicator.unit
