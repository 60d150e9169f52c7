"""Rows counted while a file comes in are those that it has, however its bytes are cut."""

import csv
import io
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from services.api.exports.columns import shape_of
from services.api.exports.writing import WRITERS
from services.api.submissions.schemas import SubmissionListOut
from services.api.table_forms import Form
from services.console.counting_rows import RowCounter, counter_of
from tests.support.sheets import read_workbook
from tests.support.workbooks import rows_xml, sheet_xml, workbook

_CUTS = st.lists(st.integers(1, 300), max_size=40)


def counted(content: bytes, suffix: str, cuts: list[int]) -> int:
    """Return the rows that are counted in bytes that come in cut like this."""
    counter: RowCounter | None = counter_of(suffix)
    assert counter is not None
    for cut in cuts:
        counter.hear(content[:cut])
        content = content[cut:]
    counter.hear(content)
    return counter.rows


@given(
    rows=st.lists(st.lists(st.text(alphabet='a",\n无', max_size=6), min_size=1, max_size=3)),
    cuts=_CUTS,
)
def test_rows_of_csv_are_those_that_a_reader_finds(rows: list[list[str]], cuts: list[int]) -> None:
    made = io.StringIO(newline="")
    csv.writer(made, quoting=csv.QUOTE_ALL).writerows(rows)
    assert counted(made.getvalue().encode(), ".csv", cuts) == len(rows)


@given(rows=st.integers(0, 40), cuts=_CUTS)
def test_rows_of_a_workbook_are_those_of_its_sheets(rows: int, cuts: list[int]) -> None:
    shape = shape_of(SubmissionListOut)
    assert shape is not None
    table = shape.tables[0]
    with closing(WRITERS[Form.XLSX]("zh-CN")) as writer:
        writer.begin(table)
        writer.write([{"id": f"{number}"} for number in range(rows)])
        writer.end()
        content = writer.taken()
    (found,) = read_workbook(content).values()
    assert counted(content, ".xlsx", cuts) == len(found) == rows + 1


@given(cuts=_CUTS)
def test_a_workbook_whose_sizes_stand_before_its_parts_is_counted_too(cuts: list[int]) -> None:
    page = sheet_xml(rows_xml(["甲"], ["乙"], ["丙"]))
    assert counted(workbook(page, page), ".xlsx", cuts) == 6


def test_what_is_no_table_is_not_counted() -> None:
    assert counter_of(".zip") is None
    assert counted(b"PK\x03\x04 nothing of the kind" * 9, ".xlsx", [7, 31]) == 0
