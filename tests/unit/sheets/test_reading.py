"""What is in a sheet is what comes out: to the last digit, whatever wrote the file."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.sheets.cells import (
    Cell,
    SheetRow,
    column_letters,
    column_number,
    date_text,
    format_of,
    number_text,
)
from services.core.sheets.errors import SheetRefused
from services.core.sheets.sheet_file import SheetFile
from tests.support.workbooks import cell, rows_xml, sheet_xml, styles_xml, texts_xml, workbook


def read(content: bytes, sheet: str | None = None) -> list[SheetRow]:
    """Return the rows of a file."""
    file = SheetFile(content)
    return list(file.table(file.chosen(sheet, "")).rows())


def cells(content: bytes) -> list[list[tuple[str, str]]]:
    """Return kind and text of each cell, row by row."""
    return [[(one.kind, one.text) for one in row.cells.values()] for row in read(content)]


def one_row(*held: str, **more: str) -> bytes:
    """Return a workbook of one row."""
    return workbook(sheet_xml(f'<row r="1">{"".join(held)}</row>'), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("40.649999999999999", "40.65"),
        ("40.65", "40.65"),
        ("99.5", "99.5"),
        ("0", "0"),
        ("-2.3999999999999999", "-2.4"),
        ("1.0E-2", "0.01"),
        ("1E+3", "1000"),
        ("123456789012345", "123456789012345"),
        ("100000000000000000000", "100000000000000000000"),
        ("1234567890123456", None),
        ("0.30000000000000004", None),
        ("40.123456789012345", None),
    ],
)
def test_a_number_is_the_shortest_that_its_double_stands_for(raw: str, meant: str | None) -> None:
    assert number_text(raw, computed=False) == meant


def test_what_a_formula_gives_is_taken_as_it_is_shown() -> None:
    assert number_text("0.30000000000000004", computed=True) == "0.3"


@pytest.mark.parametrize("raw", ["", "x", "nan", "inf", "1e999", "1_0", "0x1f", "9" * 70])
def test_what_is_no_number_is_not_taken_for_one(raw: str) -> None:
    with pytest.raises(ValueError, match=r"not|convert"):
        number_text(raw, computed=False)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    )
)
def test_a_decimal_of_few_digits_comes_back_from_its_double(meant: object) -> None:
    stored = f"{float(str(meant)):.17g}"
    back = number_text(stored, computed=False)
    assert back is not None
    assert float(back) == float(str(meant))
    assert len(back.strip("-0.").replace(".", "")) <= 15


@pytest.mark.parametrize(
    ("serial", "from_1904", "shown"),
    [
        ("45901", False, "2025-09-01"),
        ("44439", True, "2025-09-01"),
        ("1", False, "1900-01-01"),
        ("59", False, "1900-02-28"),
        ("61", False, "1900-03-01"),
        ("45901.5", False, "2025-09-01T12:00:00"),
    ],
)
def test_a_day_of_a_number_is_its_date(serial: str, from_1904: bool, shown: str) -> None:
    assert date_text(serial, from_1904=from_1904) == shown


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [
        (0, None, "number"),
        (9, None, "percent"),
        (10, None, "percent"),
        (14, None, "date"),
        (57, None, "date"),
        (164, "0.00%", "percent"),
        (164, 'yyyy"年"m"月"', "date"),
        (164, "[$-804]yyyy/m/d;@", "date"),
        (164, '0.00"m3"', "number"),
        (164, "[Red]#,##0.00", "number"),
        (164, "[h]:mm", "date"),
        (164, "General", "number"),
        (164, "0\\d", "number"),
    ],
)
def test_a_format_says_how_a_number_is_shown(number: int, code: str | None, kind: str) -> None:
    assert format_of(number, code) == kind


@given(st.integers(1, 16_384))
def test_letters_of_a_column_lead_back_to_it(number: int) -> None:
    assert column_number(column_letters(number)) == number


def test_every_kind_of_cell_is_known() -> None:
    styles = styles_xml(10, 164, codes={164: "yyyy-mm"})
    content = one_row(
        cell("A1", "0", "s"),
        cell("B1", "40.649999999999999"),
        cell("C1", "0.95", style=1),
        cell("D1", "45901", style=2),
        cell("E1", "1", "b"),
        cell("F1", "#DIV/0!", "e", formula="1/0"),
        cell("G1", "", formula="1+1"),
        cell("H1", "1234567890123456"),
        cell("I1", " _x4E2D_&文 ", "inlineStr"),
        cell("J1", "text", "str", formula="A1"),
        cell("K1", ""),
        cell("L1", "0.30000000000000004", formula="0.1+0.2"),
        texts=texts_xml(["指标"]),
        styles=styles,
    )
    assert cells(content) == [
        [
            ("text", "指标"),
            ("number", "40.65"),
            ("percent", "0.95"),
            ("date", "2025-09-01"),
            ("boolean", "1"),
            ("error", "#DIV/0!"),
            ("uncalculated", ""),
            ("imprecise", "1234567890123456"),
            ("text", " 中&文 "),
            ("text", "text"),
            ("number", "0.3"),
        ]
    ]


def test_a_formula_that_waits_to_be_calculated_has_no_value() -> None:
    content = one_row(cell("A1", "0", formula="1+1"), properties='<calcPr fullCalcOnLoad="1"/>')
    assert cells(content) == [[("uncalculated", "")]]


def test_dates_of_the_other_system_are_read_by_it() -> None:
    properties = '<workbookPr date1904="1"/>'
    content = one_row(cell("A1", "44439", style=1), styles=styles_xml(14), properties=properties)
    assert cells(content) == [[("date", "2025-09-01")]]


@pytest.mark.parametrize("extent", ["A1", "A1:A1", "B2:C3", "nonsense"])
def test_what_a_sheet_says_of_its_extent_drops_no_row(extent: str) -> None:
    rows = rows_xml(["a", "b"], ["c", "d"], ["e", "f"])
    content = workbook(sheet_xml(rows, before=f'<dimension ref="{extent}"/>'))
    assert [len(row.cells) for row in read(content)] == [2, 2, 2]


def test_rows_and_cells_that_do_not_say_where_they_are_follow_each_other() -> None:
    rows = "<row><c><v>1</v></c><c><v>2</v></c></row><row r='5'><c><v>3</v></c></row>"
    assert [(row.number, dict(row.cells)) for row in read(workbook(sheet_xml(rows)))] == [
        (1, {1: Cell("number", "1"), 2: Cell("number", "2")}),
        (5, {1: Cell("number", "3")}),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        '<row r="1"><c r="A1" t="x"><v>7</v></c></row>',
        '<row r="0"><c><v>7</v></c></row>',
        '<row r="9999999"><c><v>7</v></c></row>',
        '<row r="1"><c r="a1"><v>7</v></c></row>',
    ],
)
def test_cells_that_two_programs_would_read_differently_are_refused(rows: str) -> None:
    with pytest.raises(SheetRefused) as refusal:
        read(workbook(sheet_xml(rows)))
    assert refusal.value.faults[0].code == "damaged-workbook"


def test_hidden_rows_hidden_columns_and_merged_cells_are_told() -> None:
    rows = f'<row r="1" hidden="1">{cell("A1", "1")}</row>'
    xml = sheet_xml(
        rows,
        before='<cols><col min="2" max="3" hidden="1"/></cols>',
        after='<mergeCells><mergeCell ref="A1:B3"/></mergeCells>',
    )
    file = SheetFile(workbook(xml))
    table = file.table(file.chosen(None, ""))
    assert [row.hidden for row in table.rows()] == [True]
    assert table.hidden_columns == {2, 3}
    assert [tuple(one) for one in table.merged] == [(1, 1, 3, 2)]


def test_parts_with_prefixes_and_notes_of_pronunciation_are_read_the_same() -> None:
    xml = sheet_xml('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
    xml = (
        xml.replace("<", "<x:")
        .replace("<x:/", "</x:")
        .replace("<x:?", "<?")
        .replace("xmlns=", "xmlns:x=")
    )
    texts = texts_xml(["?"]).replace(
        "<t>?</t>", "<r><t>中</t></r><r><t>文</t></r><rPh><t>zh</t></rPh>"
    )
    assert cells(workbook(xml, texts=texts)) == [[("text", "中文")]]


def test_the_sheet_is_the_named_one_or_the_only_one_that_is_seen() -> None:
    two = workbook(sheet_xml(rows_xml(["a"])), sheet_xml(rows_xml(["b"])))
    assert [dict(row.cells) for row in read(two, "Sheet2")] == [{1: Cell("text", "b")}]
    for name, code in ((None, "sheet-not-chosen"), ("Sheet9", "no-such-sheet")):
        with pytest.raises(SheetRefused) as refusal:
            read(two, name)
        assert refusal.value.faults[0].code == code


SAID = "编号,数值\r\nU08,40.65\r\n"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (SAID.encode(), [["编号", "数值"], ["U08", "40.65"]]),
        (b"\xef\xbb\xbf" + SAID.encode(), [["编号", "数值"], ["U08", "40.65"]]),
        (SAID.encode("gb18030"), [["编号", "数值"], ["U08", "40.65"]]),
        (SAID.encode("utf-16"), [["编号", "数值"], ["U08", "40.65"]]),
        (SAID.replace(",", "\t").encode(), [["编号", "数值"], ["U08", "40.65"]]),
        (SAID.replace(",", ";").encode("gbk"), [["编号", "数值"], ["U08", "40.65"]]),
        (b'a,b\n"x\ny","1,2"\n\n,,\n', [["a", "b"], ["x\ny", "1,2"]]),
        ("生,僻\n㐀,𠀀\n".encode("gb18030"), [["生", "僻"], ["㐀", "𠀀"]]),
    ],
)
def test_separated_values_are_read_by_mark_then_strictly(
    content: bytes, shown: Sequence[Sequence[str]]
) -> None:
    assert [[one.text for one in row.cells.values()] for row in read(content)] == shown


def test_a_row_is_named_by_the_line_it_begins_on() -> None:
    assert [row.number for row in read(b'a,b\n"x\ny",1\nz,2\n')] == [1, 2, 4]


def test_a_hundred_thousand_rows_are_read_in_flat_memory() -> None:
    row = "".join(f'<c r="{one}{{0}}" t="s"><v>{at}</v></c>' for at, one in enumerate("ABCDEF"))
    rows = "".join(f'<row r="{at}">{row.format(at)}</row>' for at in range(1, 100_001))
    content = workbook(sheet_xml(rows), texts=texts_xml(["名"] * 6))
    tracemalloc.start()
    try:
        file = SheetFile(content)
        told = sum(1 for _ in file.table(file.chosen(None, "")).rows())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told == 100_000
    assert peak < 8 * 1024 * 1024
