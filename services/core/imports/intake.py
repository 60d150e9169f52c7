"""Inspects a file before its rows are read: its sheet, form, unit and columns. Pure.

A refusal here is immediate; the rows are read later.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from services.core.assessments.service import check_assessor
from services.core.identity.actor import Actor
from services.core.identity.errors import not_permitted
from services.core.identity.rules import Permission
from services.core.imports.headings import (
    OF_ASSESSMENTS,
    OF_INDICATORS,
    OF_TASKS,
    SheetColumns,
    columns_of_sheet,
)
from services.core.imports.parsing import SheetDefaults
from services.core.imports.register_sheet import columns_of_register, sheet_name_of
from services.core.imports.register_stamps import fresh_register_form, stamp_members, stamped_for
from services.core.imports.sheet_forms import FORM_SHEET, FormName, SheetKind
from services.core.imports.stamps import FORMAT, NAMES, OF_REGISTER, SheetStamp, read_stamp
from services.core.imports.templates import fresh_form
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.nearest import with_nearest
from services.core.kit.sealing import Seal, SecretKeyNotSet
from services.core.kit.text import Text
from services.core.plan.register_entries import Register
from services.core.plan.sheet_entries import ScoreSheet
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period, unknown_organization
from services.core.sheets.cells import cell_name
from services.core.sheets.errors import SheetRefused
from services.core.sheets.sheet_file import SheetFile, Table
from services.core.sheets.workbook import SheetEntry
from services.core.submissions.rules import writes_for


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options sent with a file; a form's stamp must agree with them."""

    period: str | None = None
    organization_code: str | None = None
    sheet: str | None = None
    draft: bool = False
    on_behalf_of: bool = False
    register: str | None = None
    score_sheet: str | None = None

    def kept(self) -> dict[str, Any]:
        """Return the options to store, newer ones only if set: older releases do not know them."""
        newer = {"register", "score_sheet"}
        return {name: one for name, one in asdict(self).items() if one or name not in newer}


@dataclass(frozen=True, slots=True)
class FirstLook:
    """A readable file: what its rows are about, and which columns it has.

    `register` is the register of its rows, `score_sheet` the score sheet of its findings; without
    either, its rows are those of an official form, or similar.
    """

    file: SheetFile
    sheet: SheetEntry | None
    stamp: SheetStamp | None
    columns: SheetColumns
    known: SheetDefaults
    register: Register | None = None
    score_sheet: ScoreSheet | None = None

    @property
    def form(self) -> SheetKind:
        """The form whose columns it has."""
        return self.columns.known.form

    @property
    def usual_name(self) -> str:
        """The default name of its sheet."""
        return FORM_SHEET if self.register is None else sheet_name_of(self.register)

    def template(self, plan: PlanState) -> str:
        """Return the API path of a fresh form of the same kind."""
        unit = self.known.organization_code or ""
        if self.register is not None:
            return fresh_register_form(plan, self.register, unit)
        if self.score_sheet is not None:
            return f"/v1/plans/{plan.code}/score-sheets/{self.score_sheet.code}/form.xlsx"
        form: FormName = "tasks" if self.form == "tasks" else "indicators"
        return fresh_form(plan, form, self.known.period or "", unit)

    def table(self) -> Table:
        """Return its rows, from the first on."""
        return self.file.table(self.sheet)


