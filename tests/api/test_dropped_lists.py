"""A register or a score sheet that a later version drops is written no more, and stays readable."""

from collections.abc import AsyncIterator

import pytest

from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, open_door, xinmi
from tests.support.assessments import (
    ASSESSMENTS,
    FOUND,
    SHEETS_OF_PLAN,
    TOWN,
    TOWN_SHEET,
    a_sheet,
    an_assessment,
)
from tests.support.registers import KEEPER, REGISTER, ROWS, a_register_row, a_row

REGISTERS = f"/plans/{XINMI}/registers"


def a_plan(*, dropped: bool) -> PlanDocument:
    """Return Xinmi's plan with a score sheet, or without it and without a register."""
    document = xinmi().model_dump(mode="json", exclude_none=True)
    document["score_sheets"] = [] if dropped else [a_sheet()]
    if dropped:
        kept = [one for one in document["registers"] if one["code"] != REGISTER]
        document["registers"] = kept
    return read_document(document)


@pytest.fixture
async def dropped(database_url: str) -> AsyncIterator[tuple[Door, str, str]]:
    """The ledger after both were dropped; a row and an assessment of before, by their ids."""
    async with open_door(database_url) as door:
        await door.load(a_plan(dropped=False))
        await door.forget_everything()
        row_id = await a_register_row(door, "confirmed")
        assessment_id = await an_assessment(door, "published")
        await door.react()
        await door.load(a_plan(dropped=True))
        await door.react()
        await door.forget_everything()
        yield door, row_id, assessment_id


async def test_rows_of_a_dropped_register_are_listed_and_written_no_more(
    dropped: tuple[Door, str, str],
) -> None:
    door, row_id, _ = dropped
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        for client in (unit, office):
            listed = await client.get(ROWS)
            assert listed.status_code == 200, listed.text
            (row,) = listed.json()["items"]
            assert (row["id"], row["allowed_actions"]) == (row_id, [])
            table = await client.get(ROWS, headers={"Accept": "text/csv"})
            assert row_id in table.text
        measured = await office.get(f"{REGISTERS}/{REGISTER}/measures", params={"period": "2025"})
        (figure,) = measured.json()["items"]
        assert figure["value"] == "1"
        refused = await unit.post(ROWS, json=a_row())
        assert (refused.status_code, refused.json()["code"]) == (404, "register-not-found")
        never = await office.get(f"{REGISTERS}/NEVER/rows")
        assert (never.status_code, never.json()["code"]) == (404, "register-not-found")


async def test_what_was_assessed_by_a_dropped_sheet_is_listed_and_ranked(
    dropped: tuple[Door, str, str],
) -> None:
    door, _, assessment_id = dropped
    sheet = f"{SHEETS_OF_PLAN}/{TOWN_SHEET}"
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        for client in (town, office):
            listed = await client.get(ASSESSMENTS)
            assert [one["id"] for one in listed.json()["items"]] == [assessment_id]
            ranked = await client.get(f"{sheet}/rankings", params={"period": "2025"})
            assert ranked.status_code == 200, ranked.text
            (place,) = ranked.json()["items"]
            assert (place["organization_code"], place["place"]) == (TOWN, 1)
        versions = (await office.get(f"{sheet}/versions")).json()["items"]
        assert [one["sheet"]["code"] for one in versions] == [TOWN_SHEET]
        body = {"period": "2026", "organization_code": TOWN, "findings": FOUND}
        refused = await office.post(ASSESSMENTS, json=body)
        assert (refused.status_code, refused.json()["code"]) == (404, "score-sheet-not-found")
        never = await office.get(f"{SHEETS_OF_PLAN}/NEVER/assessments")
        assert (never.status_code, never.json()["code"]) == (404, "score-sheet-not-found")
