"""The subject of an assessment: a unit, a village or a register row, as its sheet says. Pure."""

from collections.abc import Mapping

from services.core.assessments.rules import AssessedSubject, NewAssessment
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.periods import Period
from services.core.plan.sheet_entries import AssessedKind, ScoreSheet
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period, unknown_organization
from services.core.registers.models import RegisterRow
from services.core.registers.rules import STANDING

_MEMBERS: Mapping[AssessedKind, tuple[str, ...]] = {
    "unit": ("organization_code",),
    "village": ("organization_code", "village_code", "village_name"),
    "row": ("row_id",),
}

_NEEDED = Text("该评估细则评估的是{kind}：缺少此项", "The sheet assesses {kind}: this is needed")
_NOT_TAKEN = Text("该评估细则评估的是{kind}，不填此项", "The sheet assesses {kind}: leave it out")
_KINDS: Mapping[AssessedKind, Text] = {
    "unit": Text("单位", "units"),
    "village": Text("村（社区）", "villages"),
    "row": Text("台账的行", "rows of a register"),
}
_NO_ROW = Text("台账中没有该行", "The register has no such row")
_NOT_LISTED = Text("该评估细则不评估该单位", "The sheet does not assess this unit")
_WRONG_CYCLE = Text("该评估细则按 {cycle} 评估", "The sheet is assessed {cycle}")


def judged_subject(
    new: NewAssessment, row: RegisterRow | None, plan: PlanState, sheet: ScoreSheet
) -> tuple[AssessedSubject | None, list[Fault]]:
    """Return the subject of a new assessment, and the faults of the subject and the period.

    `row` is the row of `row_id`, if the caller sees it.
    """
    faults = [*_of_period(new.period, plan, sheet), *_of_members(new, sheet)]
    wrong = {one.pointer for one in faults}
    code = new.organization_code
    if code is not None and "/organization_code" not in wrong:
        faults += _of_unit(code, plan, sheet)
    if new.row_id is not None and "/row_id" not in wrong and not _is_of(row, plan, sheet):
        faults.append(Fault("/row_id", "unknown-row", _NO_ROW, str(new.row_id)))
    return (None if faults else _subject(new, row, plan, sheet)), faults


def _of_period(period: str, plan: PlanState, sheet: ScoreSheet) -> list[Fault]:
    try:
        parsed = parsed_period(plan, period, "/period")
    except InvalidInput as refusal:
        return list(refusal.faults)
    return cycle_faults(parsed, sheet, "/period")


def cycle_faults(period: Period, sheet: ScoreSheet, place: str) -> list[Fault]:
    """Return the faults of a period for which a sheet is to be assessed."""
    if period.frequency == sheet.cycle:
        return []
    told = _WRONG_CYCLE.format(cycle=sheet.cycle)
    return [Fault(place, "period-of-another-frequency", told, period.code)]


def row_name(row: RegisterRow, sheet: ScoreSheet) -> str:
    """Return the name of an assessed row: its cell in the sheet's column, or its id."""
    name = row.cells.get(sheet.name_column or "")
    return str(row.id) if name is None else str(name)


def _of_members(new: NewAssessment, sheet: ScoreSheet) -> list[Fault]:
    needed, words = _MEMBERS[sheet.subject], _KINDS[sheet.subject]
    faults = []
    for member in ("organization_code", "village_code", "village_name", "row_id"):
        given = getattr(new, member) is not None
        if given == (member in needed):
            continue
        said = Text(
            (_NOT_TAKEN if given else _NEEDED).zh.format(kind=words.zh),
            (_NOT_TAKEN if given else _NEEDED).en.format(kind=words.en),
        )
        faults.append(Fault(f"/{member}", "not-of-this-sheet" if given else "missing", said))
    return faults


def _of_unit(code: str, plan: PlanState, sheet: ScoreSheet) -> list[Fault]:
    if code not in plan.organizations:
        return [unknown_organization(plan, "/organization_code", code)]
    if sheet.units and code not in sheet.units:
        return [Fault("/organization_code", "unit-not-assessed", _NOT_LISTED, code)]
    return []


def _is_of(row: RegisterRow | None, plan: PlanState, sheet: ScoreSheet) -> bool:
    return (
        row is not None
        and (row.plan_code, row.register_code) == (plan.code, sheet.rows_of)
        and row.state in STANDING
    )


def _subject(
    new: NewAssessment, row: RegisterRow | None, plan: PlanState, sheet: ScoreSheet
) -> AssessedSubject:
    if row is not None:
        alike = row.cells.get(sheet.compared_by) if sheet.compared_by else None
        comparable = sheet.code if alike is None else str(alike)
        shown = row_name(row, sheet)
        return AssessedSubject("row", str(row.id), shown, row.organization_code, comparable)
    code = new.organization_code or ""
    if new.village_code is not None:
        name = new.village_name or new.village_code
        return AssessedSubject("village", new.village_code, name, code, "village")
    unit = plan.organizations[code]
    return AssessedSubject("unit", code, unit.name, code, unit.kind)