def look_at(
    content: bytes, options: ImportOptions, *, plan: PlanState, actor: Actor, seal: Seal | None
) -> FirstLook:
    """Return what a file is.

    Raises:
        InvalidInput: the options name a period, a unit or a register that the plan does not have,
            or do not apply to such a sheet.
        SheetRefused: the file is no sheet that can be imported, or is of another unit, period or
            version.
        SecretKeyNotSet: it is a form, and without a key its signature cannot be verified here.
        Forbidden: it reports on milestones, which the caller's key may not, or it holds findings,
            and the caller does not assess by this score sheet.
    """
    if said := _said_faults(options, plan):
        raise InvalidInput(faults=said)
    file = SheetFile(content)
    if options.register is not None:
        return _look_at_register(file, options, plan=plan, actor=actor, seal=seal)
    if options.score_sheet is not None:
        return _look_at_score_sheet(file, options, plan.sheets[options.score_sheet], actor)
    stamp = _stamp_of(file, plan, seal)
    if stamp is not None and (faults := _stamp_faults(stamp, options, plan, actor)):
        raise SheetRefused(faults=faults)
    sheet = file.chosen(options.sheet, FORM_SHEET)
    columns = _columns_of(file.table(sheet), file.table(sheet), stamp)
    if columns.known.form == "tasks" and (untaken := _untaken_faults(options, _NOT_OF_TASKS)):
        raise InvalidInput(faults=untaken)
    if columns.known.form == "tasks" and not actor.may(Permission.WRITE_MILESTONES):
        raise not_permitted(actor, Permission.WRITE_MILESTONES)
    _check_headings(columns)
    known = SheetDefaults(
        period=options.period if stamp is None else stamp.period,
        organization_code=options.organization_code or actor.organization_code
        if stamp is None
        else stamp.organization_code,
        draft=options.draft,
        on_behalf_of=options.on_behalf_of,
    )
    return FirstLook(file, sheet, stamp, columns, known)


def _check_headings(columns: SheetColumns) -> None:
    """Check that no two columns hold the same.

    Raises:
        SheetRefused: two do.
    """
    if columns.twice:
        raise SheetRefused(
            faults=[
                Fault("", "heading-twice", _TWICE.format(cell=cell_name(columns.row, at)), heading)
                for at, heading in columns.twice.items()
            ]
        )


def _columns_of(table: Table, again: Table, stamp: SheetStamp | None) -> SheetColumns:
    """Return the columns of a sheet by the form that its stamp names, or else by its headings.

    Raises:
        SheetRefused: there are no such headings.
    """
    columns = None
    if stamp is None or stamp.form == "tasks":
        columns = columns_of_sheet(table.rows(), OF_TASKS)
    if columns is None and (stamp is None or stamp.form == "indicators"):
        columns = columns_of_sheet(again.rows(), OF_INDICATORS)
    if columns is None:
        raise SheetRefused(faults=[_NO_HEADINGS])
    return columns


def _look_at_register(
    file: SheetFile, options: ImportOptions, *, plan: PlanState, actor: Actor, seal: Seal | None
) -> FirstLook:
    """Return what a sheet of a register's rows is.

    Raises:
        SheetRefused: it is a form of another unit or register, its headings are not the register's,
            or it is ambiguous which sheet is meant.
        SecretKeyNotSet: it is a form, and without a key its signature cannot be verified here.
    """
    register, said = plan.registers[options.register or ""], options.organization_code
    stamp = stamped_for(file, register, plan=plan, actor=actor, unit=said, seal=seal)
    sheet = file.chosen(options.sheet, sheet_name_of(register))
    columns = columns_of_register(file.table(sheet).rows(), register)
    unit = said or actor.organization_code if stamp is None else stamp.organization_code
    known = SheetDefaults(None, unit, draft=False, on_behalf_of=False)
    return FirstLook(file, sheet, stamp, columns, known, register)


def _look_at_score_sheet(
    file: SheetFile, options: ImportOptions, score_sheet: ScoreSheet, actor: Actor
) -> FirstLook:
    """Return what a sheet of a score sheet's findings is.

    Raises:
        Forbidden: the caller does not assess by it.
        SheetRefused: its headings are others, or it is ambiguous which sheet is meant.
    """
    check_assessor(actor, score_sheet)
    sheet = file.chosen(options.sheet, FORM_SHEET)
    columns = columns_of_sheet(file.table(sheet).rows(), OF_ASSESSMENTS)
    if columns is None:
        raise SheetRefused(faults=[_NO_HEADINGS_OF_ITEMS])
    _check_headings(columns)
    known = SheetDefaults(options.period, None, draft=False, on_behalf_of=False)
    return FirstLook(file, sheet, None, columns, known, score_sheet=score_sheet)


