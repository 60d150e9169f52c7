"""Writes a filled form as a workbook in the official layout, reproducible byte for byte.

Printed cells are grey and locked, cells to fill in are yellow; a hidden sheet carries the stamp.
"""

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO

from xlsxwriter import Workbook

from services.core.imports.prefilled import FilledForm, FilledRow
from services.core.imports.sheet_forms import (
    FOOTER,
    FORM_SHEET,
    STAMP_SHEET,
    FormColumn,
    SheetKind,
)
from services.core.kit.file_names import as_file_name
from services.core.sheets.workbook_writing import Format, SheetWriter, new_workbook, write_number

HEADING_ROW = 3
"""The row of the headings, from 1; above it are the title and the form's context."""

_A4 = 9
_LONGEST_LIST = 255
_FONT = {"font_name": "宋体", "font_size": 10, "valign": "vcenter"}
_TITLE = {**_FONT, "font_size": 16, "bold": True, "align": "center"}
_HEAD = {**_FONT, "bold": True, "align": "center", "border": 1, "text_wrap": True}
_PRINTED = {**_FONT, "border": 1, "text_wrap": True, "bg_color": "#EDEDED", "num_format": "@"}
_TO_FILL = {**_FONT, "border": 1, "text_wrap": True, "bg_color": "#FFF9C4", "locked": False}
_PROTECTION = {"format_columns": True, "format_rows": True, "autofilter": True}

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Heads:
    """The lines above the rows: the title, and the form's context side by side."""

    title: str
    said: tuple[str, ...]


def form_workbook(filled: FilledForm, heads: Heads, stamp: Mapping[str, str] | None) -> bytes:
    """Return a form as a workbook; one without a stamp is recognized by its headings."""
    made = BytesIO()
    book = new_workbook(made)
    sheet = book.add_worksheet(FORM_SHEET)
    _write_heads(book, sheet, filled, heads)
    _write_rows(book, sheet, filled)
    _set_page(sheet, filled)
    _write_guide(book, filled)
    if stamp is not None:
        write_stamp(book, stamp)
    book.close()
    return made.getvalue()


def _write_heads(book: Workbook, sheet: SheetWriter, filled: FilledForm, heads: Heads) -> None:
    columns = filled.form.columns
    last = len(columns) - 1
    sheet.merge_range(0, 0, 0, last, heads.title, book.add_format(_TITLE))
    line = book.add_format(_FONT)
    said = heads.said
    width = len(columns) // len(said)
    for at, text in enumerate(said):
        end = last if at == len(said) - 1 else (at + 1) * width - 1
        sheet.merge_range(1, at * width, 1, end, text, line)
    head = book.add_format(_HEAD)
    for at, column in enumerate(columns):
        sheet.write_string(HEADING_ROW - 1, at, column.heading, head)
        sheet.set_column(at, at, column.width)


def _write_rows(book: Workbook, sheet: SheetWriter, filled: FilledForm) -> None:
    printed, to_fill = book.add_format(_PRINTED), book.add_format(_TO_FILL)
    for at, row in enumerate(filled.rows, HEADING_ROW):
        for number, column in enumerate(filled.form.columns):
            style = to_fill if column.filled and not row.locked else printed
            _write(sheet, at, number, row, column, style)
    sheet.write_string(HEADING_ROW + len(filled.rows), 0, FOOTER, book.add_format(_FONT))


def _write(
    sheet: SheetWriter, at: int, number: int, row: FilledRow, column: FormColumn, style: Format
) -> None:
    held = row.cells.get(column.key)
    if isinstance(held, Decimal):
        write_number(sheet, at, number, held, style)
    elif held:
        sheet.write_string(at, number, held, style)
    else:
        sheet.write_blank(at, number, None, style)
    choices = list(row.choices.get(column.key, ()))
    if choices and len(",".join(choices)) <= _LONGEST_LIST:
        sheet.data_validation(at, number, at, number, {"validate": "list", "source": choices})


