"""Why a year's board changed: the quarter that was closed within it is named, and no other."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.unit.scoring.builders import a_document, a_target, an_indicator

CODE = "410183-2031"
PLAN = f"/plans/{CODE}"
FLOW = an_indicator(
    "A",
    owners=["ZW01"],
    frequency="quarterly",
    unit="万吨",
    aggregation={"periods": "sum"},
    targets=[a_target(value=20, year=2031)],
)
ANNUAL = an_indicator("B", owners=["ZW01"], targets=[a_target(value=50, year=2031)])


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API in January 2032, with a flow by quarters and a value by years."""
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        unit = {"code": "ZW01", "name": "镇一", "kind": "town"}
        document = a_document(FLOW, ANNUAL, code=CODE, organizations=[unit])
        async with opened.client(opened.admin_secret) as admin:
            loaded = await admin.post("/plans", json=document.model_dump(mode="json"))
            assert loaded.status_code == 201, loaded.text
        yield opened


async def _move(door: Door, period: str, verb: str, **body: Any) -> None:
    async with await door.as_("office") as office:
        done = await office.post(f"{PLAN}/periods/{period}/{verb}", json=body or None)
        assert done.status_code == 200, done.text
    await door.react()


async def _approved(door: Door, period: str) -> None:
    said = {"indicator_code": "A", "organization_code": "ZW01", "period": period, "value": "6"}
    async with await door.as_("reporter", "ZW01") as clerk, await door.as_("office") as office:
        made = await clerk.post(f"{PLAN}/submissions", json=said)
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
        assert done.status_code == 200, done.text
    await door.react()


async def test_the_closing_of_a_quarter_is_the_cause_on_the_years_board(door: Door) -> None:
    for quarter in ("2031-Q1", "2031-Q2", "2031-Q3"):
        await _approved(door, quarter)
    await _move(door, "2031", "open", due_date="2032-02-20")
    await _move(door, "2031-Q4", "open", due_date="2032-02-20")
    async with await door.as_("office") as office:
        board = (await office.get(f"{PLAN}/scoreboard", params={"period": "2031"})).json()
        await _move(door, "2031-Q4", "close")
        asked = {"period": "2031", "from": str(board["position"])}
        told = (await office.get(f"{PLAN}/scoreboard/changes", params=asked)).json()
    causes = {
        one["code"]: [
            (cause["kind"], [event["type"] for event in cause["events"]]) for cause in one["causes"]
        ]
        for one in told["indicators"]
    }
    assert causes == {"A": [("period", ["period.closed"])]}
