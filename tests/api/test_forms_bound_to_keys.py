"""What a form held at first is bound to what each row is about, in every form that goes out.

Cells that come back beside another key are said of that, and are not taken for untouched.
"""

import io
from typing import Any

import openpyxl
import pytest

from services.core.imports.as_made import digests, mark_of, untouched
from services.core.imports.sheet_forms import AS_MADE
from services.core.sheets.cells import Cell, SheetRow
from tests.support.api import XINMI, Door, a_submission
from tests.support.assessments import (
    ASSESSOR,
    FOUND,
    OTHER_TOWN,
    SHEETS_OF_PLAN,
    TOWN,
    TOWN_SHEET,
    begun,
)
from tests.support.batches import sent as batch_sent
from tests.support.forms import by_heading, form
from tests.support.imports import checked, confirmed
from tests.support.milestones import BODIES
from tests.support.observed import load_sources
from tests.support.registers import KEEPER, REGISTER, ROWS, added_row, credit_code
from tests.support.task_sheets import UNIT, accepted, read

HEADINGS = 3


def moved(content: bytes, heading: str, before: str, after: str, **more: str) -> bytes:
    """Return a form in which the rows of one thing were put to another, all else as it was.

    The rows of that other are gone. `more` are other printed cells that go with the key.
    """
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    at = {str(one.value): one.column for one in sheet[HEADINGS] if one.value}
    rows = [
        row
        for row in range(HEADINGS + 1, sheet.max_row + 1)
        if sheet.cell(row, at[heading]).value == before
    ]
    assert rows
    for row in rows:
        for name, said in {heading: after, **more}.items():
            sheet.cell(row, at[name]).value = said
    named = [sheet.cell(row, at[heading]).value for row in range(1, sheet.max_row + 1)]
    others = {row for row, one in enumerate(named, 1) if one == after} - {*rows}
    for row in sorted(others, reverse=True):
        sheet.delete_rows(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["faults"], found["created"], found["updated"], found["unchanged"]


async def test_of_a_registers_row(door: Door) -> None:
    code = credit_code()
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit, batch="第一批")
        before = await unit.get(f"/plans/{XINMI}/registers/{REGISTER}/form.xlsx")
        old = row["values"]["credit_code"]
        content = moved(before.content, "统一社会信用代码", old, code)
        as_ = ("reporter", KEEPER)
        found = await checked(door, content, as_=as_, register=REGISTER)
        assert found["faults"] == 0
        assert found["created"] == 1
        assert (await confirmed(door, found["id"], as_=as_))["state"] == "succeeded"
        asked = {"column": "credit_code", "value": code}
        (made,) = (await unit.get(ROWS, params=asked)).json()["items"]
    assert made["values"] == {**row["values"], "credit_code": code}


async def test_of_a_value(door: Door) -> None:
    await batch_sent(door, [a_submission(period="2023-H2", draft=True, value="40.65")])
    content = (await form(door, period="2023-H2")).content
    rows = by_heading(content)
    other = next(code for code, one in rows.items() if code != "U08" and not one.get("本期值"))
    named = {"指标名称": rows[other]["指标名称"]}
    found = await checked(door, moved(content, "指标编号", "U08", other, **named), draft=True)
    assert found["rows"] == 1
    assert found["unchanged"] == 0, found
    assert found["created"] + found["faults"] > 0, "it is taken, or refused: not passed over"


async def test_of_a_milestone(door: Door) -> None:
    said, other = await accepted(door, "in_progress"), await accepted(door, "accepted")
    content = (await form(door, "tasks")).content
    found = await checked(door, moved(content, "里程碑编号", said["id"], other["id"]))
    assert counts(found)[:3] == (0, 0, 1), found
    assert (await confirmed(door, found["id"]))["state"] == "succeeded"
    after = await read(door, other["id"])
    assert (after["percent"], after["narrative"]) == (
        BODIES["progress"]["percent"],
        BODIES["progress"]["narrative"],
    )
    assert after["organization_code"] == UNIT


async def test_of_an_assessment(door: Door) -> None:
    await load_sources(door)
    as_ = ("lead", ASSESSOR)
    async with await door.as_(*as_) as lead:
        await begun(lead, period="2085", findings=FOUND)
        form_ = await lead.get(f"{SHEETS_OF_PLAN}/{TOWN_SHEET}/form.xlsx?period=2085")
        content = moved(form_.content, "对象编号", TOWN, OTHER_TOWN)
        found = await checked(door, content, as_=as_, score_sheet=TOWN_SHEET)
        assert counts(found) == (0, 1, 0, 0), found
        assert (await confirmed(door, found["id"], as_=as_))["state"] == "succeeded"
        path = f"{SHEETS_OF_PLAN}/{TOWN_SHEET}/assessments"
        listed = (await lead.get(path, params={"period": "2085"})).json()["items"]
    assert {one["subject_key"]: one["total"] for one in listed} == {
        TOWN: "88.5",
        OTHER_TOWN: "88.5",
    }


AT = {"key": 1, "name": 2, AS_MADE: 3}


@pytest.mark.parametrize(
    ("key", "mark", "kept"),
    [
        ("A1", mark_of({"name": "名"}, ["A1"]), {"name"}),
        (" A 1", mark_of({"name": "名"}, ["A1"]), {"name"}),
        ("A2", mark_of({"name": "名"}, ["A1"]), set()),
        ("", mark_of({"name": "名"}, ["A1"]), set()),
        # As forms of the release before have it: they travel for weeks, and are taken as ever.
        ("A2", f"name:{digests({'name': '名'})['name']}", {"name"}),
        ("A1", None, set()),
    ],
)
def test_a_mark_holds_beside_the_key_that_it_was_made_for(
    key: str, mark: str | None, kept: set[str]
) -> None:
    held = {1: key, 2: "名", 3: mark}
    cells = {at: Cell("text", one) for at, one in held.items() if one}
    assert untouched(SheetRow(4, cells), AT, ["key"]).keys() == kept
