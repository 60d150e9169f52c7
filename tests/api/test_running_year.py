"""Through the door: nothing is missed before the midnight after the target's date."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.unit.scoring.builders import a_baseline, a_document, a_target, an_indicator

CODE = "410183-2027"
PLAN = f"/plans/{CODE}"
STOCK = an_indicator(
    "S01",
    frequency="monthly",
    targets=[a_target(value=100, year=2027, text="100")],
    baseline=a_baseline(10, 2026),
    owners=["ZW01"],
)
UNIT = {"code": "ZW01", "name": "无废办", "kind": "unit"}
EARLY = STOCK | {"code": "S02", "frequency": "annual"}
CAP = an_indicator(
    "S03",
    selection="optional",
    owners=["ZW01"],
    weight=100,
    targets=[a_target("at_most", 23, 2027, "23")],
    direction="lower_better",
    baseline=a_baseline("23.47", 2026),
    aggregation={"units": "direct", "periods": "sum"},
)


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a morning of March 2027, with a plan whose target year has begun."""
    async with open_door(database_url) as opened:
        at(opened, "2027-03-02", "10:00:00")
        document = a_document(STOCK, EARLY, CAP, code=CODE, organizations=[UNIT]).model_dump(
            mode="json"
        )
        async with opened.client(opened.admin_secret) as admin:
            loaded = await admin.post("/plans", json=document)
            assert loaded.status_code == 201, loaded.text
        yield opened


async def approved(door: Door, indicator: str, period: str, value: str) -> None:
    """Report and approve a value, and let the worker follow."""
    async with await door.as_("reporter", "ZW01") as clerk, await door.as_("office") as office:
        made = await clerk.post(
            f"{PLAN}/submissions",
            json={
                "indicator_code": indicator,
                "organization_code": "ZW01",
                "period": period,
                "value": value,
            },
        )
        assert made.status_code == 201, made.text
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
        assert done.status_code == 200, done.text
    await door.react()


async def board(door: Door, period: str) -> dict[str, Any]:
    async with await door.as_("leader") as leader:
        answer = await leader.get(f"{PLAN}/scoreboard", params={"period": period})
    assert answer.status_code == 200, answer.text
    return {
        **answer.json()["overall"],
        **{row["code"]: row for row in answer.json()["indicators"]},
    }


async def red_alerts(door: Door) -> set[str]:
    async with await door.as_("office") as office:
        found = await office.get(f"{PLAN}/alerts", params={"rule": "light_red"})
    assert found.status_code == 200, found.text
    return {alert["indicator_code"] for alert in found.json()["items"]}


async def test_a_light_turns_red_at_the_midnight_after_the_targets_date_without_an_event(
    door: Door,
) -> None:
    await approved(door, "S01", "2027-01", "20")
    await approved(door, "S02", "2027", "30")
    await approved(door, "S03", "2027", "3.5")
    await door.sweep()
    march = await board(door, "2027")
    assert [march[code]["light"] for code in ("S01", "S02", "S03")] == ["green"] * 3
    assert march["S01"]["pace"] == march["S02"]["pace"] == "1.33333333333333333333"
    assert march["S03"]["met"] is None
    assert (await board(door, "2027-01"))["S01"]["light"] == "green"
    assert march["gate"]["mandatory_not_met"] == []
    assert march["grade"] == "excellent"
    assert await red_alerts(door) == set()

    at(door, "2027-12-31", "23:59:59")
    await door.sweep()
    eve = await board(door, "2027")
    assert eve["S01"]["reason_code"] == "on_pace"
    assert eve["S02"]["reason_code"] == "far_behind"
    assert eve["gate"]["mandatory_not_met"] == []

    at(door, "2028-01-01", "00:00:00")
    await door.sweep()
    new_year = await board(door, "2027")
    assert new_year["S01"]["reason_code"] == "not_met_at_target_date"
    assert new_year["S02"]["reason_code"] == "not_met_at_target_date"
    assert (new_year["S03"]["met"], new_year["S03"]["light"]) == (True, "green")
    assert new_year["gate"]["mandatory_not_met"] == ["S01", "S02"]
    assert new_year["grade"] == "good"

    at(door, "2028-01-04", "10:00:00")
    await door.sweep()
    assert await red_alerts(door) == {"S01", "S02"}


async def test_an_early_value_ages_by_full_months_without_an_event(door: Door) -> None:
    await approved(door, "S02", "2027", "30")
    at(door, "2027-04-01", "00:00:00")
    await door.sweep()
    aged = (await board(door, "2027"))["S02"]
    assert (aged["pace"], aged["light"]) == ("0.88888888888888888889", "yellow")


async def test_a_quarter_of_a_capped_year_is_judged_by_a_quarter_of_the_cap(door: Door) -> None:
    at(door, "2027-04-10", "10:00:00")
    await approved(door, "S03", "2027-Q1", "5.9")
    row = (await board(door, "2027-Q1"))["S03"]
    assert (row["met"], row["light"], row["pace"]) == (None, "yellow", "0.97457627118644067797")
    async with await door.as_("leader") as leader:
        trace = await leader.get(f"{PLAN}/indicators/S03/score", params={"period": "2027-Q1"})
    assert any("23 × 3 of 12 months" in step for step in trace.json()["steps"])
