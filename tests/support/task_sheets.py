"""Sheets of a unit on the tasks that it has accepted."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl

from services.core.imports.sheet_forms import FORM_SHEET
from tests.support.api import Door
from tests.support.imports import csv_of
from tests.support.milestones import a_milestone_in

UNIT = "UN15"
HEADINGS = ("里程碑编号", "里程碑", "完成百分比", "进展描述", "存在问题", "下一步措施", "预计完成")
Cells = Mapping[str, Mapping[str, Any]]


async def accepted(door: Door, state: str = "accepted", **changes: Any) -> dict[str, Any]:
    """Return a milestone of the unit in a state."""
    made = await a_milestone_in(door, state, organization_code=UNIT, **changes)
    found: dict[str, Any] = made.json()
    return found


async def as_lines(_door: Door, cells: Cells) -> bytes:
    """Return a sheet of the unit's own with these cells."""
    rows = [[id_, *(str(said.get(one, "")) for one in HEADINGS[1:])] for id_, said in cells.items()]
    return csv_of(*rows, headings=HEADINGS)


async def read(door: Door, milestone: str) -> dict[str, Any]:
    """Return a milestone as it stands, with its newest change."""
    async with await door.as_("reporter", UNIT) as unit:
        found: dict[str, Any] = (await unit.get(f"/milestones/{milestone}")).json()
        history = (await unit.get(f"/milestones/{milestone}/history")).json()["items"]
    return {**found, "last": history[-1]}


def filled(content: bytes, cells: Cells, *, change: Callable[[Any], None] | None = None) -> bytes:
    """Return a form as another program saves it, with cells by milestone and heading."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book[FORM_SHEET]
    heads = {cell.value: cell.column for cell in page[3]}
    ids = heads["里程碑编号"]
    rows = {page.cell(row, ids).value: row for row in range(4, page.max_row + 1)}
    for milestone, said in cells.items():
        for heading, value in said.items():
            page.cell(rows[milestone], heads[heading]).value = value
    if change is not None:
        change(book)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()
