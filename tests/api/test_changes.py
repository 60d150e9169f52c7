"""Why a score changed, as callers read it: exact parts, who, and by which event."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support import plans
from tests.support.api import Door, a_submission
from tests.support.scores import PLAN, approved, board


async def changes(
    door: Door, query: dict[str, str], *who: str, status: int = 200
) -> dict[str, Any]:
    async with await door.as_(*(who or ("leader",))) as caller:
        answer = await caller.get(f"{PLAN}/scoreboard/changes", params=query)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _causes(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *body["whole_plan"],
        *(cause for one in body["indicators"] for cause in one["causes"]),
    ]


async def test_a_correction_is_told_with_who_and_which_event(door: Door) -> None:
    await approved(door, period="2024", value="20")
    before = await board(door, "2024")
    await approved(door, period="2024", indicator_code="R08", organization_code="UN11", value="1")
    made = await approved(door, period="2024", indicator_code="U07", value="30")
    after = await board(door, "2024")
    body = await changes(door, {"period": "2024", "from": str(before["position"])})
    assert body["from"]["position"] == before["position"]
    assert body["to"]["score"] == after["overall"]["score"]
    moved = Decimal(after["overall"]["score"]) - Decimal(before["overall"]["score"])
    assert Decimal(body["difference"]) == moved
    assert sum(Decimal(cause["points"]) for cause in _causes(body)) == moved
    value = next(cause for cause in _causes(body) if cause.get("submission_id") == made)
    (event,) = value["events"]
    assert (value["kind"], value["organization_code"], value["revision"]) == ("value", "UN15", 1)
    assert (event["type"], event["actor"]["role"]) == ("submission.approved", "office")
    for point in (before["as_of"], "2999-12-31"):
        there = await changes(door, {"period": "2024", "from": before["as_of"], "to": point})
        assert there["from"]["position"] == before["position"]


async def test_another_units_value_shows_its_points_alone(door: Door) -> None:
    await approved(door, period="2023", value="20")
    before = await board(door, "2023")
    made = await approved(door, period="2023", indicator_code="U07", value="30")
    query = {"period": "2023", "from": str(before["position"])}
    told = await changes(door, query, "reporter", "410183107")
    assert made not in str(told)
    (value,) = [cause for cause in _causes(told) if cause["kind"] == "value"]
    assert (value["outside_scope"], value["events"], value["organization_code"]) == (True, [], None)
    whole = await changes(door, query)
    assert whole["difference"] == told["difference"]


async def test_before_anything_stood_there_is_no_earlier_board(door: Door) -> None:
    await approved(door, period="2022", value="40")
    body = await changes(door, {"period": "2022", "from": "0"})
    after = await board(door, "2022")
    assert body["from"] is None
    assert body["difference"] == after["overall"]["score"]
    assert sum(Decimal(cause["points"]) for cause in _causes(body)) == Decimal(body["difference"])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": "yesterday"}, 422, "invalid-point"),
        ({"from": "2026-02-31"}, 422, "invalid-point"),
        ({"from": "publication:99"}, 404, "publication-not-found"),
        ({"from": "0", "to": "0"}, 404, "scoreboard-not-found"),
        ({"from": "9" * 18, "to": "2020-01-01"}, 410, "position-beyond-log"),
        ({}, 422, None),
    ],
)
async def test_points_that_name_no_board_are_refused(
    door: Door, query: dict[str, str], status: int, code: str | None
) -> None:
    body = await changes(door, {"period": "2025", **query}, status=status)
    if code is not None:
        assert code in (body["code"], *(each["code"] for each in body.get("errors", ())))


_TRIAL = f"/plans/{plans.TRIAL}"


async def _approved_on_trial(door: Door, code: str, value: str) -> str:
    async with await door.as_("reporter", "UN15") as clerk:
        body = a_submission(indicator_code=code, period="2025", value=value)
        made = await clerk.post(f"{_TRIAL}/submissions", json=body)
        assert made.status_code == 201, made.text
    async with await door.as_("office") as office:
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
        assert done.status_code == 200, done.text
    await door.react()
    return str(made.json()["id"])


async def _between(door: Door, since: int) -> dict[str, Any]:
    async with await door.as_("leader") as leader:
        answer = await leader.get(
            f"{_TRIAL}/scoreboard/changes", params={"period": "2025", "from": str(since)}
        )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert sum(Decimal(cause["points"]) for cause in _causes(body)) == Decimal(body["difference"])
    return body


async def _trial_position(door: Door) -> int:
    async with await door.as_("leader") as leader:
        answer = await leader.get(f"{_TRIAL}/scoreboard", params={"period": "2025"})
    return int(answer.json()["position"])


def _asking(value: str) -> list[dict[str, Any]]:
    return [{"year": 2027, "kind": "at_least", "value": value, "text": f"≥{value}"}]


async def test_what_a_version_of_the_plan_changed_names_its_publishing(door: Door) -> None:
    await plans.load(door, plans.a_plan(plans.an_indicator("A", targets=_asking("40"))))
    await _approved_on_trial(door, "A", "20")
    since = await _trial_position(door)
    await plans.load(
        door,
        plans.a_plan(plans.an_indicator("A", targets=_asking("80")), plans.an_indicator("X")),
    )
    made = await _approved_on_trial(door, "X", "45")
    body = await _between(door, since)
    told = {
        (one["code"], cause["kind"], cause["points"], *(each["type"] for each in cause["events"]))
        for one in body["indicators"]
        for cause in one["causes"]
    }
    assert told == {
        ("A", "target", "-25", "plan.published"),
        ("X", "rule", "0", "plan.published"),
        ("X", "value", "12.5", "submission.approved"),
    }
    (value,) = [cause for cause in _causes(body) if cause["kind"] == "value"]
    (publishing,) = {
        each["actor"]["name"]
        for cause in _causes(body)
        if cause["kind"] != "value"
        for each in cause["events"]
    }
    assert (value["submission_id"], publishing) == (made, "test")