def _untaken_faults(options: ImportOptions, words: Text) -> list[Fault]:
    """Return the faults of options that apply only to sheets of values."""
    said = {
        "period": options.period,
        "draft": options.draft or None,
        "on_behalf_of": options.on_behalf_of or None,
    }
    return [
        Fault(f"/query/{name}", "not-taken", words, value)
        for name, value in said.items()
        if value is not None
    ]


_NOT_OF_TASKS = Text(
    "任务进展表不分报告期，也没有草稿和代报：请去掉此参数",
    "A report of progress is of no period, is no draft, and is the unit's own: leave this out",
)
_NOT_OF_REGISTERS = Text(
    "台账的行不分报告期，是否需要确认由台账规定，也没有代报：请去掉此参数",
    "Rows of a register are of no period, and whether they wait to be confirmed is said by the"
    " register: leave this out",
)
_NOT_OF_ASSESSMENTS = Text(
    "评估都先存为草稿，单位在表中写明，也不与台账同表：请去掉此参数",
    "Assessments are drafts, the sheet names their units, and it is of no register: leave this out",
)
_NO_SCORE_SHEET = Text("计划中没有该评估细则", "The plan has no such score sheet")
_NO_HEADINGS_OF_ITEMS = Fault(
    "",
    "headings-not-found",
    Text(
        "没有找到表头：前 30 行中要有一行写明“项目编号”或“项目名称”，以及“数量”、“数值”等；"
        "也可以下载该评估细则的表格填写",
        "No headings were found: one of the first 30 rows names the item (item_code) and what was"
        " found (count, value, missing and so on); or fill in the form of the score sheet",
    ),
)
_NO_REGISTER = Text("计划中没有该台账", "The plan has no such register")


def _said_faults(options: ImportOptions, plan: PlanState) -> list[Fault]:
    """Return the faults of the options once, instead of with every row."""
    faults: list[Fault] = []
    if options.period is not None:
        try:
            parsed_period(plan, options.period, "/query/period")
        except InvalidInput as wrong:
            faults += wrong.faults
    unit = options.organization_code
    if unit is not None and unit not in plan.organizations:
        faults.append(unknown_organization(plan, "/query/organization_code", unit))
    if options.register is not None:
        if options.register not in plan.registers:
            told = with_nearest(_NO_REGISTER, options.register, plan.registers)
            faults.append(Fault("/query/register", "unknown-register", told, options.register))
        faults += _untaken_faults(options, _NOT_OF_REGISTERS)
    if options.score_sheet is not None:
        if options.score_sheet not in plan.sheets:
            told = with_nearest(_NO_SCORE_SHEET, options.score_sheet, plan.sheets)
            faults.append(
                Fault("/query/score_sheet", "unknown-score-sheet", told, options.score_sheet)
            )
        others = {"organization_code": unit, "register": options.register}
        without = replace(options, period=None)
        faults += _untaken_faults(without, _NOT_OF_ASSESSMENTS)
        faults += [
            Fault(f"/query/{name}", "not-taken", _NOT_OF_ASSESSMENTS, value)
            for name, value in others.items()
            if value is not None
        ]
    return faults


_NO_HEADINGS = Fault(
    "",
    "headings-not-found",
    Text(
        "没有找到表头：前 30 行中要有一行写明“指标编号”或“指标名称”，以及“本期值”、"
        "“本期分子”、“本期分母”等；任务进展要有“里程碑编号”和“完成百分比”、“进展描述”等；"
        "也可以下载填报表填写",
        "No headings were found: one of the first 30 rows names the indicator (indicator_code) and"
        " its value (value, or numerator and denominator), or the milestone (milestone_id) and its"
        " progress (percent, narrative); or fill in a template",
    ),
)
_TWICE = Text(
    "{cell} 与前面的一列表头含义相同，请删去其中一列", "{cell} repeats a column: delete one"
)


