"""A target that the superior assigned, and one that the plan prints: which holds."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.towns import CODE, approve, assign, load, move, read, row_of
from tests.unit.scoring.builders import an_indicator

LEFT_OPEN = {"year": 2031, "kind": "assigned_by_superior", "value": None, "text": "待下达"}
PRINTED = {"year": 2031, "kind": "at_least", "value": "80", "text": "≥80"}
HALF = {"period": "2031-H1", "kind": "at_least", "value": "6", "text": "上半年末6"}


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        yield opened


async def test_a_version_that_prints_an_assigned_target_is_judged_and_shown_as_printed(
    door: Door,
) -> None:
    await load(door, an_indicator("A", owners=["ZW01"], targets=[LEFT_OPEN]))
    await assign(door, "A", 2031, kind="at_least", value="70")
    await move(door, "open")
    await approve(door, "A", "ZW01", value="75")
    assert (await row_of(door, "A"))["light"] == "green"
    await load(door, an_indicator("A", owners=["ZW01"], targets=[PRINTED]))
    row = await row_of(door, "A")
    assert (row["target"]["source"], row["target"]["value"]) == ("plan", "80")
    assert row["light"] != "green"
    (shown,) = (await read(door, f"/plans/{CODE}/indicators/A"))["targets"]
    assert (shown["value"], shown["assigned"]) == ("80", None)
    (kept,) = (await read(door, f"/plans/{CODE}/indicators/A/targets/2031"))["items"]
    assert kept["value"] == "70"


async def test_a_target_printed_for_half_a_year_is_not_shown_as_assigned(door: Door) -> None:
    await load(door, an_indicator("A", owners=["ZW01"], targets=[HALF, LEFT_OPEN]))
    await assign(door, "A", 2031, kind="at_least", value="20")
    half, year = (await read(door, f"/plans/{CODE}/indicators/A"))["targets"]
    assert (half["value"], half["assigned"]) == ("6", None)
    assert year["assigned"]["value"] == "20"
