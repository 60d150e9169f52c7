"""A register as a form: the rows that a unit keeps, with empty rows below. Pure.

It comes back as any other sheet of the register. A hidden column tells which cells nobody touched
since it was made. Those are ignored, so that an old form reverts nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from services.core.imports.as_made import mark_of
from services.core.imports.layout import write_stamp
from services.core.imports.register_sheet import sheet_name_of
from services.core.imports.register_stamps import register_stamp
from services.core.imports.sheet_forms import AS_MADE, Filled
from services.core.kit.decimals import exact
from services.core.kit.sealing import Seal
from services.core.plan.register_entries import ColumnType, Register, RegisterColumn
from services.core.plan.state import PlanState
from services.core.registers.judging import Cells
from services.core.registers.rules import MOST_ROWS
from services.core.sheets.workbook_writing import Format, SheetWriter, new_workbook, write_number

_HEADING_ROW = 3
_LONGEST_LIST = 255
_FONT = {"font_name": "宋体", "font_size": 10, "valign": "vcenter"}
_HEAD = {**_FONT, "bold": True, "align": "center", "border": 1, "text_wrap": True}
_KEY = {**_FONT, "border": 1, "text_wrap": True, "bg_color": "#EDEDED", "num_format": "@"}
_TO_FILL = {**_FONT, "border": 1, "text_wrap": True, "bg_color": "#FFF9C4", "locked": False}
_PROTECTION = {"format_columns": True, "format_rows": True, "autofilter": True, "sort": True}
_WIDTHS: Mapping[ColumnType, int] = {
    "text": 24,
    "organization": 20,
    "choice": 16,
    "date": 13,
    "yes_no": 8,
    "month": 10,
    "decimal": 12,
    "integer": 12,
}
_TYPES: Mapping[ColumnType, str] = {
    "text": "文字",
    "organization": "单位名称",
    "choice": "从列表中选择",
    "date": "日期，如 2026-03-20",
    "yes_no": "是 或 否",
    "month": "月份，如 2026-03",
    "decimal": "数字",
    "integer": "整数",
}
_GUIDE = (
    "黄色单元格填写；灰色为主键，已登记的行不能改主键，新增的行请接在下面填写。",
    "红色表头为必填。按主键识别各行：主键相同的行被修改，没有的行被新增；没有改动的行不受影响。",
    "清空单元格不会删除原有内容；注销、移出名单请在系统中办理，不要删行。",
    "填好后保存为 .xlsx，上传到本台账；每次至多 5,000 行。",
)


def register_form(
    register: Register, plan: PlanState, unit: str, rows: Sequence[Cells], seal: Seal | None
) -> tuple[str, bytes]:
    """Return the file name and the workbook with a unit's rows, in their order.

    A signed stamp says for which unit it was made; without a `seal` there is none, and the form is
    taken from anybody. The same rows give the same bytes. This is CPU-bound work.
    """
    made = BytesIO()
    book = new_workbook(made)
    sheet = book.add_worksheet(sheet_name_of(register))
    _write_heads(book, sheet, register, plan, unit)
    _write_rows(book, sheet, register, plan, rows)
    _write_guide(book, register)
    if seal is not None:
        write_stamp(book, register_stamp(register, plan, unit).signed(seal))
    book.close()
    name = f"{register.code}-{unit}-{register.name}-{plan.organization_name(unit)}.xlsx"
    return name, made.getvalue()


def _write_heads(
    book: Workbook, sheet: SheetWriter, register: Register, plan: PlanState, unit: str
) -> None:
    title = book.add_format({**_FONT, "font_size": 16, "bold": True})
    sheet.write_string(0, 0, f"{plan.document.city.name}{register.name}台账", title)
    of = f"填报单位：{plan.organization_name(unit)}（{unit}）"
    sheet.write_string(1, 0, of, book.add_format(_FONT))
    head = book.add_format(_HEAD)
    required = book.add_format({**_HEAD, "font_color": "#C00000"})
    for at, column in enumerate(register.columns):
        style = required if column.required else head
        sheet.write_string(_HEADING_ROW - 1, at, _heading(column), style)
    sheet.write_string(_HEADING_ROW - 1, len(register.columns), AS_MADE, head)


def _heading(column: RegisterColumn) -> str:
    return column.name if column.unit is None else f"{column.name}（{column.unit}）"


def _write_rows(
    book: Workbook,
    sheet: SheetWriter,
    register: Register,
    plan: PlanState,
    rows: Sequence[Cells],
) -> None:
    key, to_fill = book.add_format(_KEY), book.add_format(_TO_FILL)
    below = book.add_format({**_FONT, "locked": False})
    last = _HEADING_ROW + MOST_ROWS
    for at, column in enumerate(register.columns):
        sheet.set_column(at, at, _WIDTHS[column.type], below)
        if choices := _choices(column, plan):
            listed = {"validate": "list", "source": choices, "error_type": "warning"}
            sheet.data_validation(_HEADING_ROW, at, last, at, listed)
    sheet.set_column(len(register.columns), len(register.columns), None, None, {"hidden": True})
    for number, said in enumerate(rows, _HEADING_ROW):
        shown = {one.code: _shown(one, said.get(one.code), plan) for one in register.columns}
        for at, column in enumerate(register.columns):
            style = key if column.code in register.key else to_fill
            _write(sheet, number, at, shown[column.code], style)
        kept = {name: one for name, one in shown.items() if name not in register.key}
        mark = mark_of(kept, [shown[code] for code in register.key])
        if mark is not None:
            sheet.write_string(number, len(register.columns), mark)
    sheet.freeze_panes(_HEADING_ROW, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEADING_ROW - 1)
    sheet.protect("", _PROTECTION)


def _choices(column: RegisterColumn, plan: PlanState) -> list[str]:
    """Return the choices of a column; empty where the list would be too long for a workbook."""
    offered: Mapping[str, Callable[[], Iterable[str]]] = {
        "choice": lambda: (one.name for one in column.choices),
        "yes_no": lambda: ("是", "否"),
        "organization": lambda: (one.name for one in plan.document.organizations if one.submits),
    }
    names = list(offered[column.type]()) if column.type in offered else []
    return names if len(",".join(names)) <= _LONGEST_LIST else []


def _shown(column: RegisterColumn, value: Any, plan: PlanState) -> Filled:
    """Return the cell of a value, in words that are parsed back."""
    if value is None:
        return None
    if column.type in {"decimal", "integer"}:
        return exact(str(value))
    if column.type == "yes_no":
        return "是" if value else "否"
    if column.type == "choice":
        return next((one.name for one in column.choices if one.code == value), str(value))
    return plan.organization_name(value) if column.type == "organization" else str(value)


def _write(sheet: SheetWriter, row: int, at: int, held: Filled, style: Format) -> None:
    if isinstance(held, Decimal):
        write_number(sheet, row, at, held, style)
    elif held:
        sheet.write_string(row, at, held, style)
    else:
        sheet.write_blank(row, at, None, style)


def _write_guide(book: Workbook, register: Register) -> None:
    sheet = book.add_worksheet("填表说明")
    line = book.add_format({**_FONT, "text_wrap": True})
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 2, 12)
    sheet.set_column(3, 3, 70)
    for at, text in enumerate(_GUIDE):
        sheet.merge_range(at, 0, at, 3, text, line)
    start = len(_GUIDE) + 1
    for at, text in enumerate(("列", "必填", "填写", "说明")):
        sheet.write_string(start, at, text, line)
    for number, column in enumerate(register.columns, start + 1):
        said = (
            _heading(column),
            "是" if column.required else "",
            _TYPES[column.type],
            column.note or "",
        )
        for at, text in enumerate(said):
            sheet.write_string(number, at, text, line)
    sheet.protect()