def _stamp_of(file: SheetFile, plan: PlanState, seal: Seal | None) -> SheetStamp | None:
    """Return the stamp that a form carries; None: the file is no form of ours.

    Raises:
        SheetRefused: its signature is invalid, or it has another layout.
        SecretKeyNotSet: no signature can be verified here.
    """
    said = stamp_members(file)
    # The stamp of a register's form is not read here, because its headings are refused.
    if not said or said.get("form") == OF_REGISTER:
        return None
    if seal is None:
        raise SecretKeyNotSet
    stamp = read_stamp({**dict.fromkeys(NAMES, ""), **said}, seal)
    if stamp is None:
        raise SheetRefused(faults=[_of_form("stamp-broken", _BROKEN, said, plan)])
    if stamp.format != FORMAT:
        raise SheetRefused(faults=[_of_form("sheet-outdated", _OUTDATED, said, plan)])
    return stamp


_BROKEN = Text(
    "填报表的签名无效，表已被改动或不是本系统签发：请重新下载 {fresh}",
    "The form's signature is broken: it was changed, or is none of ours. Take a fresh one: {fresh}",
)
_OUTDATED = Text(
    "填报表是按旧版方案制作的：请重新下载 {fresh}",
    "The form was made by an earlier version of the plan. Take a fresh one: {fresh}",
)
_OTHER_PLAN = Text(
    "填报表属于另一个计划：请重新下载 {fresh}", "The form is of another plan. Take one: {fresh}"
)
_OTHER_PERIOD = Text(
    "填报表的报告期是 {held}，与所写的不一致：请重新下载 {fresh}",
    "The form is of the period {held}, and another is said. Take a fresh one: {fresh}",
)
_OTHER_UNIT = Text(
    "填报表属于单位 {held}，不是您所填报的单位：请重新下载 {fresh}",
    "The form is of the unit {held}, and you report for another. Take a fresh one: {fresh}",
)


def _of_form(code: str, words: Text, said: Mapping[str, str], plan: PlanState) -> Fault:
    period = said.get("period", "")[:40]
    unit = said.get("organization_code", "")[:60]
    fresh = fresh_form(plan, "tasks" if said.get("form") == "tasks" else "indicators", period, unit)
    return Fault("", code, words.format(fresh=fresh), fresh)


def _stamp_faults(
    stamp: SheetStamp, options: ImportOptions, plan: PlanState, actor: Actor
) -> list[Fault]:
    """Return why a form does not match the request; a fault's value is the path of a fresh form."""
    of_tasks = stamp.form == "tasks"
    wanted_period = stamp.period if of_tasks else options.period or stamp.period
    wanted_unit = options.organization_code or stamp.organization_code
    own = actor.organization_code
    fills_in = own in {None, wanted_unit} if of_tasks else writes_for(actor, wanted_unit)
    if wanted_unit == stamp.organization_code and not fills_in:
        wanted_unit = own or ""
    fresh = fresh_form(plan, "tasks" if of_tasks else "indicators", wanted_period, wanted_unit)
    faults = []
    if (stamp.city_code, stamp.plan) != (plan.city_code, plan.code):
        faults.append(Fault("", "sheet-of-another-plan", _OTHER_PLAN.format(fresh=fresh), fresh))
    elif stamp.version != str(plan.version):
        faults.append(Fault("", "sheet-outdated", _OUTDATED.format(fresh=fresh), fresh))
    if wanted_period != stamp.period:
        words = _OTHER_PERIOD.format(held=stamp.period, fresh=fresh)
        faults.append(Fault("", "sheet-of-another-period", words, fresh))
    if wanted_unit != stamp.organization_code:
        words = _OTHER_UNIT.format(held=stamp.organization_code, fresh=fresh)
        faults.append(Fault("", "sheet-of-another-unit", words, fresh))
    return faults


def options_of(kept: Mapping[str, Any]) -> ImportOptions:
    """Return an import's options from their stored form."""
    return replace(ImportOptions(), **kept)
