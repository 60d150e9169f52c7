"""Parses a cell of a form as a number, text, a date or blank, or says what is wrong. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from services.core.kit.decimals import advice, exact, plain
from services.core.kit.errors import Fault
from services.core.kit.said import trimmed
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.sheets.cells import Cell, SheetRow, cell_name

_Row = TypeVar("_Row")

LONGEST_SHOWN = 100
"""Most characters of a cell that a fault quotes."""

_LONGEST_TEXT = 4000
_MONTH = re.compile(r"([0-9]{4}-[0-9]{2})-01")
_TOTALS = {"合计", "总计", "小计", "合计数", "total"}
_FOOTERS = ("单位负责人", "填表人", "填报人", "审核人", "负责人", "注:", "说明:", "备注:")
_DASHES = {"/", "-", "--", "—", "——", "–", "－", "无", "…", "\\", "n/a", "na"}
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
NOT_APPLICABLE = "not_applicable_reason"
_NOT = {"否", "不", "没有", "0", "no", "n", "false", "适用"}
_YES = {"是", "不适用", "√", "✓", "1", "yes", "y", "true"}
_NO_REASON = Text("不适用的，请在此格写明原因", "Write here why it does not apply")
_DASH = Text(
    "空白、0 和不适用是三回事：未报请留空，为零请填 0，不适用请在“不适用原因”中写明",
    "Blank, zero and not applicable differ: leave it empty, write 0, or give the reason why it"
    " does not apply in its column",
)
_TOO_LONG = Text(f"至多 {_LONGEST_TEXT} 个字符", f"At most {_LONGEST_TEXT} characters")
_HIDDEN = Text(
    "该行被隐藏却有内容：请取消隐藏，或删除该行", "The row is hidden: show it or delete it"
)

HIDDEN_ROW = Fault("", "hidden-row", _HIDDEN)

_BEYOND = Text(
    "{cell} 在最后一个表头之后，不知道是什么：数字中是否有逗号，或该行多了一格？请改正或清空",
    "{cell} stands behind the last heading: is a comma inside a number, or is there a cell too"
    " many? Correct the row, or empty it",
)


@dataclass(frozen=True, slots=True)
class ParsedRow(Generic[_Row]):
    """A parsed row of a sheet; `row` is None if it is `blank`, or no row of values."""

    number: int
    row: _Row | None
    blank: bool = False


def is_no_row(row: SheetRow) -> bool:
    """Return whether it is a row of totals, or below the table."""
    said = unicodedata.normalize("NFKC", trimmed(next(iter(row.cells.values())).text))
    return said.startswith(_FOOTERS) or total_in(row) is not None


def beyond_headings(row: SheetRow, column: int) -> Fault:
    """Return the fault of a row that has a value behind the last heading."""
    cell = cell_name(row.number, column)
    shown = row.cells[column].text[:LONGEST_SHOWN]
    return Fault("", "cell-beyond-headings", _BEYOND.format(cell=cell), shown)


def total_in(row: SheetRow) -> str | None:
    """Return the word that marks a row as one of totals; None: it is none."""
    first_texts = (
        "".join(unicodedata.normalize("NFKC", one.text).split()).lower()
        for one in list(row.cells.values())[:3]
    )
    return next((text for text in first_texts if text in _TOTALS), None)


def text_of(row: SheetRow, at: Mapping[str, int], key: str) -> str:
    """Return the text of a column, whatever the kind of its cell."""
    cell = row.cells.get(at.get(key, 0))
    return "" if cell is None else trimmed(cell.text)


def period_of(row: SheetRow, at: Mapping[str, int]) -> str:
    """Return the period that a row names; empty where it names none."""
    cell = row.cells.get(at.get("period", 0))
    if cell is None:
        return ""
    # Spreadsheet programs turn 2025-09 into the first of that month as soon as it is typed.
    month = _MONTH.fullmatch(cell.text) if cell.kind == "date" else None
    return month[1] if month else trimmed(cell.text)


def unit_of(said: str, plan: PlanState) -> str:
    """Return the code of a unit by its name, alias or code; an unknown text unchanged."""
    for entry in plan.document.organizations:
        if said in {entry.code, entry.name, *entry.aliases}:
            return entry.code
    return said


def words_of(row: SheetRow, at: Mapping[str, int], key: str, faults: list[Fault]) -> str:
    """Return the text of a column; faults are appended to `faults`."""
    cell = row.cells.get(at.get(key, 0))
    if cell is None:
        return ""
    if cell.kind in {"error", "uncalculated"}:
        faults.append(cell_fault(key, cell))
        return ""
    text = trimmed(cell.text)
    if len(text) > _LONGEST_TEXT:
        shown = text[:LONGEST_SHOWN]
        faults.append(Fault(f"/{key}", "string-too-long", _TOO_LONG, shown))
        return ""
    return text


def is_blank_reason(cell: Cell) -> bool:
    """Return whether a cell states that there is no reason why a value would not apply."""
    said = unicodedata.normalize("NFKC", trimmed(cell.text)).lower()
    return not said or said in _NOT or said in _DASHES or (cell.kind, said) == ("boolean", "0")


def reason_of(row: SheetRow, at: Mapping[str, int], faults: list[Fault]) -> str:
    """Return why a value does not apply; faults are appended to `faults`.

    Sheets also ask 是否不适用: 否 gives no reason, and neither does 是.
    """
    cell = row.cells.get(at.get(NOT_APPLICABLE, 0))
    if cell is None or is_blank_reason(cell):
        return ""
    said = unicodedata.normalize("NFKC", trimmed(cell.text)).lower()
    if cell.kind == "boolean" or said in _YES:
        shown = cell.text[:LONGEST_SHOWN]
        faults.append(Fault(f"/{NOT_APPLICABLE}", "reason-missing", _NO_REASON, shown))
        return ""
    return words_of(row, at, NOT_APPLICABLE, faults)


def number_of(key: str, cell: Cell) -> Decimal | Fault | None:
    """Return the number of a cell, or its fault; None: it is blank."""
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
        return cell_fault(key, cell)
    if not text:
        return None
    if unicodedata.normalize("NFKC", text).lower() in _DASHES or text in _DASHES:
        return Fault(f"/{key}", "dash-for-number", _DASH, text)
    try:
        return exact(text)
    except ValueError:
        return Fault(f"/{key}", "decimal", advice(text), text[:LONGEST_SHOWN])


def cell_fault(key: str, cell: Cell) -> Fault:
    """Return the fault of a cell whose kind holds no value."""
    code, words = _CELL_FAULTS[cell.kind]
    return Fault(f"/{key}", code, words, cell.text[:LONGEST_SHOWN] or None)


_DAY = re.compile(r"(?P<y>[0-9]{4})([-/.年])(?P<m>[0-9]{1,2})([-/.月])(?P<d>[0-9]{1,2})日?")
_DIGITS = re.compile(r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})")
_FIRST, _LAST = date(1990, 1, 1), date(2100, 12, 31)
_NO_DAY = Text(
    "应为日期，如 2026-09-30、2026/9/30 或 2026年9月30日",
    "Must be a day, such as 2026-09-30 or 2026/9/30",
)


def day_of(key: str, cell: Cell) -> date | Fault | None:
    """Return the day of a cell, in any common notation, or its fault; None: it is blank."""
    text = unicodedata.normalize("NFKC", trimmed(cell.text))
    if cell.kind in {"error", "boolean", "uncalculated"}:
        return cell_fault(key, cell)
    if not text:
        return None
    written = text.partition("T")[0] if cell.kind == "date" else text
    found = _DAY.fullmatch(written) or _DIGITS.fullmatch(written)
    try:
        day = None if found is None else date(*(int(found[part]) for part in "ymd"))
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        return Fault(f"/{key}", "date", _NO_DAY, text[:LONGEST_SHOWN])
    return day
