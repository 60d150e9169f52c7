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
from tests.support.towns import (
    CODE,
    PLAN,
    UNITS,
    YEAR,
    approve,
    assign,
    board,
    hand_in,
    load,
    move,
    read,
)
from tests.unit.scoring.builders import a_document, a_target, an_indicator

__all__ = ["door"]  # fixtures

TONS = {"unit": "万吨", "plausible": {}, "measure_type": "absolute_amount"}


def amount(**changes: Any) -> dict[str, Any]:
    """Return an amount of 万吨 that is to reach 20 by 2031, with changes."""
    said = {"targets": [a_target(value=20, year=2031)], **TONS, **changes}
    return an_indicator("A", owners=["ZW01"], **said)


async def offered(door: Door, *indicators: dict[str, Any], **changes: Any) -> httpx.Response:
    document = a_document(*indicators, code=CODE, organizations=UNITS, **changes)
    async with door.client(door.admin_secret) as admin:
        return await admin.post("/plans", json=document.model_dump(mode="json"))


def in_use(refused: httpx.Response) -> str:
    """Return where a version is refused for a number that stands."""
    assert refused.status_code == 422, refused.text
    (fault,) = refused.json()["errors"]
    assert fault["code"] == "unit-in-use"
    return str(fault["pointer"])


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
    assert in_use(refused) == pointer
    (row,) = (await board(door))["indicators"]
    assert (row["value"], row["unit"], row["light"]) == ("24", "万吨", "green")
    renamed = await offered(door, amount(name="总量"))
    assert renamed.status_code == 200, renamed.text


async def test_closed_years_are_never_read_in_another_unit(door: Door) -> None:
    await load(door, amount())
    await move(door, "open")
    await approve(door, "A", "ZW01", value="24")
    await move(door, "close")
    at(door, "2032-01-12", "11:00:00")
    assert in_use(await offered(door, amount(unit="吨"))) == "/indicators/0/unit"
    assert (await offered(door, an_indicator("B", owners=["ZW01"]))).status_code == 200
    assert in_use(await offered(door, amount(unit="吨"))) == "/indicators/0/unit", "it came back"
    another = amount(unit="吨", targets=[a_target(value=200000, year=2031)])
    loaded = await offered(door, amount(), {**another, "code": "A2"})
    assert loaded.status_code == 200, loaded.text
    at(door, "2032-01-13", "10:00:00")
    await door.sweep()
    (row, _) = (await board(door))["indicators"]
    assert (row["value"], row["unit"], row["light"]) == ("24", "万吨", "green")


async def test_what_was_withdrawn_stands_in_nobodys_way_and_keeps_its_unit(door: Door) -> None:
    await load(door, amount())
    await move(door, "open")
    value = await hand_in(door, "A", "ZW01", value="24")
    async with await door.as_("reporter", "ZW01") as clerk:
        done = await clerk.post(f"/submissions/{value}/withdraw")
        assert done.status_code == 200, done.text
    at(door, "2032-01-12", "11:00:00")
    changed = await offered(door, amount(unit="吨"))
    assert changed.status_code == 200, changed.text
    kept = await read(door, f"/submissions/{value}")
    assert (kept["state"], kept["value"], kept["unit"]) == ("withdrawn", "24", "万吨")
    later = await approve(door, "A", "ZW01", value="250000")
    assert (await read(door, f"/submissions/{later}"))["unit"] == "吨"


async def test_no_observed_number_and_no_assigned_target_is_read_in_another_unit(
    door: Door,
) -> None:
    targets = [{"year": 2031, "kind": "assigned_by_superior", "text": "上级下达"}]
    observations = {"sources": [{"code": "YB", "name": "年鉴", "kind": "yearbook"}]}
    await load(
        door,
        amount(targets=targets),
        {**amount(), "code": "B"},
        observations=observations,
    )
    await assign(door, "A", 2031, kind="at_least", value="20", text="≥20万吨")
    said = {"source_code": "YB", "organization_code": "ZW01", "period": YEAR, "reference": "1"}
    async with await door.as_("office") as office:
        figure = {**said, "indicator_code": "B", "value": "24"}
        kept = await office.post(f"{PLAN}/observations", json=figure)
        assert kept.status_code == 201, kept.text
    other = {"unit": "吨"}
    refused = await offered(
        door,
        amount(targets=targets, **other),
        {**amount(**other), "code": "B"},
        observations=observations,
    )
    assert [one["code"] for one in refused.json()["errors"]] == ["unit-in-use"] * 2
    assert [one["pointer"] for one in refused.json()["errors"]] == [
        "/indicators/0/unit",
        "/indicators/1/unit",
    ]


async def test_the_multiplier_of_a_formula_is_kept_as_the_indicators_is(door: Door) -> None:
    def with_formula(times: int) -> dict[str, Any]:
        said = {"kind": "rate", "source": "x", "confidence": "high", "multiplier": times}
        return amount(formula=said)

    await load(door, with_formula(1))
    await move(door, "open")
    await approve(door, "A", "ZW01", value="24")
    assert in_use(await offered(door, with_formula(100))) == "/indicators/0/formula/multiplier"
    said_otherwise = {**with_formula(100), "multiplier": 1}
    assert (await offered(door, said_otherwise)).status_code == 200, "it is read as before"


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
