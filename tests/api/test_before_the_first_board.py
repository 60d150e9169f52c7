"""As of an instant before anything stood nothing is known, whatever was decided since."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.unit.scoring.builders import a_document, a_target, an_indicator

CODE = "410183-2031"
PLAN = f"/plans/{CODE}"
LISTED = [
    an_indicator(code, owners=["ZW01"], targets=[a_target(value=50, year=2031)])
    for code in ("A", "B")
]
ASSIGNED = an_indicator(
    "C", owners=["ZW01"], targets=[a_target("assigned_by_superior", None, 2031, "下达")]
)
BEFORE = "2031-06-01T00:00:00Z"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """A plan of which A was approved, then the period was opened and closed, and C assigned."""
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        unit = {"code": "ZW01", "name": "镇一", "kind": "town"}
        document = a_document(*LISTED, ASSIGNED, code=CODE, organizations=[unit])
        async with opened.client(opened.admin_secret) as admin:
            await admin.post("/plans", json=document.model_dump(mode="json"))
        said = {"indicator_code": "A", "organization_code": "ZW01", "period": "2031", "value": "50"}
        async with await opened.as_("reporter", "ZW01") as clerk:
            made = await clerk.post(f"{PLAN}/submissions", json=said)
        async with await opened.as_("office") as office:
            await office.post(f"/submissions/{made.json()['id']}/approve")
            await opened.react()
            for verb in ("open", "close"):
                moved = await office.post(f"{PLAN}/periods/2031/{verb}")
                assert moved.status_code == 200, moved.text
        document_of = {"document_number": "1号", "document_date": "2032-01-02"}
        async with await opened.as_("superior") as superior:
            target = {"kind": "at_least", "value": "10", "text": "≥10", **document_of}
            done = await superior.put(f"{PLAN}/indicators/C/targets/2031", json=target)
            assert done.status_code == 200, done.text
        await opened.react()
        yield opened


async def _read(door: Door, path: str, **asked: str) -> dict[str, Any]:
    async with await door.as_("office") as office:
        answer = await office.get(f"{PLAN}/{path}", params={"period": "2031", **asked})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_board_of_before_shows_nothing_of_what_came_later(door: Door) -> None:
    live = await _read(door, "scoreboard")
    assert [row["state"] for row in live["indicators"]] == ["scored", "missing", "missing"]
    board = await _read(door, "scoreboard", as_of=BEFORE)
    assert [row["state"] for row in board["indicators"]] == [
        *("not_opened", "not_opened"),
        "not_assessable",
    ]
    assert (board["overall"]["score"], board["position"]) == (None, 0)
    assert board["overall"]["gate"]["mandatory_not_met"] == []
    assert board["local_date"] == "2031-06-01"


async def test_a_score_and_a_ranking_of_before_know_nothing_either(door: Door) -> None:
    score = await _read(door, "indicators/B/score", as_of=BEFORE)
    assert (score["trace"]["result"]["state"], score["position"]) == ("not_opened", 0)
    ranking = await _read(door, "rankings", as_of=BEFORE)
    assert {one["score"] for one in ranking["items"]} <= {None}


async def test_from_nothing_to_the_first_board_only_what_happened_is_told(door: Door) -> None:
    async with await door.as_("office") as office:
        events = (await office.get("/events", params={"types": "score.updated"})).json()["items"]
    first = min(one["position"] for one in events)
    told = await _read(door, "scoreboard/changes", **{"from": "0", "to": str(first)})
    causes = {one["code"]: [each["kind"] for each in one["causes"]] for one in told["indicators"]}
    assert causes == {"A": ["value"]}
    assert told["difference"] == "100"
    later = await _read(door, "scoreboard/changes", **{"from": "0"})
    kinds = {one["code"]: [each["kind"] for each in one["causes"]] for one in later["indicators"]}
    assert kinds["B"] == ["period"]
    assert kinds["C"][0] == "target"
