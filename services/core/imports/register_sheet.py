"""Parses rows of a register from a sheet, matching headings to the columns' names. Pure.

From there a row goes the way of any other row, so that it is judged in one place.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from services.core.imports.as_made import untouched
from services.core.imports.cell_values import (
    HIDDEN_ROW,
    beyond_headings,
    cell_fault,
    day_of,
    is_no_row,
    number_of,
    unit_of,
)
from services.core.imports.headings import Headings, SheetColumns
from services.core.imports.sheet_forms import AS_MADE, FORM_SHEET
from services.core.imports.sheet_totals import TotalRows
from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.kit.nearest import with_nearest
from services.core.kit.said import trimmed
from services.core.kit.text import Text
from services.core.plan.register_entries import ColumnType, Register, RegisterColumn
from services.core.plan.state import PlanState
from services.core.registers.rules import MOST_ROWS, RowDraft
from services.core.sheets.cells import Cell, SheetRow
from services.core.sheets.errors import SheetRefused
from services.core.sheets.sheet_file import SheetFile

UNIT_HEADINGS = ("填报单位", "organization_code")
"""The headings of the column that names the unit of a row."""

_UNIT = "organization_code"
_LOOKED_AT = 20
"""Rows from the top that are searched for the headings."""

_YES = {"是": True, "yes": True, "true": True, "1": True, "√": True}
_NO = {"否": False, "no": False, "false": False, "0": False, "×": False}

_MONTH = re.compile(r"([0-9]{4})(?:年|-|/|\.)([0-9]{1,2})月?")

_NO_HEADINGS = Text(
    "前 20 行中没有找到台账的表头，须有主键各列：{names}",
    "No headings of the register stand in the first 20 rows; there must be those of its key: {en}",
)
_UNKNOWN_HEADING = Text("台账中没有此列", "The register has no such column")
_TWICE = Text("表头重复", "This heading stands twice")
_TOO_MANY = Text("一次至多 {most} 行，请拆成几个文件", "At most {most} rows: send several files")
_TRUTH = Text("应填 是 或 否", "Must be 是 (yes) or 否 (no)")


_NO_NAME = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_LONGEST_NAME = 31


def sheet_name_of(register: Register) -> str:
    """Return the name of a register's sheet, by the rules for sheet names."""
    return register.name.translate(_NO_NAME)[:_LONGEST_NAME].strip(" '") or FORM_SHEET


class RegisterRowParser:
    """Parses the rows of one sheet below its headings; totals are added up on the way."""

    def __init__(
        self, at: Mapping[str, int], register: Register, plan: PlanState, unit: str | None
    ) -> None:
        """Take the columns by key, and the `unit` of rows that name none."""
        self._at, self._register, self._plan, self._unit = at, register, plan, unit
        self._totals = TotalRows(register, at)

    def parsed(self, row: SheetRow) -> tuple[RowDraft | None, tuple[Fault, ...]]:
        """Return a row as a draft, with its number as index, or None; and the faults of its totals.

        A row of totals is no row of the register: its numbers are checked against the sums of the
        rows above.
        """
        if is_no_row(row):
            return None, self._totals.faults(row)
        self._totals.add(row)
        return _draft_of(row, self._at, self._register, self._plan, self._unit), ()


def rows_of_sheet(
    file: SheetFile, register: Register, plan: PlanState, *, unit: str | None, sheet: str | None
) -> list[RowDraft]:
    """Return the rows of a sheet as drafts, each with its row number as index.

    A heading is the name or the code of a column, optionally followed by its unit of measure.
    `unit` is that of rows that name none; choices and units are accepted by name or code.

    Raises:
        SheetRefused: the file is no sheet that can be imported, its headings are not the
            register's, or its totals differ from the sums of its rows.
    """
    chosen = file.chosen(sheet, sheet_name_of(register))
    columns = columns_of_register(file.table(chosen).rows(), register)
    parser = RegisterRowParser(columns.at, register, plan, unit)
    drafts: list[RowDraft] = []
    wrong: list[Fault] = []
    for row in file.table(chosen).rows():
        if row.number <= columns.row:
            continue
        draft, faults = parser.parsed(row)
        wrong += [replace(one, pointer="") for one in faults]
        if file.format == "csv" and draft is not None and (cell := columns.beyond(row)):
            wrong.append(beyond_headings(row, cell))
        if draft is None:
            continue
        if len(drafts) == MOST_ROWS:
            told = _TOO_MANY.format(most=MOST_ROWS)
            raise SheetRefused(faults=[Fault("", "too-many-rows", told)])
        drafts.append(draft)
    if wrong:
        raise SheetRefused(faults=wrong)
    return drafts


def _texts(row: SheetRow) -> list[tuple[int, str]]:
    return [(at, said) for at, cell in sorted(row.cells.items()) if (said := _plain(cell.text))]


