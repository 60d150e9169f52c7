"""Nobody is late with what a version of the plan asked of them only after the period's date."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.towns import YEAR, approve, board, load, move, read, row_of
from tests.unit.scoring.builders import a_target, an_indicator

FIFTY = [a_target(value=50, year=2031)]
A = an_indicator("A", owners=["ZW01"], targets=FIFTY)
B = an_indicator("B", owners=["ZW02"], targets=FIFTY)
ASKED_ON, ANSWERED_BY = "2032-03-10", "2032-04-10"
"""A version of the plan, and the plan's 31 days later; the year was due on 2032-01-31."""


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2031-12-01", "10:00:00")
        await load(opened, A)
        await move(opened, "open")
        yield opened


async def late_of(door: Door) -> list[tuple[str, str]]:
    """Return the units and due dates of what is late."""
    items = (await read(door, "late", page_size=100))["items"]
    return [(one["organization_code"], one["due_date"]) for one in items]


async def test_a_new_indicator_is_owed_from_the_day_on_which_it_was_asked_for(door: Door) -> None:
    await approve(door, "A", "ZW01", value="60")
    at(door, ASKED_ON, "10:00:00")
    await door.sweep()
    before = (await board(door))["overall"]["display"]
    await load(door, A, B)
    assert await late_of(door) == []
    row = await row_of(door, "B")
    assert (row["reporting"]["overdue"], row["attainment"]) == (0, None)
    assert (await board(door))["overall"]["display"] == before, "nobody's silence counts yet"
    at(door, ANSWERED_BY, "23:00:00")
    await door.sweep()
    assert await late_of(door) == []
    at(door, "2032-04-11", "10:00:00")
    await door.sweep()
    assert await late_of(door) == [("ZW02", ANSWERED_BY)]
    assert (await row_of(door, "B"))["reporting"]["overdue"] == 1


async def test_what_a_former_owner_left_unreported_is_not_held_against_the_new_one(
    door: Door,
) -> None:
    at(door, ASKED_ON, "10:00:00")
    await door.sweep()
    assert await late_of(door) == [("ZW01", "2032-01-31")]
    await load(door, {**A, "owners": ["ZW02"]})
    assert await late_of(door) == []
    await approve(door, "A", "ZW02", value="60")
    rates = (await read(door, "reporting-rates", period=YEAR, by="organization"))["items"]
    assert [(one["code"], one["on_time"], one["late"]) for one in rates] == [("ZW02", 1, 0)]


async def test_a_period_that_is_opened_again_asks_new_owners_with_time_to_answer(
    door: Door,
) -> None:
    at(door, ASKED_ON, "10:00:00")
    await door.sweep()
    await move(door, "close")
    await load(door, A, B)
    await move(door, "reopen")
    assert sorted(await late_of(door)) == [("ZW01", "2032-01-31")]
