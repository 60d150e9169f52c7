"""Lists read whole, as JSON and as tables, for whoever compares them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import httpx

from tests.support.api import XINMI
from tests.support.sheets import Cell, read_workbook

Row = dict[str, Any]
_COMPARED = {"from": "publication:1", "period": "2024"}
ASKED: Mapping[str, Mapping[str, Any]] = {
    "/score-sheets/{sheet}/rankings": {"period": "2028"},
    "/changes": _COMPARED,
    "/comparison": _COMPARED,
    "/catalog": {"plan": XINMI},
    "/reconciliation": {"period": "2025-07"},
}
"""What a list is asked for, by the end of its path."""


async def json_rows(
    client: httpx.AsyncClient, path: str, params: Mapping[str, Any], member: str = "items"
) -> list[Row]:
    """Return the rows of a list from all its pages, of which each holds what is asked for."""
    asked, rows = dict(params), list[Row]()
    while True:
        answer = await client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        rows += page[member]
        if page.get("has_more") is False or page.get("next_page_token", 1) is None:
            return rows
        if "last_position" in page:
            asked["after"] = page["last_position"]
        elif "next_page_token" in page:
            asked["page_token"] = page["next_page_token"]
        else:
            return rows


def csv_rows(answer: httpx.Response) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows of a CSV, its apostrophes before risky texts taken off."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = answer.content.decode("utf-8")
    assert text.startswith("\ufeff"), "office programs know UTF-8 by it"
    headings, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return headings, [[_without_apostrophe(one) for one in row] for row in rows]


def sheet_rows(answer: httpx.Response) -> tuple[list[str], list[list[Cell | None]]]:
    """Return the headings and the rows of the first sheet of a workbook."""
    assert answer.status_code == 200, answer.text
    headings, *rows = next(iter(read_workbook(answer.content).values()))
    return [one.text for one in headings if one is not None], rows


def expected(
    rows: Sequence[Row], names: Sequence[str], declared: AbstractSet[str]
) -> list[list[Any]]:
    """Return what cells of these names hold: nothing is passed over that JSON declares."""
    for row in rows:
        for name in declared & row.keys():
            assert any(one == name or one.startswith(f"{name}.") for one in names), name
    return [[_reached(row, name) for name in names] for row in rows]


def same(cell: str | Cell | None, value: Any) -> bool:
    """Return whether a cell of a table says what a value of JSON says."""
    if value is None or value == "":
        return cell is None or cell == ""
    text = cell if isinstance(cell, str) else ("" if cell is None else cell.text)
    if isinstance(value, bool):
        return text in ({"true", "1"} if value else {"false", "0"})
    if isinstance(value, list | dict):
        return bool(json.loads(text) == value)
    return text == str(value)


def _reached(row: Row, name: str) -> Any:
    found: Any = row
    for part in name.split("."):
        found = None if found is None else found.get(part)
    return found


def _without_apostrophe(text: str) -> str:
    return text[1:] if text[:1] == "'" else text
