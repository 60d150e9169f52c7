"""A filter that can match nothing whatever happens is refused, and told what there is."""

from typing import Any

import pytest

from services.core.events.catalogue import SUBJECT_KINDS
from tests.support.api import XINMI, Door, a_submission

PLAN = f"/plans/{XINMI}"


@pytest.mark.parametrize(
    ("path", "query", "pointer", "told"),
    [
        (f"{PLAN}/alerts", {"level": "9"}, "/query/level", "0 to 3"),
        (f"{PLAN}/alerts", {"rule": "milestone-due"}, "/query/rule", "milestone_due"),
        (f"{PLAN}/alerts", {"organization_code": "UN99"}, "/query/organization_code", "UN"),
        (f"{PLAN}/late", {"organization_code": "城管局"}, "/query/organization_code", "UN15"),
        (f"{PLAN}/obligations", {"indicator_code": "U8"}, "/query/indicator_code", "U08"),
        (f"{PLAN}/obligations", {"organization": "城管局"}, "/query/organization_code", "UN15"),
        (f"{PLAN}/submissions", {"indicator_code": "U8"}, "/query/indicator_code", "U08"),
        (
            f"{PLAN}/submissions",
            {"organization_code": "城管局", "changed_after": "0"},
            "/query/organization_code",
            "UN15",
        ),
        (f"{PLAN}/milestones", {"measure_code": "14.1.1"}, "/query/measure_code", "14.1"),
        (f"{PLAN}/milestones", {"organization_code": "城管局"}, "/query/organization_code", "UN15"),
        ("/events", {"subject": "foo"}, "/query/subject", ", ".join(SUBJECT_KINDS)),
        ("/events", {"subject": "milestones/1"}, "/query/subject", "milestone"),
    ],
)
async def test_a_filter_that_can_match_nothing_is_told_what_there_is(
    door: Door, path: str, query: dict[str, str], pointer: str, told: str
) -> None:
    async with await door.as_("office") as office:
        answer = await office.get(path, params=query, headers={"Accept-Language": "en"})
    body: dict[str, Any] = answer.json()
    assert answer.status_code == 422, answer.text
    ((where, detail),) = [(each["pointer"], each["detail"]) for each in body["errors"]]
    assert (where, told in detail) == (pointer, True), detail


@pytest.mark.parametrize("path", ["/events", "/me/todo"])
@pytest.mark.parametrize("plan", ["nosuch", "410183-nosuch", "999999-2025"])
async def test_a_plan_that_is_not_there_is_not_found(door: Door, path: str, plan: str) -> None:
    async with await door.as_("office") as office:
        missing = await office.get(path, params={"plan": plan})
        there = await office.get(path, params={"plan": XINMI})
    assert (missing.status_code, missing.json()["code"]) == (404, "plan-not-found")
    assert there.status_code == 200


async def test_a_filter_that_matches_nothing_today_is_answered(door: Door) -> None:
    async with await door.as_("office") as office:
        for path, query in (
            (f"{PLAN}/alerts", {"level": "3", "organization_code": "UN15"}),
            (f"{PLAN}/late", {"organization_code": "UN15"}),
            (f"{PLAN}/submissions", {"indicator_code": "U08", "organization_code": "UN15"}),
            ("/events", {"subject": "extension"}),
        ):
            answer = await office.get(path, params=query)
            assert (answer.status_code, answer.json()["items"]) == (200, []), path


async def test_an_unknown_code_of_a_submission_is_told_the_nearest(door: Door) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(
            f"{PLAN}/submissions?validate_only=true",
            json=a_submission(indicator_code="U8", organization_code="城管局"),
            headers={"Accept-Language": "en"},
        )
    told = {each["code"]: each["detail"] for each in answer.json()["errors"]}
    assert answer.status_code == 422
    assert "did you mean U08" in told["unknown-indicator"]
    assert "UN15" in told["unknown-organization"]
