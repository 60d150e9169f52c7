"""A year is made of what was reported for its parts, whatever cycle a later version asks for."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.towns import CODE, UNITS, approve, board, load, move, read, row_of
from tests.unit.scoring.builders import a_document, a_target, an_indicator

TARGETS = [a_target(value=12, year=2031), a_target(value=12, year=2032)]
QUARTERS = [f"2031-Q{number}" for number in (1, 2, 3, 4)]


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2031-04-10", "10:00:00")
        yield opened


def flow(frequency: str, **changes: Any) -> dict[str, Any]:
    """Return a flow that is to reach 12 a year, reported so often."""
    more = {"frequency": frequency, "owners": ["ZW01"], "targets": TARGETS}
    sums = {"unit": "万吨", "plausible": {}, "aggregation": {"periods": "sum"}}
    return an_indicator("A", **{**more, **sums, **changes})


async def offered(door: Door, *indicators: dict[str, Any]) -> httpx.Response:
    document = a_document(*indicators, code=CODE, organizations=UNITS)
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post("/plans", json=document.model_dump(mode="json"))
    await door.sweep()
    return answer


@pytest.mark.parametrize(
    ("before", "period", "after"),
    [
        ("quarterly", "2031-Q1", "monthly"),
        ("monthly", "2031-03", "quarterly"),
        ("half_yearly", "2031-H1", "annual"),
    ],
)
async def test_what_was_reported_for_a_running_year_is_not_dropped_from_it(
    door: Door, before: str, period: str, after: str
) -> None:
    await load(door, flow(before))
    await move(door, "open")
    await approve(door, "A", "ZW01", period, value="3.5")
    stood = await row_of(door, "A")
    refused = await offered(door, flow(after))
    assert refused.status_code == 422, refused.text
    (fault,) = refused.json()["errors"]
    assert (fault["code"], fault["pointer"]) == ("frequency-in-use", "/indicators/0/frequency")
    assert before in str(fault), "it says what to write instead"
    assert (await offered(door, an_indicator("B", owners=["ZW01"]))).status_code == 200
    back = await offered(door, flow(after))
    assert back.json()["errors"][0]["code"] == "frequency-in-use", "it finds its values again"
    assert (await offered(door, flow(before, name="总量"))).status_code == 200
    assert (await row_of(door, "A"))["value"] == stood["value"] == "3.5"


@pytest.mark.parametrize("after", ["monthly", "half_yearly", "annual"])
async def test_a_year_that_has_ended_stays_made_of_its_quarters(door: Door, after: str) -> None:
    await load(door, flow("quarterly"))
    await move(door, "open")
    at(door, "2032-01-10", "10:00:00")
    values = [await approve(door, "A", "ZW01", quarter, value="3.5") for quarter in QUARTERS[:3]]
    await move(door, "open", QUARTERS[3])
    places = ("2031", "2031-H1", "2031-Q1")
    stood = {place: await row_of(door, "A", place) for place in places}
    changed = await offered(door, flow(after))
    assert changed.status_code == 200, changed.text
    for place, row in stood.items():
        assert await row_of(door, "A", place) == row, place
    counts = [(await read(door, f"/submissions/{value}"))["counts"] for value in values]
    assert counts == [True, True, True]
    (owed,) = (await read(door, "obligations", period=QUARTERS[3]))["items"]
    assert (owed["organization_code"], owed["status"]) == ("ZW01", "expected")
    await approve(door, "A", "ZW01", QUARTERS[3], value="3.5")
    assert (await row_of(door, "A"))["value"] == "14"


async def test_the_next_year_is_made_of_the_parts_that_the_version_asks_for(door: Door) -> None:
    rising = [a_target("rising", None, year=2032, text="上升")]
    await load(door, flow("quarterly", targets=rising))
    at(door, "2032-01-10", "10:00:00")
    for quarter in QUARTERS:
        await approve(door, "A", "ZW01", quarter, value="3.5")
    assert (await offered(door, flow("half_yearly", targets=rising))).status_code == 200
    at(door, "2033-01-10", "10:00:00")
    for half in ("2032-H1", "2032-H2"):
        await move(door, "open", half, due_date="2033-01-31")
        (owed,) = (await read(door, "obligations", period=half))["items"]
        assert owed["indicator_code"] == "A"
        await approve(door, "A", "ZW01", half, value="7.5")
    (row,) = (await board(door, "2032"))["indicators"]
    assert (row["value"], row["reason_code"], row["light"]) == ("15", "met", "green")


async def causes(door: Door, since: int) -> list[tuple[str, str, list[str]]]:
    """Return why the year's score moved since a position: kind, points and events of each cause."""
    told = await read(door, "scoreboard/changes", period="2031", **{"from": str(since)})
    (one,) = told["indicators"]
    return [
        (cause["kind"], cause["points"], [event["type"] for event in cause["events"]])
        for cause in one["causes"]
    ]


async def test_the_version_is_named_where_the_rule_moved_the_score_before_a_value(
    door: Door,
) -> None:
    shared = {"aggregation": {"units": "sum", "periods": "sum"}}
    await load(door, flow("quarterly", owners=["ZW01", "ZW02"], **shared))
    await move(door, "open", "2031-Q1")
    await approve(door, "A", "ZW01", "2031-Q1", value="6")
    at(door, "2031-05-20", "10:00:00")
    await door.sweep()
    stood = await board(door)
    assert stood["overall"]["score"] == "0", "ZW02 is late"
    assert (await offered(door, flow("quarterly", **shared))).status_code == 200
    await approve(door, "A", "ZW01", "2031-Q2", value="6")
    assert await causes(door, stood["position"]) == [
        ("rule", "100", ["plan.published"]),
        ("value", "0", ["submission.approved"]),
    ]
