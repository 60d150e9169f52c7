"""A new version of the plan reads no number that stands in another unit than it was given in."""

from typing import Any

import httpx
import pytest

from services.core.plan.document import PlanDocument
from tests.support.api import Door
from tests.support.clock import at
from tests.support.doors import after_2031 as door
from tests.support.plans import TRIAL, a_plan
from tests.support.plans import an_indicator as one_indicator
from tests.support.towns import CODE, UNITS, YEAR, approve, board, load, move, read
from tests.unit.scoring.builders import a_document, a_target, an_indicator

__all__ = ["door"]  # fixtures

TONS = {"unit": "万吨", "plausible": {}, "measure_type": "absolute_amount"}


def amount(**changes: Any) -> dict[str, Any]:
    """Return an amount of 万吨 that is to reach 20 by 2031, with changes."""
    target = a_target(value=20, year=2031)
    return an_indicator("A", owners=["ZW01"], targets=[target], **{**TONS, **changes})


async def offered(door: Door, *indicators: dict[str, Any]) -> httpx.Response:
    document = a_document(*indicators, code=CODE, organizations=UNITS)
    async with door.client(door.admin_secret) as admin:
        return await admin.post("/plans", json=document.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"unit": "吨"}, "/indicators/0/unit"), ({"multiplier": 100}, "/indicators/0/multiplier")],
)
async def test_values_of_an_open_period_are_never_read_in_another_unit(
    door: Door, changes: dict[str, Any], pointer: str
) -> None:
    await load(door, amount())
    await move(door, "open")
    await approve(door, "A", "ZW01", value="24")
    refused = await offered(door, amount(**changes))
    assert refused.status_code == 422, refused.text
    (fault,) = refused.json()["errors"]
    assert (fault["code"], fault["pointer"]) == ("unit-in-use", pointer)
    (row,) = (await board(door))["indicators"]
    assert (row["value"], row["unit"], row["light"]) == ("24", "万吨", "green")
    renamed = await offered(door, amount(name="总量"))
    assert renamed.status_code == 200, renamed.text


async def test_what_was_reported_in_a_closed_period_keeps_the_unit_of_its_time(door: Door) -> None:
    await load(door, amount())
    await move(door, "open")
    value = await approve(door, "A", "ZW01", value="24")
    await move(door, "close")
    at(door, "2032-01-12", "11:00:00")
    changed = await offered(door, amount(unit="吨"))
    assert changed.status_code == 200, changed.text
    at(door, "2032-01-13", "10:00:00")
    await door.sweep()
    kept = await read(door, f"/submissions/{value}")
    assert (kept["value"], kept["unit"]) == ("24", "万吨")
    listed = (await read(door, "submissions", period=YEAR))["items"]
    assert [one["unit"] for one in listed] == ["万吨"]
    later = await approve(door, "A", "ZW01", "2032", value="250000")
    assert (await read(door, f"/submissions/{later}"))["unit"] == "吨"


def with_list(unit: str | None) -> PlanDocument:
    """Return a plan with a register whose amounts are in a unit."""
    columns = [
        {"code": "name", "name": "名称", "type": "text", "required": True},
        {"code": "amount", "name": "金额", "type": "decimal", "unit": unit},
    ]
    register = {"code": "LIST", "name": "甲", "columns": columns, "key": ["name"]}
    return a_plan(one_indicator("R1"), registers=[register], score_sheets=[])


async def test_amounts_in_rows_that_stand_are_never_read_in_another_unit(door: Door) -> None:
    rows = f"/plans/{TRIAL}/registers/LIST/rows"
    async with door.client(door.admin_secret) as admin, await door.as_("office") as office:

        async def offered_with(unit: str | None) -> httpx.Response:
            answer = await admin.post("/plans", content=with_list(unit).model_dump_json())
            await door.forget_everything()
            return answer

        assert (await offered_with("万元")).status_code == 201
        said = {"organization_code": "UN22", "values": {"name": "甲"}}
        made = await office.post(rows, json=said)
        assert made.status_code == 201, made.text
        assert (await offered_with("亿元")).status_code == 200, "no row says an amount"
        path = f"/register-rows/{made.json()['id']}"
        amount_said = {"values": {"amount": "3"}}
        changed = await office.patch(path, json=amount_said, headers={"If-Match": "*"})
        assert changed.status_code == 200, changed.text
        refused = await offered_with("元")
        (fault,) = refused.json()["errors"]
        assert (refused.status_code, fault["code"]) == (422, "unit-in-use")
        assert fault["pointer"] == "/registers/0/columns/1/unit"
