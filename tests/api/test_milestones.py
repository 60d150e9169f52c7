"""Promising, reporting and closing, as callers of the API see it."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from services.core.kit.clock import Clock
from tests.support.api import Door, open_door
from tests.support.kept_milestones import read
from tests.support.milestones import (
    BODIES,
    LEAD,
    PATH,
    SHARING,
    a_milestone,
    a_milestone_in,
    assigned,
    done,
)

pytestmark = pytest.mark.citus


async def test_a_promise_from_its_assignment_to_its_reopening(door: Door) -> None:
    made = await assigned(door)
    body = made.json()
    assert made.headers["Location"] == f"/v1/milestones/{body['id']}"
    assert body["allowed_actions"] == ["edit", "cancel"]
    assert (body["state"], body["percent"], body["epoch"]) == ("assigned", "0", 1)
    assert body["sign_by"] is not None
    seen = []
    for verb in ("accept", "progress", "complete", "return", "progress", "complete", "close"):
        body = (await done(door, body, verb)).json()
        seen.append((body["state"], body["percent"], body["answer_by"] is not None))
    assert seen == [
        ("accepted", "0", False),
        ("in_progress", "62.5", False),
        ("completed", "62.5", True),
        ("returned", "62.5", True),
        ("in_progress", "62.5", False),
        ("completed", "62.5", True),
        ("closed", "100", False),
    ]
    assert (body["grade"], body["sign_by"]) == ("good", None)
    async with await door.as_("office") as office:
        reopened = await office.post(
            f"/milestones/{body['id']}/reopen",
            json={"reason": "抽查不合格", "due_date": "2027-06-30"},
        )
        history = (await office.get(f"/milestones/{body['id']}/history")).json()["items"]
    body = reopened.json()
    assert (body["state"], body["percent"], body["epoch"]) == ("in_progress", "62.5", 2)
    assert (body["due_date"], body["original_due_date"]) == ("2027-06-30", "2026-12-31")
    assert (body["grade"], body["completed_at"], body["closed_at"]) == (None, None, None)
    assert body["state_reason"] == "抽查不合格"
    assert [change["action"] for change in history] == [
        "created", "accepted", "progressed", "completed", "returned", "progressed", "completed",
        "closed", "reopened",
    ]  # fmt: skip
    assert [change["version"] for change in history] == list(range(1, 10))
    assert all(after["before"] == before["after"] for before, after in pairwise(history))
    assert history[4]["reason"] == "佐证不足"
    assert history[1]["actor"]["organization_code"] == LEAD


async def test_each_change_has_its_event(door: Door) -> None:
    body = (await a_milestone_in(door, "closed")).json()
    rows = await door.held.database.pool.fetch(
        "SELECT type, organization_code, data::text FROM event WHERE subject_id = $1 ORDER BY id",
        body["id"],
    )
    assert [row["type"].removeprefix("milestone.") for row in rows] == [
        "created", "accepted", "progressed", "completed", "closed",
    ]  # fmt: skip
    assert {row["organization_code"] for row in rows} == {LEAD}
    assert all('"measure_code": "14.1"' in row["data"] for row in rows)


async def test_what_is_not_legal_now_is_refused_with_what_is(door: Door) -> None:
    body = (await assigned(door)).json()
    async with await door.as_("reporter", LEAD) as unit, await door.as_("office") as office:
        early = await unit.post(f"/milestones/{body['id']}/progress", json={"percent": 1})
        judged = await office.post(f"/milestones/{body['id']}/close", json={"grade": "pass"})
    assert (early.status_code, early.json()["code"]) == (409, "transition-refused")
    assert early.json()["state"] == "assigned"
    assert early.json()["allowed_actions"] == ["accept", "decline"]
    assert judged.json()["allowed_actions"] == ["edit", "cancel"]


async def test_every_fault_of_an_assignment_is_told_at_once(door: Door) -> None:
    wrong = {
        "measure_code": "99.9",
        "organization_code": "UN41",
        "title": " ",
        "due_date": "2026-02-30",
        "weight": 0,
        "evidence_rule": "photo",
        "colour": "green",
    }
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json=wrong)
    assert answer.status_code == 422
    assert {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]} == {
        ("/measure_code", "unknown-measure"),
        ("/organization_code", "organization-never-submits"),
        ("/title", "string-too-short"),
        ("/due_date", "date-from-datetime-parsing"),
        ("/weight", "greater-than"),
        ("/evidence_rule", "literal-error"),
        ("/colour", "extra-forbidden"),
    }


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"organization_code": "UN99"}, "/organization_code", "unknown-organization"),
        ({"due_date": "2020-12-31"}, "/due_date", "due-before-plan"),
        ({"weight": "NaN"}, "/weight", "decimal"),
        ({"weight": "-1"}, "/weight", "greater-than"),
        ({"parent_id": "019aafc0-0000-7000-8000-000000000000"}, "/parent_id", "unknown-parent"),
        ({"parent_id": 7}, "/parent_id", "uuid-type"),
        ({"due_date": 20261231}, "/due_date", "date"),
    ],
)
async def test_an_assignment_that_is_wrong_is_refused(
    door: Door, changes: dict[str, object], pointer: str, code: str
) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json=a_milestone(**changes))
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
        (pointer, code)
    ]


@pytest.mark.parametrize("percent", ["-0.0001", "100.0000001", "NaN", True, None, "1e39"])
async def test_a_percentage_lies_between_0_and_100(door: Door, percent: object) -> None:
    body = (await a_milestone_in(door, "accepted")).json()
    async with await door.as_("reporter", LEAD) as unit:
        answer = await unit.post(f"/milestones/{body['id']}/progress", json={"percent": percent})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/percent"


async def test_a_percentage_and_a_weight_are_kept_to_the_last_digit(door: Door) -> None:
    percent, weight = "33.33333333333333333333333333333333", "0.00000000000000000000000001"
    body = (await a_milestone_in(door, "accepted", weight=weight)).json()
    async with await door.as_("reporter", LEAD) as unit:
        path = f"/milestones/{body['id']}/progress"
        reported = (await unit.post(path, json={"percent": percent})).json()
    assert (reported["percent"], reported["weight"]) == (percent, weight)


async def test_a_report_is_whole_and_what_it_leaves_out_is_no_longer_so(door: Door) -> None:
    body = (await a_milestone_in(door, "accepted")).json()
    path = f"/milestones/{body['id']}/progress"
    full = {
        "percent": 40,
        "narrative": "十处已建",
        "problems": "用地",
        "next_steps": "办证",
        "expected_date": "2027-01-15",
    }
    async with await door.as_("reporter", LEAD) as unit:
        first = (await unit.post(path, json=full)).json()
        second = (await unit.post(path, json={"percent": 30})).json()
    assert {name: first[name] for name in full} == {**full, "percent": "40"}
    assert (first["light"], first["reason_code"]) == ("yellow", "expected_late")
    assert (second["percent"], second["narrative"], second["expected_date"]) == ("30", None, None)


@pytest.mark.parametrize(
    ("rule", "body", "pointer"),
    [
        ("narrative", {}, "/narrative"),
        ("document", {"narrative": "已建成"}, "/evidence"),
        ("none", {}, None),
        ("narrative", {"narrative": "已建成"}, None),
        ("document", BODIES["complete"], None),
    ],
)
async def test_closure_is_asked_for_with_what_the_rule_demands(
    door: Door, rule: str, body: dict[str, Any], pointer: str | None
) -> None:
    milestone = (await a_milestone_in(door, "accepted", evidence_rule=rule)).json()
    async with await door.as_("reporter", LEAD) as unit:
        answer = await unit.post(f"/milestones/{milestone['id']}/complete", json=body)
    if pointer is None:
        assert answer.json()["state"] == "completed"
        assert answer.json()["evidence"] == body.get("evidence", [])
    else:
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
            (pointer, "evidence-missing")
        ]


async def test_who_assigns_to_its_own_unit_is_given_no_date_to_sign_by(door: Door) -> None:
    async with await door.as_("lead", LEAD) as lead:
        own = (await lead.post(PATH, json=a_milestone())).json()
        other = (await lead.post(PATH, json=a_milestone(organization_code=SHARING))).json()
    assert (own["state"], own["sign_by"]) == ("assigned", None)
    assert own["reason_code"] == "not_signed"
    assert (other["state"], other["sign_by"] is not None) == ("assigned", True)
    assert "accept" in own["allowed_actions"]


async def test_a_declined_one_is_assigned_anew_and_gone_for_who_declined(door: Door) -> None:
    body = (await a_milestone_in(door, "declined", organization_code=SHARING)).json()
    path = f"/milestones/{body['id']}"
    change = {"organization_code": "410183104", "reason": "改派超化镇"}
    async with (
        await door.as_("lead", LEAD) as lead,
        await door.as_("reporter", SHARING) as before,
        await door.as_("reporter", "410183104") as after,
    ):
        wrong = await lead.patch(
            path, json={"organization_code": "UN22"}, headers={"If-Match": "*"}
        )
        moved = await lead.patch(path, json=change, headers={"If-Match": "*"})
        gone, there = await before.get(path), await after.get(path)
        early = await lead.patch(path, json=change, headers={"If-Match": "*"})
        back = await lead.patch(
            path, json={"organization_code": SHARING}, headers={"If-Match": "*"}
        )
    assert (wrong.status_code, wrong.json()["code"]) == (403, "not-your-measure")
    assert (moved.json()["state"], moved.json()["epoch"]) == ("assigned", 2)
    assert moved.json()["sign_by"] is not None
    assert (gone.status_code, there.status_code) == (404, 200)
    assert there.json()["allowed_actions"] == ["accept", "decline"]
    assert early.status_code == 200  # it names the unit that has it already, and changes nothing
    assert back.status_code == 409


async def test_a_new_due_date_has_its_reason_and_begins_an_epoch(door: Door) -> None:
    made = await a_milestone_in(door, "accepted")
    path = f"/milestones/{made.json()['id']}"
    async with await door.as_("office") as office:
        silent = await office.patch(
            path, json={"due_date": "2027-02-28"}, headers={"If-Match": "*"}
        )
        moved = await office.patch(
            path,
            json={"due_date": "2027-02-28", "reason": "统筹安排", "weight": "2.5"},
            headers={"If-Match": made.headers["ETag"]},
        )
        history = (await office.get(f"{path}/history")).json()["items"]
    assert [fault["code"] for fault in silent.json()["errors"]] == ["reason-required"]
    body = moved.json()
    assert (body["due_date"], body["original_due_date"]) == ("2027-02-28", "2026-12-31")
    assert (body["epoch"], body["weight"], body["extensions_granted"]) == (2, "2.5", 0)
    assert (history[-1]["action"], history[-1]["reason"]) == ("rescheduled", "统筹安排")
    told = await door.held.database.pool.fetchval(
        "SELECT type FROM event WHERE subject_id = $1 ORDER BY id DESC LIMIT 1", body["id"]
    )
    assert told == "milestone.rescheduled"


async def test_the_due_day_is_in_time_until_its_end(database_url: str) -> None:
    def offset(instant: datetime) -> Any:
        return instant - Clock.true_now()

    # 24:00 in Xinmi is 16:00 UTC; the first door has a minute to answer in.
    last_minute = datetime(2026, 10, 8, 15, 59, tzinfo=UTC)
    next_day = datetime(2026, 10, 8, 16, 0, tzinfo=UTC)
    async with open_door(database_url, offset=offset(last_minute)) as door:
        body = (await a_milestone_in(door, "accepted", due_date="2026-10-08")).json()
        late = (await a_milestone_in(door, "accepted", due_date="2026-10-08")).json()
        handed_in = await done(door, body, "complete")
    assert (body["days_left"], body["days_overdue"]) == (0, None)
    assert body["reason_code"] == "on_course"
    assert handed_in.json()["reason_code"] == "completed"
    async with open_door(database_url, offset=offset(next_day)) as door:
        in_time = await read(door, body)
        overdue = await read(door, late)
        after = await done(door, late, "complete")
    assert (in_time["light"], in_time["reason_code"]) == ("green", "completed")
    assert (overdue["light"], overdue["reason_code"]) == ("red", "overdue")
    assert (overdue["days_left"], overdue["days_overdue"]) == (None, 1)
    assert overdue["overdue_days"] == 1, "the old name"
    assert after.json()["reason_code"] == "completed_late"


async def test_days_beyond_the_calendar_are_provisional(door: Door) -> None:
    near = (await assigned(door, due_date="2026-12-31")).json()
    far = (await assigned(door, due_date="2031-01-15")).json()
    assert (near["calendar"], far["calendar"]) == ("official", "provisional")
