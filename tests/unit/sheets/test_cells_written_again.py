"""A cell that is written as it was read is read as the same again, of whatever kind it is."""

from io import BytesIO
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.sheets.cells import Cell, CellKind, date_text, day_number
from services.core.sheets.sheet_file import SheetFile
from services.core.sheets.workbook_writing import NUMBER_FORMATS, new_workbook, write_cell

CELLS = [
    Cell("text", "约95"),
    Cell("text", "=1+1"),
    Cell("text", " 40.65 "),
    Cell("text", "_x0041_"),
    Cell("text", "1234567890123456"),
    Cell("number", "-2.4"),
    Cell("number", "0"),
    Cell("percent", "0.95"),
    Cell("percent", "-0.00123"),
    Cell("date", "2025-11-01"),
    Cell("date", "1900-01-01"),
    Cell("date", "1900-02-28"),
    Cell("date", "1900-03-01"),
    Cell("date", "9999-12-31"),
    Cell("date", "2025-11-01T08:30:15"),
    Cell("date", "not a day"),
    Cell("boolean", "1"),
    Cell("boolean", "0"),
    Cell("error", "#DIV/0!"),
    Cell("error", "#REF!"),
    Cell("error", "#N/A"),
    Cell("uncalculated", ""),
    Cell("imprecise", "1234567890123456.0"),
    Cell("imprecise", "0.30000000000000004"),
    Cell("imprecise", "40.123456789012344"),
]


def again(*cells: Cell) -> list[Cell]:
    """Return what is read of cells that were written in a row."""
    made = BytesIO()
    book = new_workbook(made, streams=True)
    sheet = book.add_worksheet("a")
    for at, cell in enumerate(cells):
        shown = NUMBER_FORMATS.get(cell.kind)
        style = book.add_format({} if shown is None else {"num_format": shown})
        write_cell(sheet, 0, at, cell, style)
    book.close()
    file = SheetFile(made.getvalue())
    (row,) = file.table(file.sheets[0]).rows()
    return list(row.cells.values())


def test_each_kind_of_cell_stays_what_it_was() -> None:
    assert {one.kind for one in CELLS} == set(get_args(CellKind))
    unlike = [
        (cell, found)
        for cell, found in zip(CELLS, again(*CELLS), strict=True)
        if cell != found and cell.text != "not a day"
    ]
    assert unlike == []


@given(st.floats(min_value=-1e15, max_value=1e15, allow_nan=False))
def test_a_double_of_more_than_15_digits_is_not_taken_the_second_time(number: float) -> None:
    text = repr(number)
    assert again(Cell("imprecise", text))[0].kind == (
        "imprecise" if float(f"{number:.15g}") != number else "number"
    )


@pytest.mark.parametrize(
    "cell", [Cell("error", "-5"), Cell("error", "#SPILL!"), Cell("error", "=cmd()")]
)
def test_an_error_that_no_formula_has_is_one_all_the_same(cell: Cell) -> None:
    assert again(cell) == [Cell("error", "#N/A")]


def test_a_text_that_no_cell_holds_is_cut_and_not_lost() -> None:
    (found,) = again(Cell("text", "字" * 40_000))
    assert found == Cell("text", "字" * 32_767)


@given(st.integers(0, 2_958_465), st.integers(0, 86_399))
def test_a_day_s_number_and_its_text_are_one(day: int, second: int) -> None:
    text = date_text(repr(day + second / 86_400), from_1904=False)
    assert date_text(repr(day_number(text)), from_1904=False) == text
