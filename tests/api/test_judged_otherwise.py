"""A version that judges by level what was a number: what stands says that it counts no more."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.towns import approve, hand_in, load, move, read, row_of
from tests.unit.scoring.builders import a_target, an_indicator

LEVELS = [{"code": "a", "name": "甲", "points": 100}, {"code": "b", "name": "乙", "points": 50}]


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        yield opened


async def test_a_number_that_stands_where_levels_are_asked_since_counts_no_more(door: Door) -> None:
    number = a_target(value=50, year=2031)
    words = a_target("qualitative", None, year=2031, text="建成")
    by_level = {"targets": [words], "direction": "qualitative", "levels": LEVELS}
    await load(door, *(an_indicator(code, owners=["ZW01"], targets=[number]) for code in "AB"))
    await move(door, "open")
    stands = await approve(door, "A", "ZW01", value="75")
    waits = await hand_in(door, "B", "ZW01", value="75")
    await load(door, *(an_indicator(code, owners=["ZW01"], **by_level) for code in "AB"))
    assert (await row_of(door, "A"))["value"] is None
    said = await read(door, f"/submissions/{stands}")
    assert (said["counts"], said["counts_reason"]["code"]) == (False, "level-asked")
    async with await door.as_("office") as office:
        refused = await office.post(f"/submissions/{waits}/approve")
        returned = await office.post(f"/submissions/{waits}/return", json={"reason": "按等级填报"})
    assert [one["code"] for one in refused.json()["errors"]] == ["level-asked"], refused.text
    assert returned.status_code == 200, returned.text
