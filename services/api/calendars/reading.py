"""Reads a year's calendar from CSV, as a spreadsheet saves it, into the JSON it stands for."""

import csv
import io
from collections.abc import Sequence
from typing import Any, ClassVar

from starlette.datastructures import Headers
from typing_extensions import override

from services.api.routing import ExactRequest, ExactRoute
from services.core.kit.exact_data import MalformedBody
from services.core.kit.text import Text

MEDIA_TYPE = "text/csv"

_COLUMNS = ("date", "kind", "note")


def read_table(body: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV text with the columns `date`, `kind` and, optionally, `note`.

    The encoding is UTF-8, with or without a byte order mark, or GB 18030 as Chinese spreadsheets
    save it. Empty cells are omitted.

    Raises:
        MalformedBody: it is not such a table.
    """
    try:
        lines = list(csv.reader(io.StringIO(_decoded(body)), strict=True))
    except csv.Error as error:
        raise MalformedBody(Text(f"不是有效的 CSV：{error}", f"Not valid CSV: {error}")) from None
    named = [cell.strip() for cell in lines[0]] if lines else []
    rows = [line for line in lines[1:] if any(line)]
    if not {"date", "kind"} <= set(named) <= set(_COLUMNS) or len(set(named)) != len(named):
        raise MalformedBody(
            Text(
                "首行应为列名 date,kind,note",
                "The first line names the columns: date,kind,note",
            )
        )
    _check_widths(rows, len(named))
    return [
        {name: cell.strip() for name, cell in zip(named, row, strict=False) if cell.strip()}
        for row in rows
    ]


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise MalformedBody(Text("应为 UTF-8 或 GB 18030 文本", "Must be text in UTF-8 or GB 18030"))


def _check_widths(rows: Sequence[Sequence[str]], width: int) -> None:
    for number, row in enumerate(rows, start=1):
        if len(row) > width:
            raise MalformedBody(
                Text(
                    f"第 {number} 行数据多于 {width} 列",
                    f"Row {number} has more than {width} cells",
                )
            )


class TableRequest(ExactRequest):
    """A request whose body may be CSV; the document that announces it is then in the query."""

    @property
    @override
    def headers(self) -> Headers:
        given = super().headers
        if not _is_table(given):
            return given
        # The table is passed on as JSON, so its Content-Type says that.
        others = [one for one in given.raw if one[0] != b"content-type"]
        return Headers(raw=[*others, (b"content-type", b"application/json")])

    @override
    def read(self, body: bytes) -> Any:
        if not _is_table(super().headers):
            return super().read(body)
        read: dict[str, Any] = {"days": read_table(body)}
        if "source" in self.query_params:
            read["source"] = self.query_params["source"]
        return read


def _is_table(headers: Headers) -> bool:
    named = headers.get("content-type", "").partition(";")[0].strip().lower()
    return named == MEDIA_TYPE


class TableRoute(ExactRoute):
    """A route that accepts a table as well."""

    request_class: ClassVar[type[ExactRequest]] = TableRequest
