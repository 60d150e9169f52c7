"""Writes workbooks: no text becomes a formula, and equal content gives equal bytes."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from io import BytesIO

import xlsxwriter
from typing_extensions import override
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet as SheetWriter

from services.core.kit.decimals import plain
from services.core.sheets.cells import Cell, CellKind, day_number, number_text

__all__ = ["NUMBER_FORMATS", "Format", "SheetWriter", "new_workbook", "write_cell", "write_number"]

NUMBER_FORMATS: Mapping[CellKind, str] = {"percent": "0.00%", "date": "yyyy-mm-dd"}
"""The number formats of those kinds of cells that need one."""

_LONGEST_TEXT = 32_767
_NO_VALUE = "=NA()"
"""Replaces a formula whose value is unknown: calculating it gives no value either."""
_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 (a workbook says its time without a zone)


def new_workbook(target: BytesIO, *, streams: bool = False) -> xlsxwriter.Workbook:
    """Return a workbook that is written into `target` when it is closed.

    With `streams` it keeps one row in memory, and rows have to be written from top to bottom; its
    formulas need not be calculated before they are read.
    """
    book = xlsxwriter.Workbook(
        target,
        {
            "constant_memory": streams,
            "in_memory": not streams,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"created": _CREATED})
    book.calc_on_load = not streams
    return book


def write_number(sheet: SheetWriter, row: int, column: int, number: Decimal, style: Format) -> None:
    """Write a number, or a text where a double cannot hold all of its digits."""
    text = plain(number)
    if number_text(text[:64], computed=False) == text:
        sheet.write_number(row, column, float(number), style)
    else:
        sheet.write_string(row, column, text, style)


def write_cell(sheet: SheetWriter, row: int, column: int, cell: Cell, style: Format) -> None:
    """Write a cell so that reading it gives the same cell again; row and column from 0.

    `style` has the `NUMBER_FORMATS` of its kind. A formula without a value gets none; a text too
    long for a cell is cut.
    """
    if cell.kind in {"number", "percent"}:
        write_number(sheet, row, column, Decimal(cell.text), style)
    elif cell.kind == "imprecise":
        sheet.write_number(row, column, _AsStored(cell.text), style)
    elif cell.kind == "boolean":
        sheet.write_boolean(row, column, cell.text in {"1", "true"}, style)
    elif cell.kind == "uncalculated":
        sheet.write_formula(row, column, _NO_VALUE, style, "")
    elif cell.kind == "error":
        error = cell.text if cell.text in _ERRORS else "#N/A"
        sheet.write_formula(row, column, _NO_VALUE, style, error)
    elif cell.kind == "date" and (day := _day_number(cell.text)) is not None:
        sheet.write_number(row, column, day, style)
    else:
        sheet.write_string(row, column, cell.text[:_LONGEST_TEXT], style)


class _AsStored(float):
    """A double that is written with all of its digits, because fewer may give another number."""

    @override
    def __format__(self, _: str, /) -> str:
        return repr(float(self))


def _day_number(text: str) -> float | None:
    try:
        return day_number(text)
    except ValueError:
        return None
