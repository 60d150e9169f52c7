"""Forms as the API makes them and as a clerk fills them in."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import openpyxl

from services.core.imports.sheet_forms import FORM_SHEET
from services.core.sheets.sheet_file import SheetFile
from tests.support.api import XINMI, Door

TEMPLATES = f"/plans/{XINMI}/templates"


def sheet(content: bytes, name: str = FORM_SHEET) -> list[dict[int, str]]:
    """Return the cells of a sheet by column, row by row."""
    file = SheetFile(content)
    table = file.table(file.sheet_named(name))
    return [{at: cell.text for at, cell in row.cells.items()} for row in table.rows()]


def by_heading(content: bytes) -> dict[str, dict[str, str]]:
    """Return the rows of a form by the code in its second column, cells by heading."""
    _, _, heads, *rows = sheet(content)
    return {row[2]: {heads[at]: text for at, text in row.items()} for row in rows if row.get(2)}


async def form(door: Door, name: str = "indicators", **asked: str) -> httpx.Response:
    """Return the answer to a unit that asks for a form."""
    async with await door.as_("reporter", "UN15") as unit:
        return await unit.get(f"{TEMPLATES}/{name}.xlsx", params=asked)


Cells = Mapping[str, Mapping[str, Any]]


def filled(content: bytes, cells: Cells, *, change: Callable[[Any], None] | None = None) -> bytes:
    """Return a form as another program saves it, with cells by indicator and heading."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book[FORM_SHEET]
    heads = {cell.value: cell.column for cell in page[3]}
    rows = {page.cell(row, 2).value: row for row in range(4, page.max_row + 1)}
    for code, said in cells.items():
        for heading, value in said.items():
            page.cell(rows[code], heads[heading]).value = value
    if change is not None:
        change(book)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
