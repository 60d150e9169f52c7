"""Through the door: what is owed and absent helps nobody, and one rule says what is missing."""

from typing import Any

from tests.support.api import Door
from tests.support.clock import at
from tests.support.doors import after_2031 as door
from tests.support.owing_towns import approve, load, move
from tests.support.towns import PLAN, TOWNS
from tests.unit.scoring.builders import a_target, an_indicator

__all__ = ["door"]  # fixtures

A = an_indicator(
    "A", owners=["ZW01"], selection="optional", weight=1, targets=[a_target(value=1, year=2031)]
)
B = an_indicator("B", owners=["ZW02"], weight=2, targets=[a_target(value=1, year=2031)])
CAP = an_indicator(
    "A",
    owners=TOWNS,
    targets=[a_target("at_most", 23, 2031, "23")],
    direction="lower_better",
    aggregation={"units": "sum", "periods": "sum"},
)


async def board(door: Door) -> dict[str, Any]:
    await door.sweep()
    async with await door.as_("leader") as leader:
        answer = await leader.get(f"{PLAN}/scoreboard", params={"period": "2031"})
    body: dict[str, Any] = answer.json()
    return body


async def missing(door: Door) -> set[tuple[str, str]]:
    """Return what the obligations call missing."""
    async with await door.as_("office") as office:
        found = await office.get(f"{PLAN}/obligations", params={"status": "missing"})
    items = found.json()["items"]
    return {(item["indicator_code"], item["organization_code"]) for item in items}


async def test_a_period_closed_before_the_due_date_leaves_no_blank_not_due(door: Door) -> None:
    await load(door, A, B)
    await move(door, "open")
    await approve(door, "ZW01", "1")
    assert (await board(door))["overall"]["score"] == "100"
    await move(door, "close")
    closed = await board(door)
    assert await missing(door) == {("B", "ZW02")}
    await move(door, "publish")
    published = await board(door)
    for each in (closed, published):
        assert each["overall"]["score"] == "33.33333333333333333333"
        assert each["overall"]["coverage"] == "1"
        assert each["overall"]["gate"]["mandatory_not_met"] == ["B"]
        assert [row["state"] for row in each["indicators"]] == ["scored", "missing"]


async def test_obligations_and_boards_call_the_same_township_overdue(door: Door) -> None:
    await load(door, CAP)
    await move(door, "open")
    for town in TOWNS[:2]:
        await approve(door, town, "10")
    (awaited,) = (await board(door))["indicators"]
    assert await missing(door) == set()
    assert (awaited["value"], awaited["met"], awaited["light"]) == ("20", None, "yellow")
    at(door, "2032-02-01", "00:00:00")
    late = await board(door)
    (row,) = late["indicators"]
    assert await missing(door) == {("A", "ZW03")}
    assert (row["state"], row["met"], row["attainment"]) == ("missing", None, "0")
    assert "2 of 3 reported" in row["reason_en"]
    assert "镇3" in row["reason"]
    assert late["overall"]["grade"] == "fail"
