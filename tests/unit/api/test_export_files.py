"""CSV and XLSX as pieces: they say what was written, in whatever pieces, and hold no more."""

import csv
import io
import json
import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Request, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.types import Message

from services.api.exports import columns
from services.api.exports.answering import Export
from services.api.exports.columns import Kind, Shape, chinese, shape_of
from services.api.exports.delimited import DelimitedWriter
from services.api.exports.digits import Digits
from services.api.exports.workbook import MOST_CHARACTERS, WorkbookWriter
from services.api.exports.writing import Writer
from services.api.main import _ROUTERS
from services.api.request_context import RequestContext, begin_context
from services.api.routing import ExactRoute
from services.api.table_forms import Form
from services.core.identity.errors import Unauthenticated
from services.core.kit.formula_cells import NUMBER, RISKY
from services.core.sheets.sheet_file import SheetFile
from tests.support.sheets import read_workbook


class Inner(BaseModel):
    value: Digits | None
    words: list[str]


class Row(BaseModel):
    text: str | None
    exact: Digits
    given: Annotated[Decimal, "in"] | None
    whole: int
    yes: bool
    inner: Inner | None
    loose: dict[str, Any]


class Listed(BaseModel):
    items: list[Row]
    next_page_token: str | None
    total: int


def shape() -> Shape:
    found = shape_of(Listed)
    assert found is not None
    return found


# What JSON can carry and a database can hold: no lone surrogates, no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6).map("{:f}".format)
rows = st.fixed_dictionaries(
    {
        "text": st.none() | texts.map("x".__add__) | texts.map("=".__add__) | texts.filter(bool),
        "exact": decimals,
        "given": st.none() | decimals,
        "whole": st.integers(-(2**62), 2**62),
        "yes": st.booleans(),
        "inner": st.none()
        | st.fixed_dictionaries(
            {"value": st.none() | decimals, "words": st.lists(texts, max_size=3)}
        ),
        "loose": st.dictionaries(texts, texts, max_size=2),
    }
)
NAMES = ["text", "exact", "given", "whole", "yes", "inner.value", "inner.words", "loose"]


def test_columns_are_those_that_the_schema_of_a_row_declares() -> None:
    table = shape().tables[0]
    assert [column.name for column in table.columns] == NAMES
    assert [column.name for column in table.columns if column.kind is Kind.DECIMAL] == [
        "exact",
        "given",
        "inner.value",
    ]
    assert [column.name for column in shape().head.columns] == ["total"]


def test_every_column_and_sheet_is_called_something_in_chinese_and_nothing_else_is() -> None:
    """What fails here is a member that a list shows since: name it in `headings.yaml`."""
    routes = [one for router in _ROUTERS for one in router.routes if isinstance(one, ExactRoute)]
    exports = [one.export for one in routes if one.export is not None]
    assert len(exports) > 25
    used = set()
    for table in [one for each in exports for one in (*each.shape.tables, each.shape.head)]:
        used.add(f"sheet {table.member}")
        assert table.title("zh-CN")
        for column in table.columns:
            assert column.heading("zh-CN")
            for part in column.name.split("."):
                own = f"{column.model}.{part}"
                used.add(own if own in chinese() else part)
        headings = table.headings("zh-CN")
        twice = {one for one in headings if headings.count(one) > 1}
        assert twice == set(), table.member
    assert set(chinese()) - used == set()


def test_no_heading_is_given_twice_for_then_the_second_would_take_the_first_away() -> None:
    path = Path(columns.__file__).with_name("headings.yaml")
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [line.split(":")[0] for line in lines if line and not line.startswith("#")]
    assert sorted({one for one in names if names.count(one) > 1}) == []


def written(writer: Writer, given_: Sequence[dict[str, Any]], pieces: int = 2) -> bytes:
    """Return a file whose rows came in so many pieces."""
    file = b""
    with closing(writer):
        writer.begin(shape().tables[0])
        for at in range(0, len(given_), pieces):
            writer.write(given_[at : at + pieces])
            file += writer.taken()
        writer.end()
        return file + writer.taken()


def plain(row: dict[str, Any]) -> list[Any]:
    inner = row["inner"] or {}
    flat = {**row, "inner.value": inner.get("value"), "inner.words": inner.get("words")}
    return [flat[name] for name in NAMES]


@given(st.lists(rows, max_size=5))
def test_a_csv_says_what_was_written_and_no_text_is_a_formula(given_: list[dict[str, Any]]) -> None:
    text = written(DelimitedWriter("en"), given_).decode("utf-8-sig")
    heads, *found = csv.reader(io.StringIO(text, newline=""))
    assert heads == NAMES
    for cells, row in zip(found, given_, strict=True):
        for cell, value in zip(cells, plain(row), strict=True):
            assert RISKY.match(cell) is None or NUMBER.fullmatch(cell)
            if value is None:
                assert cell == ""
            elif isinstance(value, list | dict):
                assert json.loads(cell) == value
            elif isinstance(value, bool):
                assert cell == str(value).lower()
            else:
                assert cell.removeprefix("'") == str(value).removeprefix("'")


