"""Nobody is late with what a version of the plan asked of them only after the period's date."""

from collections.abc import AsyncIterator
from typing import Any

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


DROPPED = [A]
HANDED_OVER = [A, {**B, "owners": ["ZW03"]}]


@pytest.mark.parametrize("without", [DROPPED, HANDED_OVER], ids=["dropped", "handed over"])
@pytest.mark.parametrize("left_on", ["2032-01-10", "2032-02-10"], ids=["before", "after"])
async def test_who_comes_back_after_the_date_has_time_to_answer(
    door: Door, left_on: str, without: list[dict[str, Any]]
) -> None:
    at(door, "2032-01-05", "10:00:00")
    await approve(door, "A", "ZW01", value="60")
    await load(door, A, B)
    at(door, left_on, "10:00:00")
    await load(door, *without)
    at(door, ASKED_ON, "10:00:00")
    await load(door, A, B)
    (owed,) = (await read(door, "obligations", organization="ZW02"))["items"]
    assert (owed["due_date"], owed["status"]) == (ANSWERED_BY, "expected")
    assert (await late_of(door), (await row_of(door, "B"))["reporting"]["overdue"]) == ([], 0)
    at(door, "2032-04-11", "10:00:00")
    await door.sweep()
    assert await late_of(door) == [("ZW02", ANSWERED_BY)]


async def test_who_was_asked_late_and_comes_back_is_due_no_earlier_than_first(door: Door) -> None:
    await approve(door, "A", "ZW01", value="60")
    at(door, ASKED_ON, "10:00:00")
    await load(door, A, B)
    for day, said in (("2032-03-15", DROPPED), ("2032-03-20", [A, B])):
        at(door, day, "10:00:00")
        await load(door, *said)
    (owed,) = (await read(door, "obligations", organization="ZW02"))["items"]
    assert (owed["original_due_date"], owed["due_date"]) == (ANSWERED_BY, ANSWERED_BY)
    assert await late_of(door) == []


@pytest.mark.parametrize(
    ("handed_in_on", "status"), [("2032-01-20", "met"), ("2032-02-05", "late")]
)
async def test_what_was_handed_in_while_it_was_owed_stays_as_it_came(
    door: Door, handed_in_on: str, status: str
) -> None:
    at(door, "2032-01-05", "10:00:00")
    await load(door, A, B)
    at(door, handed_in_on, "10:00:00")
    await approve(door, "B", "ZW02", value="60")
    at(door, "2032-02-10", "10:00:00")
    await load(door, A)
    at(door, ASKED_ON, "10:00:00")
    await load(door, A, B)
    (owed,) = (await read(door, "obligations", organization="ZW02"))["items"]
    assert (owed["due_date"], owed["status"]) == ("2032-01-31", status)
