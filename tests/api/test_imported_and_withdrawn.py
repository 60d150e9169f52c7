"""What was taken back stays so, whichever old form comes in, and whoever confirms it late."""

import io
from typing import Any

import openpyxl
import pytest

from tests.support.api import Door, a_submission
from tests.support.doors import own_door as door
from tests.support.forms import filled, form
from tests.support.imports import checked, confirmed, csv_of, faults_of, row_of
from tests.support.register_forms import AS, FORM, HEADINGS, line, rows
from tests.support.registers import KEEPER, ROWS, added_row, credit_code
from tests.support.reported import PATH

__all__ = ["door"]  # fixtures

PERIOD = "2022"
COUNTS = ("rows", "faults", "created", "updated", "unchanged")


async def reported(door: Door, **said: Any) -> str:
    """Return the id of what a unit handed in."""
    async with await door.as_("reporter", "UN15") as unit:
        made = await unit.post(PATH, json=a_submission(period=PERIOD, **said))
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def withdrawn(door: Door, *ids: str) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        for one in ids:
            assert (await unit.post(f"/submissions/{one}/withdraw")).status_code == 200


async def standing(door: Door) -> list[str]:
    """Return the values that stand."""
    async with await door.as_("reporter", "UN15") as unit:
        items = (await unit.get(PATH, params={"period": PERIOD})).json()["items"]
    return [one["value"] for one in items if one["state"] != "withdrawn"]


async def taken_back(door: Door, row: dict[str, Any]) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        path = f"/register-rows/{row['id']}/withdraw"
        assert (await unit.post(path, json={"reason": "误填"})).status_code == 200


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in COUNTS)


async def test_an_old_form_that_nobody_touched_brings_no_withdrawn_value_back(door: Door) -> None:
    made = await reported(door, note="起初", source="台账")
    old = (await form(door, period=PERIOD)).content
    await withdrawn(door, made)
    found = await checked(door, old)
    assert counts(found) == (1, 0, 0, 0, 1)
    done = await confirmed(door, found["id"])
    assert (done["state"], await standing(door)) == ("succeeded", [])


async def test_a_cell_that_nobody_touched_is_named_beside_one_that_somebody_did(
    door: Door,
) -> None:
    made = await reported(door, note="起初")
    old = (await form(door, period=PERIOD)).content
    await withdrawn(door, made)
    found = await checked(door, filled(old, {"U08": {"本期值": 9}}))
    told = await faults_of(door, found["id"])
    assert {code for _, _, code in told} == {"changed-since-made"}
    assert len(told) == 2, "the note, and how final it is"
    emptied = filled(old, {"U08": {"本期值": 9, "备注": None, "数据状态": None}})
    mended = await checked(door, emptied)
    assert counts(mended) == (1, 0, 1, 0, 0)
    await confirmed(door, mended["id"])
    assert await standing(door) == ["9"]


async def test_evidence_that_is_named_in_an_old_row_is_something_new(door: Door) -> None:
    made = await reported(door)
    old = (await form(door, period=PERIOD)).content
    await withdrawn(door, made)
    found = await checked(door, filled(old, {"U08": {"佐证材料名称": "台账第 3 页"}}))
    assert {code for _, _, code in await faults_of(door, found["id"])} == {"changed-since-made"}


@pytest.mark.parametrize("value", ["40.65", "41"])
async def test_what_is_withdrawn_after_the_judgement_is_not_made_anew(
    door: Door, value: str
) -> None:
    made = await reported(door, draft=True)
    content = csv_of(row_of("U08", PERIOD, value))
    found = await checked(door, content, draft=True)
    assert found["created"] == found["faults"] == 0
    await withdrawn(door, made)
    done = await confirmed(door, found["id"])
    assert (done["state"], await standing(door)) == ("failed", [])
    assert [(one["row"], one["code"]) for one in done["errors"]] == [(2, "changed-since-sent")]
    again = await checked(door, content, draft=True)
    assert again["created"] == 1
    assert (await confirmed(door, again["id"]))["state"] == "succeeded"


async def test_rows_become_what_was_foreseen_of_each_of_them(door: Door) -> None:
    await reported(door, draft=True)
    periods = ("2023", PERIOD, "2024")
    content = csv_of(*(row_of("U08", one, "40.65") for one in periods))
    first, second = [await checked(door, content, draft=True) for _ in range(2)]
    assert counts(first) == counts(second) == (3, 0, 2, 0, 1)
    done = await confirmed(door, first["id"])
    assert (done["state"], done["result"]["created"]) == ("succeeded", 2)
    late = await confirmed(door, second["id"])
    assert late["state"] == "failed"
    assert [one["row"] for one in late["errors"]] == [2, 4], "these stand by now"


async def test_an_old_form_of_a_register_brings_no_row_back(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        gone, stays = [await added_row(unit) for _ in range(2)]
        old = (await unit.get(FORM)).content
        await taken_back(door, gone)
        found = await checked(door, old, **AS)
        assert counts(found) == (2, 0, 0, 0, 2)
        done = await confirmed(door, found["id"], as_=AS["as_"])
        at_once = (await unit.post(f"{ROWS}/sheet", content=old)).json()
    assert done["state"] == "succeeded", done
    assert (at_once["unchanged"], at_once["rejected"], at_once["created"]) == (2, 0, 0)
    left = [one["id"] for one in await rows(door) if one["state"] != "withdrawn"]
    assert left == [stays["id"]]


async def test_a_row_of_a_register_that_is_gone_is_told_of_and_not_asked_for_what_it_says(
    door: Door,
) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        gone = await added_row(unit)
        old = (await unit.get(FORM)).content
        await taken_back(door, gone)
        book = openpyxl.load_workbook(io.BytesIO(old))
        page = book.worksheets[0]
        at = {cell.value: cell.column for line_ in page.iter_rows() for cell in line_}
        page.cell(4, at["公布日期"], "2025-04-01")
        changed = io.BytesIO()
        book.save(changed)
        found = await checked(door, changed.getvalue(), **AS)
        told = (await unit.get(f"/imports/{found['id']}/faults")).json()["items"]
    assert {one["code"] for one in told} == {"changed-since-made"}
    named = {one["column"] for one in told}
    assert "企业名称" in named
    assert "公布日期" not in named, "that one says something new"


async def test_a_row_that_is_taken_back_after_the_judgement_is_not_made_anew(door: Door) -> None:
    code = credit_code()
    content = csv_of(line(code, unit="市科工信局"), headings=HEADINGS)
    await confirmed(door, (await checked(door, content, **AS))["id"], as_=AS["as_"])
    found = await checked(door, content, **AS)
    assert counts(found) == (1, 0, 0, 0, 1)
    (row,) = await rows(door)
    await taken_back(door, row)
    done = await confirmed(door, found["id"], as_=AS["as_"])
    assert done["state"] == "failed"
    assert [(one["row"], one["code"]) for one in done["errors"]] == [(2, "changed-since-sent")]
    assert [one["state"] for one in await rows(door)].count("withdrawn") == len(await rows(door))