@given(st.lists(rows, max_size=5))
def test_a_workbook_says_what_was_written_in_numbers_only_where_every_digit_is_kept(
    given_: list[dict[str, Any]],
) -> None:
    book = written(WorkbookWriter("en"), given_)
    (sheet,) = read_workbook(book).values()
    for cells, row in zip(sheet[1:], given_, strict=True):
        for at, value in enumerate(plain(row)):
            cell = cells[at] if at < len(cells) else None
            if value is None:
                assert cell is None
                continue
            assert cell is not None
            if cell.type == "n":
                assert Decimal(repr(float(cell.text))) == Decimal(str(value))
            elif cell.type == "b":
                assert cell.text == f"{value:d}"
            elif isinstance(value, list | dict):
                assert json.loads(cell.text) == value
            else:
                assert cell.text == str(value)


def test_another_reader_finds_the_same_in_a_workbook() -> None:
    given_: list[dict[str, Any]] = [
        {"text": "=1+1", "exact": "-2.40", "given": None, "whole": 7, "yes": True, "inner": None,
         "loose": {}},
        {"text": "a\r\n<b> & _x0041_", "exact": "12345678901234567890.5", "given": "40.65",
         "whole": 2**60, "yes": False, "inner": {"value": "0", "words": ["甲"]}, "loose": {"a": 1}},
    ]  # fmt: skip
    file = SheetFile(written(WorkbookWriter("en"), given_))
    assert [sheet.name for sheet in file.sheets] == ["rows"]
    table = file.table(file.sheets[0])
    found = [
        {NAMES[at - 1]: (cell.kind, cell.text) for at, cell in row.cells.items()}
        for row in table.rows()
    ]
    assert found[0] == {name: ("text", name) for name in NAMES}
    assert found[1:] == [
        {
            "text": ("text", "=1+1"),
            "exact": ("number", "-2.4"),
            "whole": ("number", "7"),
            "yes": ("boolean", "1"),
            "loose": ("text", "{}"),
        },
        {
            "text": ("text", "a\r\n<b> & _x0041_"),
            "exact": ("text", "12345678901234567890.5"),
            "given": ("number", "40.65"),
            "whole": ("text", str(2**60)),
            "yes": ("boolean", "0"),
            "inner.value": ("number", "0"),
            "inner.words": ("text", '["甲"]'),
            "loose": ("text", '{"a":1}'),
        },
    ]


def test_rows_that_find_no_room_on_a_sheet_go_to_the_next() -> None:
    given_ = [{"text": str(at), "exact": "1", "whole": at, "yes": True} for at in range(10)]
    sheets = read_workbook(written(WorkbookWriter("en", most_rows=4), given_, pieces=5))
    assert list(sheets) == ["rows", "rows (2)", "rows (3)", "rows (4)"]
    heads = {tuple(cell.text for cell in rows_[0] if cell) for rows_ in sheets.values()}
    assert heads == {tuple(NAMES)}
    texts_ = [row[0].text for rows_ in sheets.values() for row in rows_[1:] if row[0]]
    assert texts_ == [str(at) for at in range(10)]


def test_a_text_that_no_cell_holds_is_named_not_cut() -> None:
    given_ = [{"text": "字" * (MOST_CHARACTERS + 1)}, {"text": "字" * MOST_CHARACTERS}]
    (sheet,) = read_workbook(written(WorkbookWriter("en"), given_)).values()
    told, whole = (row[0] for row in sheet[1:])
    assert told is not None
    assert whole is not None
    assert "32768" in told.text
    assert whole.text == "字" * MOST_CHARACTERS


@pytest.mark.parametrize("writer", [DelimitedWriter, WorkbookWriter])
def test_what_was_sent_is_held_no_longer(writer: Any) -> None:
    row = {"text": "说明" * 40, "exact": "40.65", "whole": 1, "yes": True, "inner": None}

    def peak(pieces: int) -> int:
        tracemalloc.start()
        file = writer("en")
        file.begin(shape().tables[0])
        for _ in range(pieces):
            file.write([row] * 100)
            file.taken()
        file.end()
        file.close()
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)  # what is made once is made
    assert peak(60) < 2 * peak(3)


class _Route:
    """What an export asks of a route: what it answers, and which parameters it takes."""

    response_model = Listed
    methods = ("GET",)

    class dependant:  # noqa: N801 (its name)
        dependencies = ()

        class _Named:
            def __init__(self, alias: str) -> None:
                self.alias = alias

        query_params = (_Named("page_size"), _Named("page_token"))


async def test_a_table_that_breaks_off_never_looks_whole() -> None:
    """The key was revoked while the list was read: what was sent is not ended as a whole one is."""
    row = Row(text="a", exact="1", given=None, whole=1, yes=True, inner=None, loose={})
    asked: list[str] = []

    async def pages(request: Request) -> Response:
        asked.append(request.url.query)
        if len(asked) > 2:
            raise Unauthenticated
        listed = Listed(items=[row], next_page_token=str(len(asked)), total=1)
        return Response(listed.model_dump_json(), media_type="application/json")

    export = Export.of(_Route())  # type: ignore[arg-type] # as much of a route as it looks at
    assert export is not None
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/v1/things", "query_string": b"state=open",
        "headers": [(b"accept-language", b"en")],
    }  # fmt: skip
    begin_context(scope, RequestContext("r-1", form=Form.CSV))
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    answer = await export.served(pages)(Request(scope, receive))
    stream: Any = answer
    await stream.stream_response(send)
    assert asked == [
        "state=open&page_size=500",
        "state=open&page_size=500&page_token=1",
        "state=open&page_size=500&page_token=2",
    ]
    assert sent[0]["status"] == 200
    assert all(message["more_body"] for message in sent[1:])
    body = b"".join(message["body"] for message in sent[1:])
    assert body.count(b"\r\n") == 3
