"""A filter that can match nothing whatever happens is refused, and told what there is."""

from typing import Any

import pytest

from services.core.events.catalogue import SUBJECT_KINDS
from tests.support.api import XINMI, Door, a_submission
from tests.support.milestones import a_milestone

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
        (f"{PLAN}/tasks", {"section": "五五"}, "/query/section", "did you mean 五"),
        ("/events", {"organization_code": "城管局"}, "/query/organization_code", "UN15"),
        ("/events", {"organization": "UN155"}, "/query/organization_code", "UN15"),
        (
            "/events",
            {"organization_code": "城管局", "plan": XINMI, "wait": "30"},
            "/query/organization_code",
            "UN15",
        ),
        ("/events", {"types": "submission.aproved"}, "/query/types", "submission.approved"),
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
            ("/events", {"organization_code": "UN15", "subject": "extension"}),
            (f"{PLAN}/obligations", {"organization_code": "UN15", "indicator_code": "U08"}),
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


async def test_an_unknown_type_in_the_list_of_deliveries_is_told_the_nearest(door: Door) -> None:
    made = {"url": "https://example.org/hook", "event_types": ["submission.approved"]}
    async with await door.as_("office") as office:
        endpoint = (await office.post("/webhook-endpoints", json=made)).json()
        path = f"/webhook-endpoints/{endpoint['id']}/deliveries"
        wrong = await office.get(path, params={"event_type": "submission.aproved"})
        right = await office.get(path, params={"event_type": "submission.approved"})
    (fault,) = wrong.json()["errors"]
    assert (wrong.status_code, fault["pointer"]) == (422, "/query/event_type")
    assert fault["code"] == "unknown-event-type"
    assert "submission.approved" in fault["detail"]
    assert (right.status_code, right.json()["items"]) == (200, [])


_CODES = (
    ("/webhook-endpoints", {"url": "https://example.org/hook", "organization_code": "城管局"}),
    ("/webhook-endpoints", {"url": "https://example.org/hook", "plan": "410183-2052"}),
    (f"{PLAN}/calendar-tokens", {"scope": "unit", "organization_code": "城管局", "name": "日历"}),
    (f"{PLAN}/milestones", a_milestone(organization_code="城管局")),
    (f"{PLAN}/milestones", a_milestone(measure_code="14.1.1")),
)


@pytest.mark.parametrize(("path", "body"), _CODES)
async def test_an_unknown_code_in_a_body_is_told_the_nearest(
    door: Door, path: str, body: dict[str, Any]
) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(path, json=body, headers={"Accept-Language": "en"})
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] in {"/organization_code", "/plan", "/measure_code"}
    assert "did you mean" in fault["detail"], fault


@pytest.mark.parametrize("asked", [{"plan": "410183-2052"}, {"organization_code": "城管局"}])
async def test_an_unknown_code_of_a_new_key_is_told_the_nearest(
    door: Door, asked: dict[str, str]
) -> None:
    body = {"name": "系统", "role": "integrator", **asked}
    async with await door.as_("system_admin") as admin:
        answer = await admin.post("/api-keys", json=body, headers={"Accept-Language": "en"})
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert "did you mean" in fault["detail"], fault


async def test_unknown_units_of_alert_posts_are_told_the_nearest(door: Door) -> None:
    path = f"{PLAN}/alert-rules"
    async with await door.as_("office") as office:
        before = await office.get(path)
        posts = [
            {"organization_code": f"UN{number}", "function": "head", "filled_by": "局长"}
            for number in range(150, 180)
        ]
        wrong = {**before.json()["rule_set"], "office": "UN155", "posts": posts}
        headers = {"If-Match": before.headers["ETag"], "Accept-Language": "en"}
        answers = [
            await office.put(path, json=wrong, headers=headers),
            await office.post(f"{path}/dry-run", json={"rule_set": wrong}, headers=headers),
        ]
    for answer in answers:
        assert answer.status_code == 422
        told = [one["detail"] for one in answer.json()["errors"]]
        assert "did you mean UN15" in told[0]
        assert "did you mean UN15" in told[1]