def _set_page(sheet: SheetWriter, filled: FilledForm) -> None:
    sheet.protect("", _PROTECTION)
    sheet.freeze_panes(HEADING_ROW, 3)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADING_ROW - 1)
    sheet.print_area(0, 0, HEADING_ROW + len(filled.rows), len(filled.form.columns) - 1)
    hidden = [at for at, one in enumerate(filled.form.columns) if one.hidden]
    for at in hidden:
        sheet.set_column(at, at, None, None, {"hidden": True})


_GUIDE = (
    "1. 只填写黄色单元格；灰色单元格为方案和上期内容，已锁定，请核对。",
    "2. 空白表示未报，不等于 0；不适用的，请在“不适用原因”中写明原因。",
    "3. 数值请直接输入数字，不带单位和百分号：百分之九十五写 95。",
    "   超过 15 位的数字，请先把单元格设为文本格式再输入。",
    "4. 有分子、分母的指标请填写分子和分母，本期值由系统计算；等级类指标请在“本期等级”中选择。",
    "5. 请勿增删工作表、合并单元格或使用公式；填好后保存为 .xlsx 上传。",
    "6. 本表只用于上方所写的单位和报告期；用于其他单位或报告期时，请另行下载。",
)
_GUIDE_OF_ASSESSMENTS = (
    "1. 只填写黄色单元格；每行是一个对象的一项，填什么见“填写要求”。灰色行已提交，须先退回才能改。",
    "2. 空白表示尚未评，不等于 0；没有缺少、没有问题的填 无；不适用的，在“不适用原因”中写明。",
    "3. 改动了的行按整行填写；没有改动的行、全部留空的行不改变原有内容。得分由系统计算。",
    "4. 几个名称之间用分号（；）隔开；各问题次数、各路径数值写作 名称=数，如 乱堆=2；外溢=1。",
    "5. 同一对象的各行请放在一起。评估村（社区）的，请复制各行并填写编号、名称和责任单位。",
    "6. 填好后保存为 .xlsx，作为该评估细则的导入上传；检查无误并确认后才写入。",
)
_GUIDE_OF_TASKS = (
    "1. 只填写黄色单元格；灰色单元格为方案和已报内容，已锁定，请核对。",
    "2. 黄色单元格中是上次所报的内容；没有新情况的不必改动，清空的单元格按没有新情况处理。",
    "3. 完成百分比填 0 至 100 的数字，不带百分号；预计完成填日期，如 2026-09-30。",
    "4. 待签收的里程碑请先在系统中签收；已申请销号的，退回后才能再报进展。",
    "5. 请勿增删工作表、合并单元格或使用公式；填好后保存为 .xlsx 上传。",
    "6. 本表只用于上方所写的单位；用于其他单位时，请另行下载。",
)


_GUIDES: Mapping[SheetKind, tuple[str, ...]] = {
    "indicators": _GUIDE,
    "tasks": _GUIDE_OF_TASKS,
    "assessments": _GUIDE_OF_ASSESSMENTS,
}


def _write_guide(book: Workbook, filled: FilledForm) -> None:
    sheet = book.add_worksheet("填表说明")
    line = book.add_format({**_FONT, "text_wrap": True})
    sheet.set_column(0, 0, 100)
    for at, text in enumerate(_GUIDES[filled.form.name]):
        sheet.write_string(at, 0, text, line)
    sheet.protect()


def write_stamp(book: Workbook, stamp: Mapping[str, str]) -> None:
    """Write a stamp into a hidden sheet."""
    sheet = book.add_worksheet(STAMP_SHEET)
    for at, (name, value) in enumerate(stamp.items()):
        sheet.write_string(at, 0, name)
        sheet.write_string(at, 1, value)
    sheet.protect()
    sheet.very_hidden()


def bundle(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return files, which are already compressed, as one archive without timestamps.

    They all lie in its root: a unit's name cannot lead into a folder.
    """
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as out:
        for name, content in files:
            out.writestr(zipfile.ZipInfo(as_file_name(name), _ZIP_DATE), content)
    return made.getvalue()
