"""What must hold within the measures of a plan's registers. Pure."""

from collections.abc import Mapping

from services.core.kit.decimals import plain
from services.core.plan.document import PlanDocument
from services.core.plan.findings import Codes, Findings
from services.core.plan.register_entries import (
    ColumnType,
    Register,
    RegisterMeasure,
    RowCondition,
)

_NUMBERS: frozenset[ColumnType] = frozenset({"decimal", "integer"})
_TEXTS: frozenset[ColumnType] = frozenset({"text", "choice", "organization"})


def check_measures(document: PlanDocument, codes: Mapping[str, Codes], findings: Findings) -> None:
    """Add the faults of the measures of a document's registers."""
    registers = {one.code: one for one in document.registers}
    indicators = {one.code: one for one in document.indicators}
    known = Codes("register", frozenset(registers), complete=True)
    measured = []
    for at, register in enumerate(document.registers):
        place = f"/registers/{at}/measures"
        named = [(f"{place}/{n}/code", one.code) for n, one in enumerate(register.measures)]
        findings.add_repeats("duplicate-code", named)
        for number, measure in enumerate(register.measures):
            here = f"{place}/{number}"
            _check_measure(here, measure, register, registers, known, findings)
            if measure.indicator is None:
                continue
            measured.append((f"{here}/indicator", measure.indicator))
            findings.add_unknown(f"{here}/indicator", measure.indicator, codes["indicator"])
            found = indicators.get(measure.indicator)
            if found is None:
                continue
            direct = found.aggregation.units == "direct"
            if found.levels:
                findings.add("measured-by-level", f"{here}/indicator", measure.indicator)
            if direct and measure.per == "unit":
                findings.add("several-of-a-unit", f"{here}/per", measure.per)
            if not direct and measure.per == "city":
                findings.add("several-of-the-city", f"{here}/per", measure.per)
    findings.add_repeats("measured-twice", measured)


def _check_measure(
    place: str,
    measure: RegisterMeasure,
    register: Register,
    registers: Mapping[str, Register],
    known: Codes,
    findings: Findings,
) -> None:
    columns = _columns(register)
    _check_day(place, measure, register, columns, findings)
    findings.add_unknown_among(f"{place}/distinct", measure.distinct, columns)
    _check_number(f"{place}/column", measure.column, register, columns, findings)
    _check_conditions(f"{place}/where", measure.where, register, findings)
    _check_kind(place, measure, findings)
    if measure.denominator is not None:
        _check_below(f"{place}/denominator", measure, register, registers, known, findings)


def _check_kind(place: str, measure: RegisterMeasure, findings: Findings) -> None:
    """Add what a kind of measure lacks, or has too much."""
    summed = measure.column is not None
    if measure.kind == "sum" and not summed:
        findings.add("column-required", f"{place}/column", None, [f"{place}/kind"])
    if measure.kind == "count" and summed:
        findings.add("column-not-expected", f"{place}/column", measure.column)
    if measure.distinct and (measure.kind == "sum" or (measure.kind == "ratio" and summed)):
        findings.add("distinct-not-expected", f"{place}/distinct")
    is_share = measure.kind in {"ratio", "coverage"}
    at = f"{place}/denominator"
    if measure.denominator is not None and not is_share:
        findings.add("denominator-not-expected", at)
    if measure.denominator is None and is_share:
        findings.add("denominator-required", at, None, [f"{place}/kind"])
    if measure.kind == "coverage" and measure.per == "unit":
        findings.add("coverage-of-the-city", f"{place}/per", measure.per)


def _check_below(
    at: str,
    measure: RegisterMeasure,
    register: Register,
    registers: Mapping[str, Register],
    known: Codes,
    findings: Findings,
) -> None:
    below = measure.denominator
    if below is None:
        return
    columns = _columns(register)
    if measure.kind == "ratio":
        if below.listed_in is not None or below.match is not None:
            findings.add("ratio-of-another-register", at)
        _check_number(f"{at}/column", below.column, register, columns, findings)
        _check_conditions(f"{at}/where", below.where, register, findings)
        return
    if measure.kind != "coverage":
        return
    named = below.listed_in is not None and below.match is not None
    summed = measure.column is not None or below.column is not None
    if not named or summed or len(measure.distinct) != 1:
        findings.add("coverage-incomplete", at)
    findings.add_unknown(f"{at}/listed_in", below.listed_in, known)
    other = registers.get(below.listed_in or "")
    if other is not None:
        findings.add_unknown(f"{at}/match", below.match, _columns(other))
        _check_conditions(f"{at}/where", below.where, other, findings)


def _columns(register: Register) -> Codes:
    return Codes("column", frozenset(one.code for one in register.columns), complete=True)


def _check_day(
    place: str, measure: RegisterMeasure, register: Register, columns: Codes, findings: Findings
) -> None:
    if measure.at == "period_end":
        if measure.day is not None:
            findings.add("day-not-expected", f"{place}/day", measure.day)
        return
    if measure.day is None:
        findings.add("day-required", f"{place}/day", None, [f"{place}/at"])
        return
    findings.add_unknown(f"{place}/day", measure.day, columns)
    column = register.column(measure.day)
    if column is not None and column.type != "date":
        findings.add("not-a-day", f"{place}/day", measure.day)


def _check_number(
    place: str, code: str | None, register: Register, columns: Codes, findings: Findings
) -> None:
    findings.add_unknown(place, code, columns)
    column = None if code is None else register.column(code)
    if column is not None and column.type not in _NUMBERS:
        findings.add("not-a-number", place, code)


def _check_conditions(
    place: str, conditions: tuple[RowCondition, ...], register: Register, findings: Findings
) -> None:
    known = _columns(register)
    for at, condition in enumerate(conditions):
        here = f"{place}/{at}"
        findings.add_unknown(f"{here}/column", condition.column, known)
        column = register.column(condition.column)
        if column is None:
            continue
        if condition.any_of and column.type not in _TEXTS:
            findings.add("condition-of-another-type", f"{here}/any_of", type=column.type)
        choices = {one.code for one in column.choices}
        for number, text in enumerate(condition.any_of):
            if column.type == "choice" and text not in choices:
                findings.add("unknown-choice", f"{here}/any_of/{number}", text)
        if condition.yes is not None and column.type != "yes_no":
            findings.add("condition-of-another-type", f"{here}/yes", type=column.type)
        for member in ("minimum", "maximum"):
            bound = getattr(condition, member)
            if bound is not None and column.type not in _NUMBERS:
                where = f"{here}/{member}"
                findings.add("condition-of-another-type", where, plain(bound), type=column.type)
