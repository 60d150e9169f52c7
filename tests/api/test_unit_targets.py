"""Through the door: each township by its own target, told to whom it belongs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.core.scoring.service import recompute_plan
from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.owing_towns import approve, load, move
from tests.support.towns import CODE, PLAN, UNITS
from tests.unit.scoring.builders import CITY, a_target, an_indicator

SCORE = f"{PLAN}/indicators/A/score"


def own(unit: str, value: int) -> dict[str, Any]:
    return {**a_target("at_least", value, 2031, f"≥{value}"), "organization": unit}


A = an_indicator(
    "A",
    owners=["ZW01", "ZW02"],
    targets=[a_target("at_least", 10, 2031, "≥10")],
    aggregation={"units": "sum"},
    unit_targets=[own("ZW01", 8), own("ZW02", 4), own("ZW03", 1)],
)


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        await load(opened, A)
        await move(opened, "open")
        await approve(opened, "ZW01", "6")
        await approve(opened, "ZW02", "5")
        await opened.react()
        yield opened


async def score(door: Door, role: str, unit: str | None = None, **query: str) -> dict[str, Any]:
    async with await door.as_(role, unit) as client:
        answer = await client.get(SCORE, params={"period": "2031", **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_office_sees_how_each_unit_stands_beside_the_city(door: Door) -> None:
    found = await score(door, "office")
    told = [
        (each["name"], each["value"], each["target"]["value"], each["met"], each["attainment"])
        for each in found["units"]
    ]
    assert told == [
        (UNITS[0]["name"], "6", "8", False, "75"),
        (UNITS[1]["name"], "5", "4", True, "100"),
        (UNITS[2]["name"], None, "1", None, None),
    ]
    assert (found["score"]["value"], found["score"]["met"]) == ("11", True)
    assert found["units_outside_scope"] == 0
    assert any("ZW01, own target ≥8: value 6, attainment 75" in step for step in found["steps"])


async def test_a_unit_sees_its_own_standing_alone(door: Door) -> None:
    found = await score(door, "reporter", "ZW02")
    assert [each["organization_code"] for each in found["units"]] == ["ZW02"]
    assert [each["organization_code"] for each in found["trace"]["units"]] == ["ZW02"]
    assert found["units_outside_scope"] == 2
    assert not any("ZW01" in step for step in found["steps"])


async def test_a_whole_recompute_finds_the_same(door: Door) -> None:
    async with door.held.database.transaction() as session:
        remade = await recompute_plan(session, CITY, CODE, clock=door.held.clock)
    assert (remade.boards > 0, remade.changed) == (True, 0)
