"""Workbooks that are written: no text becomes a formula, and the same gives the same bytes."""

from datetime import datetime
from decimal import Decimal
from io import BytesIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet as SheetWriter

from services.core.kit.decimals import plain
from services.core.sheets.cells import number_text

__all__ = ["Format", "SheetWriter", "new_workbook", "write_number"]

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 (a workbook says its time without a zone)


def new_workbook(target: BytesIO, *, streams: bool = False) -> xlsxwriter.Workbook:
    """Return a workbook that is written into `target` when it is closed.

    One that `streams` holds a row at a time, which are then written from the top to the bottom.
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
    return book


def write_number(sheet: SheetWriter, row: int, column: int, number: Decimal, style: Format) -> None:
    """Write a number as one, or as text where a double does not hold all of its digits."""
    text = plain(number)
    if number_text(text[:64], computed=False) == text:
        sheet.write_number(row, column, float(number), style)
    else:
        sheet.write_string(row, column, text, style)
