"""Validates the contents of a row against its register's columns: all faults at once. Pure."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import advice, exact, plain
from services.core.kit.errors import Fault
from services.core.kit.faults import echo
from services.core.kit.nearest import with_all, with_nearest
from services.core.kit.said import trimmed
from services.core.kit.text import Text
from services.core.plan.register_entries import ColumnType, Register, RegisterColumn
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import unknown_organization
from services.core.registers.row_checks import row_check_faults
from services.core.registers.row_conditions import meets
from services.core.registers.stored_cells import day_said
from services.core.registers.totals import untold

Cells = Mapping[str, Any]
"""The contents of a row by column code: text, a day as text, an exact decimal as text, a whole
number, true or false. Empty cells are absent."""

LONGEST_KEY = 100
"""The most characters of a text in a key."""

_LARGEST = 10**15
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST, _LAST = date(1990, 1, 1), date(2100, 12, 31)
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = [3**place % 31 for place in range(17)]
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_WASTE_CODE = re.compile(r"[0-9]{3}-[0-9]{3}-(?:0[1-9]|[1-3][0-9]|40|4[5-9]|50)")
"""Industry, number and category: HW01 to HW40 and HW45 to HW50 of the national list."""

_PROJECT_CODE = re.compile(r"[0-9]{4}-[0-9]{6}-[0-9]{2}-[0-9]{2}-[0-9]{6}")

_NO_COLUMN = Text("台账中没有此列", "The register has no such column")
_MISSING = Text("缺少此项", "This member is required")
_MISSING_BESIDE = Text(
    "按本行“{beside}”所填，须填此项", "What the row says of {beside} asks for this member"
)
_TEXT = Text("应为文本，须加引号", "Must be text, in quotes")
_INTEGER = Text("应为至多 15 位的整数，如 3", "Must be an integer of at most 15 digits, such as 3")
_DAY_WORDS = Text(
    "应为 1990 年至 2100 年间的日期，如 2025-03-20",
    "Must be a date from 1990 to 2100, such as 2025-03-20",
)
_TRUTH = Text("应为 true 或 false", "Must be true or false")
_CHOICE = Text("不是此列的选项", "This is none of the column's choices")
NO_UNIT = Text("计划中没有该单位", "The plan has no such organization")
_TOO_LONG = Text("最多 {most} 个字", "Must have at most {most} characters")
_LEAST = Text("不能小于 {bound}", "Must be at least {bound}")
_MOST = Text("不能大于 {bound}", "Must be at most {bound}")
_CREDIT = Text(
    "应为 18 位统一社会信用代码，且校验位正确",
    "Must be a unified social credit code of 18 characters with a right check character",
)
_PROJECT = Text(
    "应为 24 位项目代码，如 2020-410183-77-03-012345",
    "Must be a project's code of 24 characters, such as 2020-410183-77-03-012345",
)
_WASTE = Text(
    "应为《国家危险废物名录》的 8 位废物代码，如 900-249-08",
    "Must be a code of the national list of hazardous wastes, such as 900-249-08",
)
_MONTH_WORDS = Text(
    "应为 1990 年至 2100 年间的月份，如 2025-09",
    "Must be a month from 1990 to 2100, such as 2025-09",
)
_OUTSIDE = Text(
    "日期不在“{column}”所填的月份（{month}）内", "The day is not in the month {month} of {column}"
)
_ORDER = Text("失效日期早于生效日期", "It ceases to hold before it begins to")
_KEY_FIXED = Text(
    "主键不能修改：请撤回或终止该行，再按新主键填写",
    "The key of a row stays: withdraw or end it, and write one with the other key",
)


@dataclass(frozen=True, slots=True)
class CellJudging:
    """The input of validation; `hints` off skips the slow search for similar codes in many rows."""

    plan: PlanState
    hints: bool = True


@dataclass(frozen=True, slots=True)
class JudgedCells:
    """The contents of a row after a change, and the faults of the change."""

    cells: Cells
    faults: tuple[Fault, ...] = ()


def judged_cells(
    register: Register, said: Mapping[str, Any], desk: CellJudging, before: Cells | None = None
) -> JudgedCells:
    """Return a row's contents after `said` is applied; null empties a cell.

    `before` is the present contents; None: a new row. The whole row is validated against the
    current register: values that an earlier version of the plan allowed may be faults now. If
    `said` changes nothing, only faults of its own cells are returned. Pointers begin with
    `/values`.
    """
    read, faults = read_cells(register, said, desk)
    cells = {**(before or {}), **read}
    cells = {code: one for code, one in cells.items() if one is not None}
    kept = {code: one for code, one in cells.items() if code not in said}
    again, stale = read_cells(register, _in_columns(register, kept), desk)
    faults += [*stale, *_together(register, {**again, **read}, [*faults, *stale])]
    faults += _key_faults(register, cells, before)
    if not faults:
        faults = row_check_faults(register, {**again, **read})
    if cells == before:
        touched = {"/values", *(f"/values/{_part(code)}" for code in said)}
        faults = [fault for fault in faults if fault.pointer in touched]
    return JudgedCells(cells, tuple(faults))


def standing_faults(register: Register, cells: Cells, desk: CellJudging) -> list[Fault]:
    """Return all faults of a row, with each cell read anew as if it were written now.

    Cells of columns that the plan no longer has are ignored, because nobody could empty them.
    """
    said = {one.code: cells.get(one.code) for one in register.columns}
    return list(judged_cells(register, said, desk, cells).faults)


def _in_columns(register: Register, cells: Cells) -> Cells:
    """Return the cells in columns that the register has."""
    return {one.code: cells[one.code] for one in register.columns if one.code in cells}


def _together(register: Register, cells: Cells, known: Sequence[Fault]) -> list[Fault]:
    """Return the required cells that a row lacks, and its inconsistent days.

    `cells` are the readable ones; places with a fault in `known` are not reported again.
    """
    faults, wrong = [], {fault.pointer for fault in known}
    for column in register.columns:
        place = f"/values/{column.code}"
        if cells.get(column.code) is not None or place in wrong:
            continue
        if column.required:
            faults.append(Fault(place, "missing", _MISSING))
        elif column.required_where and meets(cells, column.required_where):
            faults.append(Fault(place, "missing", _missing_beside(register, column)))
    faults += _outside_months(register, cells)
    first, last = validity(register, cells)
    if first is not None and last is not None and last < first:
        place = f"/values/{register.valid_to}"
        faults.append(Fault(place, "validity-order", _ORDER, last.isoformat()))
    return faults


def _missing_beside(register: Register, column: RegisterColumn) -> Text:
    named = (register.column(one.column) for one in column.required_where)
    beside = "、".join(dict.fromkeys(one.name for one in named if one is not None))
    return _MISSING_BESIDE.format(beside=beside)


def read_cells(
    register: Register, said: Mapping[str, Any], desk: CellJudging
) -> tuple[dict[str, Any], list[Fault]]:
    """Return each given cell, read by itself, by column; null empties one."""
    cells: dict[str, Any] = {}
    faults: list[Fault] = []
    known = [column.code for column in register.columns]
    for code, raw in said.items():
        place, column = f"/values/{_part(code)}", register.column(code)
        if column is None:
            told = with_nearest(_NO_COLUMN, code, known) if desk.hints else _NO_COLUMN
            faults.append(Fault(place, "unknown-column", told, echo(code)))
            continue
        raw_said = trimmed(raw) if isinstance(raw, str) else raw
        if raw_said is None or raw_said == "":
            cells[code] = None
            continue
        found = _READERS[column.type](column, raw_said, place, desk)
        if isinstance(found, Fault):
            faults.append(untold(found, column) if register.aggregates else found)
        else:
            cells[code] = found
    return cells, faults


def key_of(register: Register, cells: Cells) -> str:
    """Return the key that distinguishes a row from all others of its register."""
    said = [cells.get(code) for code in register.key]
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def validity(register: Register, cells: Cells) -> tuple[date | None, date | None]:
    """Return the first and the last day on which a row is valid; None: no bound."""
    first, last = (
        None if code is None else day_said(cells.get(code))
        for code in (register.valid_from, register.valid_to)
    )
    return first, last


def _part(code: str) -> str:
    return str(echo(code)).replace("~", "~0").replace("/", "~1")


def _key_faults(register: Register, cells: Cells, before: Cells | None) -> list[Fault]:
    faults = []
    for code in register.key:
        value, place = cells.get(code), f"/values/{code}"
        if before is not None and value != before.get(code):
            faults.append(Fault(place, "key-fixed", _KEY_FIXED, echo(value)))
        elif isinstance(value, str) and len(value) > LONGEST_KEY:
            faults.append(
                Fault(place, "string-too-long", _TOO_LONG.format(most=LONGEST_KEY), echo(value))
            )
    return faults


def _outside_months(register: Register, cells: Cells) -> list[Fault]:
    """Return faults for days that do not lie in the month that the row states."""
    faults = []
    for column in register.columns:
        day, month = cells.get(column.code), cells.get(column.in_month or "")
        if day is not None and month is not None and not day.startswith(month):
            said_in = register.column(column.in_month or "")
            told = _OUTSIDE.format(column=said_in.name if said_in else "", month=month)
            faults.append(Fault(f"/values/{column.code}", "outside-month", told, day))
    return faults


def _text(column: RegisterColumn, raw: Any, place: str, _desk: CellJudging) -> Any:
    if not isinstance(raw, str):
        return Fault(place, "string-type", _TEXT, echo(raw))
    if len(raw) > column.longest:
        return Fault(place, "string-too-long", _TOO_LONG.format(most=column.longest), echo(raw))
    if column.check == "credit_code" and not is_credit_code(raw):
        return Fault(place, "credit-code", _CREDIT, echo(raw))
    if column.check == "waste_code" and not _WASTE_CODE.fullmatch(raw):
        return Fault(place, "waste-code", _WASTE, echo(raw))
    if column.check == "project_code" and not _PROJECT_CODE.fullmatch(raw):
        return Fault(place, "project-code", _PROJECT, echo(raw))
    return raw


def is_credit_code(text: str) -> bool:
    """Return whether a text is a unified social credit code with a correct check character."""
    if not _CREDIT_CODE.fullmatch(text):
        return False
    signs = zip(text, _CREDIT_WEIGHTS, strict=False)
    weighed = sum(_CREDIT_SIGNS.index(sign) * weight for sign, weight in signs)
    return _CREDIT_SIGNS[-weighed % 31] == text[17]


def _decimal(column: RegisterColumn, raw: Any, place: str, _desk: CellJudging) -> Any:
    try:
        number = exact(raw)
    except ValueError:
        return Fault(place, "decimal", advice(raw), echo(raw))
    return _beyond(column, number, place) or plain(number)


def _integer(column: RegisterColumn, raw: Any, place: str, _desk: CellJudging) -> Any:
    whole = isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < _LARGEST
    if not whole and not (isinstance(raw, str) and _WHOLE.fullmatch(raw)):
        return Fault(place, "int-type", _INTEGER, echo(raw))
    return _beyond(column, Decimal(int(raw)), place) or int(raw)


def _beyond(column: RegisterColumn, number: Decimal, place: str) -> Fault | None:
    if column.minimum is not None and number < column.minimum:
        told = _LEAST.format(bound=plain(column.minimum))
        return Fault(place, "greater-than-equal", told, plain(number))
    if column.maximum is not None and number > column.maximum:
        told = _MOST.format(bound=plain(column.maximum))
        return Fault(place, "less-than-equal", told, plain(number))
    return None


def _day(_column: RegisterColumn, raw: Any, place: str, _desk: CellJudging) -> Any:
    try:
        found = date.fromisoformat(raw) if isinstance(raw, str) and _DAY.fullmatch(raw) else None
    except ValueError:
        found = None
    if found is None or not _FIRST <= found <= _LAST:
        return Fault(place, "date", _DAY_WORDS, echo(raw))
    return found.isoformat()


def _month(_column: RegisterColumn, raw: Any, place: str, _desk: CellJudging) -> Any:
    right = isinstance(raw, str) and _MONTH.fullmatch(raw)
    if not right or not _FIRST.year <= int(raw[:4]) <= _LAST.year:
        return Fault(place, "month", _MONTH_WORDS, echo(raw))
    return raw


def _choice(column: RegisterColumn, raw: Any, place: str, _desk: CellJudging) -> Any:
    codes = [one.code for one in column.choices]
    if isinstance(raw, str) and raw in codes:
        return raw
    shown = [f"{one.code}（{one.name}）" for one in column.choices]
    return Fault(place, "unknown-choice", with_all(_CHOICE, shown), echo(raw))


def _organization(_column: RegisterColumn, raw: Any, place: str, desk: CellJudging) -> Any:
    if not isinstance(raw, str):
        return Fault(place, "string-type", _TEXT, echo(raw))
    if raw in desk.plan.organizations:
        return raw
    if not desk.hints:
        return Fault(place, "unknown-organization", NO_UNIT, echo(raw))
    return unknown_organization(desk.plan, place, raw[:200])


def _yes_no(_column: RegisterColumn, raw: Any, place: str, _desk: CellJudging) -> Any:
    return raw if isinstance(raw, bool) else Fault(place, "bool-type", _TRUTH, echo(raw))


_READERS: Mapping[ColumnType, Callable[[RegisterColumn, Any, str, CellJudging], Any]] = {
    "text": _text,
    "decimal": _decimal,
    "integer": _integer,
    "date": _day,
    "choice": _choice,
    "organization": _organization,
    "yes_no": _yes_no,
    "month": _month,
}
