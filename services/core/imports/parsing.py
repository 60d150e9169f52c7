"""A row of a sheet as a row of a batch: cells taken as written, or refused with advice. Pure."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.core.imports.headings import FORMS_OF_VALUE, SheetColumns
from services.core.imports.sheet_forms import DATA_STATUSES
from services.core.kit.decimals import advice, exact, plain
from services.core.kit.errors import Fault
from services.core.kit.said import trimmed
from services.core.kit.text import Text
from services.core.plan.document import Indicator
from services.core.plan.state import PlanState
from services.core.sheets.cells import Cell, SheetRow
from services.core.submissions.batch.rows import BatchRow, Slot

_LONGEST_TEXT = 4000
_LONGEST_SHOWN = 100
_NUMBERS = ("value", "numerator", "denominator")
_REMARKS = ("source", "note", "change_reason", "evidence")
_TOTALS = {"合计", "总计", "小计", "合计数", "total"}
_FOOTERS = ("单位负责人", "填表人", "填报人", "审核人", "负责人", "注:", "说明:", "备注:")
_DASHES = {"/", "-", "--", "—", "——", "–", "－", "无", "…", "\\", "n/a", "na"}
_STATUSES = {
    **{name: code for code, name in DATA_STATUSES.items()},
    **{code: code for code in DATA_STATUSES},
    "最终": "final",
}
_MONTH = re.compile(r"([0-9]{4}-[0-9]{2})-01")

_CELL_FAULTS: Mapping[str, tuple[str, Text]] = {
    "error": (
        "cell-error",
        Text("单元格是错误值，请改为数值或文字", "The cell holds an error: put a value there"),
    ),
    "boolean": (
        "cell-error",
        Text("单元格是逻辑值（TRUE/FALSE），请改写", "The cell holds TRUE or FALSE: write a value"),
    ),
    "uncalculated": (
        "formula-without-value",
        Text(
            "公式没有计算结果：请用 WPS 或 Excel 打开保存，或粘贴为数值后再上传",
            "The formula has no stored value: open and save it in Excel or WPS, or paste the value",
        ),
    ),
    "imprecise": (
        "imprecise-number",
        Text(
            "数字超过 15 位，存盘时已失去精度：请先把单元格设为文本格式，再重新输入",
            "It has more than 15 digits and lost some when it was saved: format the cell as text"
            " and type it again",
        ),
    ),
    "date": (
        "date-for-number",
        Text("单元格是日期格式：请改为常规格式后填写数值", "The cell is a date: write a number"),
    ),
}
_DASH = Text(
    "空白、0 和不适用是三回事：未报请留空，为零请填 0，不适用请在“不适用原因”中写明",
    "Blank, zero and not applicable differ: leave it empty, write 0, or give the reason why it"
    " does not apply in its column",
)
_TOO_LONG = Text(f"至多 {_LONGEST_TEXT} 个字符", f"At most {_LONGEST_TEXT} characters")
_HIDDEN = Text(
    "该行被隐藏却有内容：请取消隐藏，或删除该行", "The row is hidden: show it or delete it"
)
_STATUS = Text("请写“核定”或“初步”", "Write final or provisional")
_NO_CODE = Text("该行有数值而没有指标编号", "The row has a value and names no indicator")


@dataclass(frozen=True, slots=True)
class SheetDefaults:
    """What a file is of where its rows do not say, and how its rows are asked for."""

    period: str | None
    organization_code: str | None
    draft: bool
    on_behalf_of: bool


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """What a row of a sheet asks for; None: it is `blank`, or no row of values."""

    number: int
    row: BatchRow | None
    blank: bool = False


class RowParser:
    """Takes the rows of one sheet below its headings."""

    def __init__(self, columns: SheetColumns, known: SheetDefaults, plan: PlanState) -> None:
        self._at = columns.at
        self._known = known
        self._plan = plan
        self._filled = [self._at[key] for key in (*FORMS_OF_VALUE, *_REMARKS) if key in self._at]
        self._indicators = _names_of(plan.indicators.values(), _indicator_names)
        self._units = _names_of(
            plan.organizations.values(), lambda one: (one.code, one.name, *one.aliases)
        )

    def parsed(self, row: SheetRow, index: int) -> ParsedRow:
        """Return what a row asks for, as the row of this index in its batch."""
        filled = any(column in row.cells for column in self._filled)
        if self._is_no_row(row):
            return ParsedRow(row.number, None)
        names_one = "indicator_code" in self._at and self._at["indicator_code"] in row.cells
        names_one = names_one or self._at.get("indicator_name", 0) in row.cells
        if not filled:
            return ParsedRow(row.number, None, blank=names_one)
        faults = [Fault("", "hidden-row", _HIDDEN)] if row.hidden else []
        if not names_one:
            faults.append(Fault("/indicator_code", "indicator-missing", _NO_CODE))
        slot = Slot(self._indicator(row, faults), self._unit(row, faults), self._period(row))
        said = self._said(row, slot, faults)
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
            ),
        )

    def _is_no_row(self, row: SheetRow) -> bool:
        """Return whether it is a row of totals, or below the table."""
        code = row.cells.get(self._at.get("indicator_code", 0))
        if code is not None and code.text in self._plan.indicators:
            return False
        said = unicodedata.normalize("NFKC", trimmed(next(iter(row.cells.values())).text))
        first_texts = [
            "".join(unicodedata.normalize("NFKC", one.text).split()).lower()
            for one in list(row.cells.values())[:3]
        ]
        return said.startswith(_FOOTERS) or not _TOTALS.isdisjoint(first_texts)

    def _text(self, row: SheetRow, key: str) -> str:
        cell = row.cells.get(self._at.get(key, 0))
        return "" if cell is None else trimmed(cell.text)

    def _indicator(self, row: SheetRow, faults: list[Fault]) -> str:
        code, name = self._text(row, "indicator_code"), self._text(row, "indicator_name")
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
        said = self._text(row, "organization_code") or self._text(row, "organization_name")
        if not said:
            if self._known.organization_code is None:
                faults.append(_missing("/organization_code", "单位", "unit", "organization_code"))
            return self._known.organization_code or ""
        return self._units.get(_plainly(said), said)

    def _period(self, row: SheetRow) -> str:
        cell = row.cells.get(self._at.get("period", 0))
        if cell is None:
            return self._known.period or ""
        # A program takes 2025-09 for the first of that month as soon as it is typed.
        month = _MONTH.fullmatch(cell.text) if cell.kind == "date" else None
        return month[1] if month else trimmed(cell.text)

    def _said(self, row: SheetRow, slot: Slot, faults: list[Fault]) -> Mapping[str, Any]:
        if not slot.period:
            faults.append(_missing("/period", "报告期", "period", "period"))
        said = self._numbers(row, faults)
        if level := self._words(row, "level", faults):
            said["level"] = self._level(slot.indicator_code, level)
        for key in ("not_applicable_reason", "source"):
            if text := self._words(row, key, faults):
                said[key] = text
        if note := self._note(row, faults):
            said["note"] = note
        if reason := self._words(row, "change_reason", faults):
            said["justification"] = reason
        if status := self._words(row, "data_status", faults):
            if status in _STATUSES:
                said["data_status"] = _STATUSES[status]
            else:
                shown = status[:_LONGEST_SHOWN]
                faults.append(Fault("/data_status", "unknown-data-status", _STATUS, shown))
        return said

    def _numbers(self, row: SheetRow, faults: list[Fault]) -> dict[str, Any]:
        numbers: dict[str, Any] = {}
        for key in _NUMBERS:
            cell = row.cells.get(self._at.get(key, 0))
            number = None if cell is None else _number(key, cell)
            if isinstance(number, Fault):
                faults.append(number)
            elif number is not None:
                numbers[key] = number
        return numbers

    def _words(self, row: SheetRow, key: str, faults: list[Fault]) -> str:
        cell = row.cells.get(self._at.get(key, 0))
        if cell is None:
            return ""
        if cell.kind in {"error", "uncalculated"}:
            faults.append(_cell_fault(key, cell))
            return ""
        text = trimmed(cell.text)
        if len(text) > _LONGEST_TEXT:
            shown = text[:_LONGEST_SHOWN]
            faults.append(Fault(f"/{key}", "string-too-long", _TOO_LONG, shown))
            return ""
        return text

    def _note(self, row: SheetRow, faults: list[Fault]) -> str:
        """Return the note with what is asked for beside it, for which a value has no member."""
        parts = [self._words(row, "note", faults)]
        if text := self._words(row, "evidence", faults):
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


def _number(key: str, cell: Cell) -> Decimal | Fault | None:
    """Return the number of a cell, or what is wrong with it; None: it holds blanks only."""
    text = trimmed(cell.text)
    if cell.kind == "percent":
        meant = plain(Decimal(text) * 100)
        words = Text(
            f"单元格是百分比格式，显示为 {meant}%，保存的是 {text}：请改为常规格式，按计量单位填写",
            f"The cell is shown as {meant}% and stored as {text}: make its format General and"
            " write the number in the indicator's unit",
        )
        return Fault(f"/{key}", "percent-format", words, f"{meant}%")
    if cell.kind in _CELL_FAULTS:
        return _cell_fault(key, cell)
    if not text:
        return None
    if unicodedata.normalize("NFKC", text).lower() in _DASHES or text in _DASHES:
        return Fault(f"/{key}", "dash-for-number", _DASH, text)
    try:
        return exact(text)
    except ValueError:
        return Fault(f"/{key}", "decimal", advice(text), text[:_LONGEST_SHOWN])


def _cell_fault(key: str, cell: Cell) -> Fault:
    code, words = _CELL_FAULTS[cell.kind]
    return Fault(f"/{key}", code, words, cell.text[:_LONGEST_SHOWN] or None)


def _plainly(name: str) -> str:
    """Return a name as it is compared: without marks, blanks and differences of width."""
    said = unicodedata.normalize("NFKC", name).rstrip("★*☆ ").lstrip("★*☆ ")
    return "".join(said.split())


def _indicator_names(one: Indicator) -> tuple[str, ...]:
    return one.code, one.name, one.printed_name, *one.aliases


def _names_of(things: Any, names: Callable[[Any], tuple[str, ...]]) -> dict[str, str]:
    """Return the codes of things by every name that is one thing's alone."""
    found: dict[str, str] = {}
    several = set()
    for one in things:
        for name in {_plainly(each) for each in names(one)}:
            if found.setdefault(name, one.code) != one.code:
                several.add(name)
    return {name: code for name, code in found.items() if name not in several}
