"""A score sheet as a form for many subjects: one row for each item, with its finding. Pure.

It comes back as an import of the score sheet. A hidden column tells which rows nobody touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.core.assessments.models import Assessment
from services.core.assessments.subjects import row_name
from services.core.imports.as_made import mark_of
from services.core.imports.finding_cells import asked_for, cells_of_finding, columns_for
from services.core.imports.headings import OF_ASSESSMENTS
from services.core.imports.layout import Heads, form_workbook
from services.core.imports.prefilled import FilledForm, FilledRow
from services.core.imports.sheet_forms import AS_MADE, MADE_COLUMN, Filled, FormColumn, ReportForm
from services.core.kit.decimals import exact
from services.core.plan.sheet_entries import ScoreSheet
from services.core.plan.state import PlanState
from services.core.registers.models import RegisterRow

MOST_FORM_ROWS = 20_000
"""Most rows of a form: subjects times items."""

_FOUND: Mapping[str, tuple[str, int]] = {
    "missing": ("缺少的要素", 22),
    "sampled": ("抽查数", 9),
    "count": ("数量", 9),
    "key_count": ("其中重点", 9),
    "counts": ("各问题次数", 22),
    "value": ("数值", 12),
    "change": ("变化", 10),
    "figures": ("各路径数值", 22),
    "zeroed_by": ("零分情形", 18),
    "not_applicable_reason": ("不适用原因", 20),
    "evidence": ("佐证材料", 22),
    "note": ("备注", 24),
}


@dataclass(frozen=True, slots=True)
class FormSubject:
    """A subject of assessment: key, name, unit, the findings so far, and the points they give.

    `locked`: it was handed in, and is shown only.
    """

    key: str
    name: str
    organization_code: str
    findings: Mapping[str, Mapping[str, Any]]
    results: tuple[Mapping[str, Any], ...] = ()
    locked: bool = False


def form_subjects(
    sheet: ScoreSheet,
    plan: PlanState,
    period: str,
    found: Sequence[Assessment],
    rows: Sequence[RegisterRow],
    unit: str | None,
) -> list[FormSubject]:
    """Return the subjects of a period's form, to be assessed or assessed already; or of one `unit`.

    `found` are assessments in force: those of this period, and those of villages of the period
    before; `rows` are the rows of the sheet's register.
    """
    known: dict[str, FormSubject] = {}
    if sheet.subject == "unit":
        for code in sheet.units or plan.organizations:
            if unit in {None, code}:
                known[code] = FormSubject(code, plan.organization_name(code), code, {})
    for row in rows:
        name = row_name(row, sheet)
        known[str(row.id)] = FormSubject(str(row.id), name, row.organization_code, {})
    for one in found:
        now = one.period == period
        if now or one.subject_key not in known:
            known[one.subject_key] = FormSubject(
                one.subject_key,
                one.subject_name,
                one.organization_code,
                one.findings if now else {},
                tuple(one.results) if now else (),
                locked=now and one.state != "draft",
            )
    return list(known.values())


def assessment_form(
    sheet: ScoreSheet, plan: PlanState, period: str, subjects: Iterable[FormSubject]
) -> tuple[str, bytes]:
    """Return the file name and the workbook of a form; the same subjects give the same bytes.

    A sheet of villages has empty rows below for further subjects. This is CPU-bound work.
    """
    named = sheet.subject == "village"
    form = ReportForm("assessments", sheet.code, sheet.name, _columns(sheet, named=named))
    rows = [row for one in subjects for row in _rows(sheet, plan, period, one)]
    if named:
        rows += _rows(sheet, plan, period, FormSubject("", "", "", {}))
    heads = Heads(
        title=f"{plan.document.city.name}{sheet.name}",
        said=(f"评估细则：{sheet.code}", f"周期：{period}"),
    )
    content = form_workbook(FilledForm(form, "", period, tuple(rows)), heads, None)
    return f"{sheet.code}-{period}-{sheet.name}.xlsx", content


def _columns(sheet: ScoreSheet, *, named: bool) -> tuple[FormColumn, ...]:
    """Return the columns of a sheet; those of the subject are to be filled in if `named`."""
    return (
        FormColumn("subject_code", "对象编号", 14, filled=named),
        FormColumn("subject_name", "对象名称", 20, filled=named),
        FormColumn("item_name", "项目名称", 24),
        FormColumn("item_code", "项目编号", 9),
        FormColumn("organization_code", "责任单位", 16, filled=named),
        FormColumn("period", "周期", 9),
        FormColumn("full", "满分", 7),
        FormColumn("asked", "填写要求", 40),
        FormColumn("points", "得分", 7),
        *(FormColumn(one, *_FOUND[one], filled=True) for one in columns_for(sheet.items)),
        MADE_COLUMN,
    )


def _rows(
    sheet: ScoreSheet, plan: PlanState, period: str, subject: FormSubject
) -> Iterable[FilledRow]:
    points = {one["code"]: one["points"] for one in subject.results}
    unit = subject.organization_code
    for item in sheet.items:
        said = cells_of_finding(item, subject.findings.get(item.code))
        reached = points.get(item.code)
        cells: dict[str, Filled] = {
            "subject_code": subject.key,
            "subject_name": subject.name,
            "item_name": item.name,
            "item_code": item.code,
            "organization_code": plan.organization_name(unit) if unit else None,
            "period": period,
            "full": item.full,
            "asked": asked_for(item),
            "points": None if reached is None else exact(reached),
            **said,
        }
        cells[AS_MADE] = mark_of(said, [cells[key] for key in OF_ASSESSMENTS.about])
        yield FilledRow(cells, {}, locked=subject.locked)
