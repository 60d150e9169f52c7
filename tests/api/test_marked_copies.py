"""The marked copy sent back: what nobody put right is the same fault, what was right is right."""

import datetime as dt
import io
from collections.abc import Iterable, Sequence
from typing import Any

import openpyxl

from services.core.imports.marking import FAULT_SHEET
from tests.support.api import Door
from tests.support.imports import HEADINGS, checked, confirmed, faults_of, places, row_of, values
from tests.support.workbooks import cell, sheet_xml, workbook

AT = {heading: at for at, heading in enumerate(HEADINGS, 1)}
COUNTS = ("rows", "blank", "ignored", "faults", "created", "updated", "unchanged")


def book_of(*rows: Iterable[Any]) -> openpyxl.Workbook:
    """Return rows below headings as another program's workbook."""
    book = openpyxl.Workbook()
    for row in (HEADINGS, *rows):
        book.active.append(list(row))
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    """Return a workbook's bytes."""
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


async def copy_of(door: Door, import_id: str) -> bytes:
    """Return the marked copy."""
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.get(f"/imports/{import_id}/marked.xlsx")
    assert answer.status_code == 200, answer.text
    return answer.content


async def sent_and_sent_back(door: Door, content: bytes) -> bytes:
    """Return the copy of a file, which has the faults and the counts of the file itself."""
    found = await checked(door, content)
    assert found["faults"], found
    copy = await copy_of(door, found["id"])
    again = await checked(door, copy)
    assert await faults_of(door, again["id"]) == await faults_of(door, found["id"])
    assert [again[one] for one in COUNTS] == [found[one] for one in COUNTS]
    twice = await checked(door, await copy_of(door, again["id"]))
    assert [twice[one] for one in COUNTS] == [found[one] for one in COUNTS]
    return copy


async def test_what_nobody_put_right_is_the_same_fault_once_more(door: Door) -> None:
    at = places(9)
    wrong = [0.95, 1234567890123456, 0.1 + 0.2, True, False, "=1/0", "=A1", "—"]
    rows = [row_of(*place, one) for place, one in zip(at, wrong, strict=False)]
    book = book_of(*rows, row_of(*at[8], dt.date(2025, 11, 1)))
    book.active.cell(2, AT["本期值"]).number_format = "0%"
    copy = await sent_and_sent_back(door, saved(book))
    page = openpyxl.load_workbook(io.BytesIO(copy)).worksheets[0]
    assert page.cell(2, AT["本期值"]).number_format.endswith("%")
    assert page.cell(2, AT["本期值"]).fill.start_color.rgb == "FFFFC7CE"


async def test_an_error_that_a_formula_came_to_is_the_same_fault_once_more(door: Door) -> None:
    (at,) = places(1)
    heads = [cell(f"{chr(65 + n)}1", one, "inlineStr") for n, one in enumerate(HEADINGS)]
    row = [
        cell("A2", at[0], "inlineStr"),
        cell("D2", at[1], "inlineStr"),
        cell("E2", "#DIV/0!", "e", formula="1/0"),
    ]
    rows = f'<row r="1">{"".join(heads)}</row><row r="2">{"".join(row)}</row>'
    await sent_and_sent_back(door, workbook(sheet_xml(rows)))


async def test_hidden_rows_and_columns_and_merged_cells_are_so_in_the_copy(door: Door) -> None:
    at = places(4)
    book = book_of(*(row_of(*one, 1) for one in at))
    page = book.active
    page.merge_cells(start_row=2, end_row=3, start_column=AT["本期值"], end_column=AT["本期值"])
    page.row_dimensions[5].hidden = True
    page.column_dimensions["H"].hidden = True
    copy = await sent_and_sent_back(door, saved(book))
    told = [one.value for one in openpyxl.load_workbook(io.BytesIO(copy))[FAULT_SHEET]["A"][1:]]
    assert told == sorted(told)


async def test_what_was_right_stays_right_beside_what_was_not(door: Door) -> None:
    """A month that a program took for a day, a number with all its digits, words like numbers."""
    (wrong, *right) = places(4)
    month = dt.date(int(right[0][1][:4]), int(right[0][1][5:]), 1)
    book = book_of(
        row_of(*wrong, True),
        row_of(right[0][0], "", 40.65, 报告期=month, 备注="007"),
        row_of(*right[1], 0.000123456789012345),
        row_of(*right[2], "40.00000000000000000001"),
    )
    copy = await sent_and_sent_back(door, saved(book))
    mended = openpyxl.load_workbook(io.BytesIO(copy))
    mended.worksheets[0].cell(2, AT["本期值"]).value = 12.5
    found = await checked(door, saved(mended))
    assert (found["faults"], found["created"]) == (0, 4)
    assert (await confirmed(door, found["id"]))["state"] == "succeeded"
    stored: Sequence[Any] = await values(door, wrong, *right)
    assert stored == ["12.5", "40.65", "0.000123456789012345", "40.00000000000000000001"]


async def test_a_text_longer_than_a_cell_is_too_long_in_the_copy_too(door: Door) -> None:
    (at,) = places(1)
    lines = [",".join(HEADINGS), f"{at[0]},,,{at[1]},1,,,{'字' * 40_000}"]
    await sent_and_sent_back(door, "\n".join(lines).encode())
