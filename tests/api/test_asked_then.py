"""A closed period asks for what it asked for then, and what nobody was asked for is no blank."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.towns import YEAR, approve, board, load, move, read, row_of
from tests.unit.scoring.builders import a_target, an_indicator

FIFTY = [a_target(value=50, year=2031)]
A = an_indicator("A", owners=["ZW01"], targets=FIFTY)


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2031-12-01", "10:00:00")
        yield opened


def newcomer(units: str, *owners: str) -> dict[str, Any]:
    return an_indicator("B", owners=owners, targets=FIFTY, aggregation={"units": units})


@pytest.mark.parametrize(
    "came", [newcomer("direct", "ZW02"), newcomer("sum", "ZW02"), newcomer("sum", "ZW02", "ZW03")]
)
async def test_an_indicator_that_came_after_the_closing_fails_nobody(
    door: Door, came: dict[str, Any]
) -> None:
    await load(door, A)
    await move(door, "open")
    await approve(door, "A", "ZW01", value="60")
    await move(door, "close")
    before = (await board(door))["overall"]["score"]
    at(door, "2032-03-10", "10:00:00")
    await load(door, A, came)
    row = await row_of(door, "B")
    assert (row["state"], row["attainment"]) == ("not_opened", None)
    assert (row["reporting"]["overdue"], row["reporting"]["late"]) == (0, [])
    assert (await board(door))["overall"]["score"] == before == "100"
    assert [one["code"] for one in (await read(door, "late"))["items"]] == []
    await move(door, "reopen")
    owed = (await read(door, "obligations", indicator_code="B"))["items"]
    assert {(one["status"], one["due_date"]) for one in owed} == {("expected", "2032-04-10")}
    assert (await row_of(door, "B"))["state"] == "not_due"


async def test_months_that_were_closed_before_it_came_are_late_on_no_wider_board(
    door: Door,
) -> None:
    often = {"frequency": "monthly", "owners": ["ZW01"], "aggregation": {"periods": "sum"}}
    one, other = (an_indicator(code, targets=FIFTY, **often) for code in ("C", "D"))
    await load(door, one)
    at(door, "2032-01-05", "10:00:00")
    for month in ("2031-10", "2031-11"):
        await move(door, "open", month, due_date="2032-01-31")
        await approve(door, "C", "ZW01", month, value="5")
        await move(door, "close", month)
    await load(door, one, other)
    await move(door, "open", "2031-12", due_date="2032-01-31")
    for period in ("2031-11", "2031-Q4", YEAR):
        assert (await row_of(door, "D", period))["reporting"]["overdue"] == 0, period
    at(door, "2032-02-01", "10:00:00")
    await door.sweep()
    late = (await row_of(door, "D", "2031-Q4"))["reporting"]["late"]
    assert [(unit["organization_code"], unit["periods"]) for unit in late] == [
        ("ZW01", ["2031-12"])
    ]


async def test_who_owed_it_then_is_named_after_a_handover(door: Door) -> None:
    await load(door, A)
    await move(door, "open")
    await move(door, "close")
    await load(door, {**A, "owners": ["ZW02"]})
    (late,) = (await row_of(door, "A"))["reporting"]["late"]
    assert late["organization_code"] == "ZW01"


async def test_a_board_that_was_never_drawn_knows_until_when_its_parts_are_due(
    door: Door,
) -> None:
    monthly = an_indicator("M", owners=["ZW01"], frequency="monthly", targets=FIFTY)
    await load(door, monthly)
    await move(door, "open", "2031-12")
    (owed,) = (await read(door, "obligations"))["items"]
    asked = {"proposed_date": "2032-03-31", "reason": "系统迁移"}
    async with await door.as_("reporter", "ZW01") as clerk, await door.as_("office") as office:
        made = await clerk.post(f"/obligations/{owed['id']}/extensions", json=asked)
        assert made.status_code == 201, made.text
        granted = await office.post(f"/extensions/{made.json()['id']}/approve", json={})
        assert granted.status_code == 200, granted.text
    await door.sweep()
    at(door, "2032-02-20", "10:00:00")
    await door.sweep()
    for period in ("2031-12", "2031-Q4", YEAR):
        row = await row_of(door, "M", period)
        assert (row["reporting"]["overdue"], row["state"]) == (0, row["state"]), period
        assert row["state"] != "missing", period
