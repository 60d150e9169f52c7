"""Turns a row of a sheet into a row of a batch: cells as written, or a fault with advice. Pure."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.core.imports.as_made import says_nothing_new
from services.core.imports.cell_values import (
    HIDDEN_ROW,
    LONGEST_SHOWN,
    NOT_APPLICABLE,
    ParsedRow,
    is_blank_reason,
    is_no_row,
    number_of,
    period_of,
    reason_of,
    text_of,
    words_of,
)
from services.core.imports.headings import FORMS_OF_VALUE, SheetColumns
from services.core.imports.sheet_forms import DATA_STATUSES
from services.core.imports.units_said import UnitsSaid
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.document import Indicator
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.sheets.cells import SheetRow
from services.core.submissions.batch.rows import BatchRow

_NUMBERS = ("value", "numerator", "denominator")
_REMARKS = ("source", "note", "change_reason", "evidence")
_TOLD = (*FORMS_OF_VALUE, *_REMARKS, "data_status")
_STATUSES = {
    **{name: code for code, name in DATA_STATUSES.items()},
    **{code: code for code in DATA_STATUSES},
    "最终": "final",
}

_STATUS = Text("请写“核定”或“初步”", "Write final or provisional")
_NO_CODE = Text("该行有数值而没有指标编号", "The row has a value and names no indicator")


@dataclass(frozen=True, slots=True)
class SheetDefaults:
    """Values for rows that do not state them, and options for all rows of the file."""

    period: str | None
    organization_code: str | None
    draft: bool
    on_behalf_of: bool


class RowParser:
    """Parses the rows of one sheet below its headings."""

    def __init__(self, columns: SheetColumns, known: SheetDefaults, plan: PlanState) -> None:
        self._at, self._about = columns.at, columns.known.about
        self._known = known
        self._plan = plan
        self._filled = [self._at[key] for key in (*FORMS_OF_VALUE, *_REMARKS) if key in self._at]
        self._units_said = UnitsSaid(columns, plan)
        self._indicators = _names_of(plan.indicators.values(), _indicator_names)
        self._units = _names_of(
            plan.organizations.values(), lambda one: (one.code, one.name, *one.aliases)
        )

    def parsed(self, row: SheetRow, index: int) -> ParsedRow[BatchRow]:
        """Parse a row as the row of this index in its batch."""
        reason = self._at.get(NOT_APPLICABLE, 0)
        filled = any(
            column in row.cells and not (column == reason and is_blank_reason(row.cells[column]))
            for column in self._filled
        )
        code = row.cells.get(self._at.get("indicator_code", 0))
        if (code is None or code.text not in self._plan.indicators) and is_no_row(row):
            return ParsedRow(row.number, None)
        names_one = "indicator_code" in self._at and self._at["indicator_code"] in row.cells
        names_one = names_one or self._at.get("indicator_name", 0) in row.cells
        if not filled:
            return ParsedRow(row.number, None, blank=names_one)
        faults = [HIDDEN_ROW] if row.hidden else []
        if not names_one:
            faults.append(Fault("/indicator_code", "indicator-missing", _NO_CODE))
        slot = Slot(
            self._indicator(row, faults),
            self._unit(row, faults),
            period_of(row, self._at) or self._known.period or "",
        )
        said = self._said(row, slot, faults)
        faults += self._units_said.faults(row, slot.indicator_code, said)
        return ParsedRow(
            row.number,
            BatchRow(
                index,
                "upsert",
                slot,
                said,
                draft=self._known.draft,
                on_behalf_of=True if self._known.on_behalf_of else None,
                faults=tuple(faults),
                as_made=says_nothing_new(row, self._at, _TOLD, self._about),
            ),
        )

    def _indicator(self, row: SheetRow, faults: list[Fault]) -> str:
        code = text_of(row, self._at, "indicator_code")
        name = text_of(row, self._at, "indicator_name")
        by_name = self._indicators.get(_plainly(name)) if name else None
        if not code:
            return by_name or name
        if code in self._plan.indicators and by_name not in {None, code}:
            words = Text(
                f"指标编号 {code} 与指标名称不一致：{name} 的编号是 {by_name}",
                f"The code {code} and the name differ: the code of that name is {by_name}",
            )
            faults.append(Fault("/indicator_code", "code-and-name-differ", words, code))
        return code

    def _unit(self, row: SheetRow, faults: list[Fault]) -> str:
        said = text_of(row, self._at, "organization_code")
        said = said or text_of(row, self._at, "organization_name")
        if not said:
            if self._known.organization_code is None:
                faults.append(_missing("/organization_code", "单位", "unit", "organization_code"))
            return self._known.organization_code or ""
        return self._units.get(_plainly(said), said)

    def _said(self, row: SheetRow, slot: Slot, faults: list[Fault]) -> Mapping[str, Any]:
        if not slot.period:
            faults.append(_missing("/period", "报告期", "period", "period"))
        said = self._numbers(row, faults)
        if level := words_of(row, self._at, "level", faults):
            said["level"] = self._level(slot.indicator_code, level)
        if reason := reason_of(row, self._at, faults):
            said[NOT_APPLICABLE] = reason
        if source := words_of(row, self._at, "source", faults):
            said["source"] = source
        if note := self._note(row, faults):
            said["note"] = note
        if reason := words_of(row, self._at, "change_reason", faults):
            said["justification"] = reason
        if status := words_of(row, self._at, "data_status", faults):
            if status in _STATUSES:
                said["data_status"] = _STATUSES[status]
            else:
                shown = status[:LONGEST_SHOWN]
                faults.append(Fault("/data_status", "unknown-data-status", _STATUS, shown))
        return said

    def _numbers(self, row: SheetRow, faults: list[Fault]) -> dict[str, Any]:
        numbers: dict[str, Any] = {}
        for key in _NUMBERS:
            cell = row.cells.get(self._at.get(key, 0))
            number = None if cell is None else number_of(key, cell)
            if isinstance(number, Fault):
                faults.append(number)
            elif number is not None:
                numbers[key] = number
        return numbers

    def _note(self, row: SheetRow, faults: list[Fault]) -> str:
        """Return the note, with the contents of further columns for which a value has no member."""
        parts = [words_of(row, self._at, "note", faults)]
        if text := words_of(row, self._at, "evidence", faults):
            parts.append(f"佐证材料：{text}")
        return "；".join(part for part in parts if part)

    def _level(self, indicator_code: str, said: str) -> str:
        indicator = self._plan.indicators.get(indicator_code)
        levels = indicator.levels if indicator is not None else ()
        return next((one.code for one in levels if said in {one.code, one.name}), said)


def _missing(pointer: str, zh: str, en: str, parameter: str) -> Fault:
    words = Text(
        f"没有写明{zh}：请在表中加一列，或上传时用 {parameter} 写明",
        f"No {en} is said: add a column, or say {parameter} when sending the file",
    )
    return Fault(pointer, "missing", words)


def _plainly(name: str) -> str:
    """Return a name for comparison: without marks and blanks, width normalized."""
    said = unicodedata.normalize("NFKC", name).rstrip("★*☆ ").lstrip("★*☆ ")
    return "".join(said.split())


def _indicator_names(one: Indicator) -> tuple[str, ...]:
    return one.code, one.name, one.printed_name, *one.aliases


def _names_of(things: Any, names: Callable[[Any], tuple[str, ...]]) -> dict[str, str]:
    """Return the codes of things by each name that is unique."""
    found: dict[str, str] = {}
    several = set()
    for one in things:
        for name in {_plainly(each) for each in names(one)}:
            if found.setdefault(name, one.code) != one.code:
                several.add(name)
    return {name: code for name, code in found.items() if name not in several}
