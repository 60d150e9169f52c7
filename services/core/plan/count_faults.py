"""What must hold within the surveys, the checks and the totals of a plan's registers. Pure."""

from decimal import Decimal

from services.core.kit.decimals import plain
from services.core.plan.count_entries import MOST_ANSWERS, RowCheck
from services.core.plan.findings import Findings
from services.core.plan.register_columns import Columns
from services.core.plan.register_entries import (
    ColumnType,
    Register,
    RegisterColumn,
    RegisterMeasure,
)

_NUMBERS: frozenset[ColumnType] = frozenset({"decimal", "integer"})
_OF_TOTALS: frozenset[ColumnType] = frozenset(
    {"integer", "date", "choice", "organization", "yes_no"}
)
"""What the columns of a register of totals may be: in none of these a person can be named."""


def check_counts(place: str, register: Register, columns: Columns, findings: Findings) -> None:
    """Add the faults of a register's checks, and of its columns where it holds totals alone."""
    named = [(f"{place}/checks/{at}/code", one.code) for at, one in enumerate(register.checks)]
    findings.add_repeats("duplicate-code", named)
    for at, check in enumerate(register.checks):
        _check_row_check(f"{place}/checks/{at}", check, columns, findings)
    if register.aggregates:
        for at, column in enumerate(register.columns):
            _check_total(place, f"{place}/columns/{at}", column, findings)


def _check_total(place: str, at: str, column: RegisterColumn, findings: Findings) -> None:
    """Add a fault where a person's name or number could be written into a column."""
    rests_on = [f"{place}/aggregates"]
    if column.type not in _OF_TOTALS:
        findings.add("words-in-aggregates", f"{at}/type", column.type, rests_on, type=column.type)
    if column.type != "integer":
        return
    least, most = column.minimum, column.maximum
    if least is None or least < 0 or most is None or most > MOST_ANSWERS:
        findings.add(
            "count-without-bounds",
            f"{at}/maximum",
            None if most is None else plain(most),
            [*rests_on, f"{at}/type", f"{at}/minimum"],
        )


def _check_row_check(place: str, check: RowCheck, columns: Columns, findings: Findings) -> None:
    if check.tolerance < 0:
        findings.add("negative-tolerance", f"{place}/tolerance", plain(check.tolerance))
    asked = False
    for side in ("left", "right"):
        for at, term in enumerate(getattr(check, side)):
            here = f"{place}/{side}/{at}"
            asked = asked or term.column is not None
            if (term.column is None) == (term.constant is None):
                members = [f"{here}/column", f"{here}/constant"]
                findings.add("row-term-of-one", here, None, members)
            if term.times == 0:
                findings.add("multiplier-zero", f"{here}/times", "0")
            check_number(f"{here}/column", term.column, columns, findings)
    if not asked:
        findings.add("row-check-of-nothing", place, None, [f"{place}/left", f"{place}/right"])


def check_number(place: str, code: str | None, columns: Columns, findings: Findings) -> None:
    """Add a fault where what is named at `place` is no column, or holds no number."""
    findings.add_unknown(place, code, columns.codes)
    found = columns.find(code)
    if found is not None and found[1].type not in _NUMBERS:
        findings.add("not-a-number", place, code, [f"{found[0]}/type"])


def check_survey(
    place: str, measure: RegisterMeasure, columns: Columns, findings: Findings
) -> None:
    """Add the faults of a measure's survey: what it lacks, and columns that hold no counts."""
    rule, kind = measure.survey, f"{place}/kind"
    if measure.kind != "survey":
        if rule is not None:
            findings.add("survey-not-expected", f"{place}/survey", None, [kind])
        return
    if rule is None:
        findings.add("survey-required", f"{place}/survey", None, [kind])
        return
    if measure.per != "city":
        findings.add("survey-of-the-city", f"{place}/per", measure.per, [kind])
    if measure.times != 1:
        findings.add("survey-times", f"{place}/times", plain(measure.times), [kind])
    _check_count("not-a-count", f"{place}/column", measure.column, columns, findings)
    at = f"{place}/survey"
    _check_count("not-a-count", f"{at}/answers", rule.answers, columns, findings)
    _check_count("not-a-frame", f"{at}/frame", rule.frame, columns, findings)
    findings.add_unknown(f"{at}/group", rule.group, columns.codes)
    found = columns.find(rule.group)
    if found is not None and (found[1].type != "choice" or not found[1].required):
        rests_on = [f"{found[0]}/type", f"{found[0]}/required"]
        findings.add("not-a-choice", f"{at}/group", rule.group, rests_on)


def _check_count(
    fault: str, place: str, code: str | None, columns: Columns, findings: Findings
) -> None:
    """Add a fault where a column is none that counts answers, or the people of a frame."""
    findings.add_unknown(place, code, columns.codes)
    found = columns.find(code)
    if found is None:
        return
    where, column = found
    least = column.minimum if column.minimum is not None else Decimal(-1)
    is_frame = fault == "not-a-frame"
    enough = least > 0 if is_frame else least >= 0 and column.required
    if column.type != "integer" or not enough:
        members = [f"{where}/{one}" for one in ("type", "minimum", "required")]
        findings.add(fault, place, code, members)
