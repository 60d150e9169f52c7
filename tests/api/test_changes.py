"""Why a score changed, as callers read it: exact parts, who, and by which event."""

from decimal import Decimal
from typing import Any

import pytest

from tests.api.test_scores import PLAN, approved, board
from tests.support.api import Door


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
        ({"from": "9" * 18, "to": "2020-01-01"}, 404, "scoreboard-not-found"),
        ({}, 422, None),
    ],
)
async def test_points_that_name_no_board_are_refused(
    door: Door, query: dict[str, str], status: int, code: str | None
) -> None:
    body = await changes(door, {"period": "2025", **query}, status=status)
    if code is not None:
        assert code in (body["code"], *(each["code"] for each in body.get("errors", ())))