def columns_of_register(rows: Iterator[SheetRow], register: Register) -> SheetColumns:
    """Return the columns of a register in a sheet, by the row that has those of its key.

    Raises:
        SheetRefused: no such row is among the first, or it has other headings too, or a duplicate.
    """
    known = _known(register)
    for row in rows:
        if row.number > _LOOKED_AT:
            break
        found = _texts(row)
        named = {known[said] for _, said in found if said in known}
        if not set(register.key) <= named:
            continue
        at: dict[str, int] = {}
        faults = []
        for column, said in found:
            shown = row.cells[column].text[:100]
            if said not in known:
                names = [one.name for one in register.columns]
                told = with_nearest(_UNKNOWN_HEADING, row.cells[column].text, names)
                faults.append(Fault("", "unknown-column", told, shown))
            elif known[said] in at:
                faults.append(Fault("", "heading-twice", _TWICE, shown))
            else:
                at[known[said]] = column
        if faults:
            raise SheetRefused(faults=faults)
        headings = {key: trimmed(row.cells[column].text)[:100] for key, column in at.items()}
        last = max(at.values())
        return SheetColumns(row.number, at, headings, _headings_of(register), last=last)
    names = [column.name for column in register.columns if column.code in register.key]
    told = _NO_HEADINGS.format(names="、".join(names), en=", ".join(register.key))
    raise SheetRefused(faults=[Fault("", "no-headings", told)])


def _headings_of(register: Register) -> Headings:
    """Return the headings of a register; faults of a row are shown at its key."""
    return Headings(
        form="register",
        names={},
        identify=frozenset(register.key),
        told=tuple(one.code for one in register.columns),
        about=register.key,
        place=frozenset({_UNIT}),
        shown={"": register.key, "values": register.key, _UNIT: (_UNIT, *register.key)},
    )


def _known(register: Register) -> Mapping[str, str]:
    """Return the code of each column by every heading that it may have."""
    known = {_plain(heading): _UNIT for heading in UNIT_HEADINGS}
    known[_plain(AS_MADE)] = AS_MADE
    for column in register.columns:
        for name in (column.code, column.name):
            known[_plain(name)] = column.code
        if column.unit is not None:
            known[_plain(f"{column.name}（{column.unit}）")] = column.code
    return known


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", trimmed(text)).split()).lower()


def _draft_of(
    row: SheetRow,
    at: Mapping[str, int],
    register: Register,
    plan: PlanState,
    unit: str | None,
) -> RowDraft:
    faults = [HIDDEN_ROW] if row.hidden else []
    said: dict[str, Any] = {}
    same = untouched(row, at, register.key).keys() - set(register.key)
    for column in register.columns:
        if column.code in same:
            continue
        cell = row.cells.get(at.get(column.code, 0))
        found = None if cell is None else _READERS[column.type](column, cell, plan)
        if isinstance(found, Fault):
            faults.append(found)
        elif found is not None:
            said[column.code] = found
    named = row.cells.get(at.get(_UNIT, 0))
    of = unit if named is None else unit_of(trimmed(named.text)[:60], plan)
    if of is None:
        told = Text("请填写填报单位，或用 organization_code 指明", "Name the unit of the row")
        faults.append(Fault("/organization_code", "missing", told))
    return RowDraft(row.number, of or "", said, tuple(faults), untouched=frozenset(same))


def _words(column: RegisterColumn, cell: Cell, _plan: PlanState) -> Any:
    if cell.kind in {"error", "uncalculated", "imprecise"}:
        return _at(column, cell_fault(column.code, cell))
    return trimmed(cell.text) or None


def _number(column: RegisterColumn, cell: Cell, _plan: PlanState) -> Any:
    found = number_of(column.code, cell)
    if isinstance(found, Fault):
        return _at(column, found)
    return plain(found) if isinstance(found, Decimal) else None


def _day(column: RegisterColumn, cell: Cell, _plan: PlanState) -> Any:
    found = day_of(column.code, cell)
    if isinstance(found, Fault):
        return _at(column, found)
    return found.isoformat() if isinstance(found, date) else None


def _choice(column: RegisterColumn, cell: Cell, plan: PlanState) -> Any:
    said = _words(column, cell, plan)
    codes = {one.name: one.code for one in column.choices}
    return codes.get(said, said)


def _organization(column: RegisterColumn, cell: Cell, plan: PlanState) -> Any:
    said = _words(column, cell, plan)
    return unit_of(said, plan) if isinstance(said, str) else said


def _yes_no(column: RegisterColumn, cell: Cell, plan: PlanState) -> Any:
    said = _words(column, cell, plan)
    if not isinstance(said, str):
        return said
    found = {**_YES, **_NO}.get(_plain(said))
    if found is None:
        return Fault(f"/values/{column.code}", "bool-type", _TRUTH, said[:100])
    return found


def _month(column: RegisterColumn, cell: Cell, plan: PlanState) -> Any:
    """Parse a month in any of its notations: 2025-09, 2025年9月, 2025.9, or a day of it."""
    if cell.kind == "date":
        said = _day(column, cell, plan)
        return said[:7] if isinstance(said, str) else said
    said = _words(column, cell, plan)
    found = _MONTH.fullmatch(_plain(said)) if isinstance(said, str) else None
    return said if found is None else f"{found[1]}-{int(found[2]):02}"


def _at(column: RegisterColumn, fault: Fault) -> Fault:
    return Fault(f"/values/{column.code}", fault.code, fault.detail, fault.value)


_READERS: Mapping[ColumnType, Callable[[RegisterColumn, Cell, PlanState], Any]] = {
    "text": _words,
    "decimal": _number,
    "integer": _number,
    "date": _day,
    "choice": _choice,
    "organization": _organization,
    "yes_no": _yes_no,
    "month": _month,
}
