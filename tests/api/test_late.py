"""What is late in a plan: everything in one list, by who has to act, for whoever may see it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.core.extensions.models import Extension
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.submissions.models import Submission
from tests.support.api import XINMI, Door, open_door
from tests.support.clock import stopped_at
from tests.support.duties import add

IN_TIME = {"due_date": "2026-12-31"}

LATE = f"/plans/{XINMI}/late"
OFFICE = "UN04"
Client = httpx.AsyncClient


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on the morning of 2026-02-10, with one late thing of each kind and some in time."""
    async with open_door(database_url) as opened:
        opened.app.state.resources = replace(
            opened.held, clock=stopped_at("2026-02-10", "09:00:00")
        )
        yield opened


async def plant(door: Door) -> dict[str, UUID]:
    base, sent = door.held.database, datetime(2026, 1, 20, 2, tzinfo=UTC)
    milestone = await add(base, Milestone, due_date=date(2026, 1, 30), organization_code="UN16")
    found = {
        "milestone_due": milestone,
        "milestone_sign": await add(
            base, Milestone, state="assigned", sign_by=date(2026, 2, 9), organization_code="UN16"
        ),
        "report_due": await add(base, Obligation, due_date=date(2026, 2, 9)),
        "submission_review": await add(
            base, Submission, indicator_code="U07", submitted_at=sent, updated_at=sent
        ),
        "extension_decision": await add(
            base, Extension, subject_id=milestone, decide_by=date(2026, 2, 6)
        ),
    }
    await add(base, Milestone, due_date=date(2026, 2, 10), organization_code="UN16")
    await add(base, Obligation, indicator_code="U07", due_date=date(2026, 2, 10))
    await add(base, Milestone, state="closed", grade="pass", due_date=date(2026, 1, 5))
    return found


async def every(client: Client, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(LATE, params=query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_page_token"] is None:
            return found
        query["page_token"] = answer.json()["next_page_token"]


async def test_everything_late_is_in_one_list_by_who_has_to_act(door: Door) -> None:
    planted = await plant(door)
    async with await door.as_("leader") as leader:
        found = await every(leader, page_size=100)
        paged = await every(leader, page_size=2)
        reports = await every(leader, rule="report_due")
        mine = await every(leader, organization_code="UN16")
    assert paged == found
    by_rule: dict[str, set[str]] = {}
    for item in found:
        by_rule.setdefault(item["rule"], set()).add(item["subject"]["id"])
    for rule, identifier in planted.items():
        assert by_rule[rule] == {str(identifier)}, rule
    assert set(by_rule) - set(planted) <= {"target_missing"}
    order = [(item["organization_code"], -item["level"]) for item in found]
    assert order == sorted(order)
    assert [item["rule"] for item in reports] == ["report_due"]
    assert {item["rule"] for item in mine} == {"milestone_due", "milestone_sign"}
    (report,) = reports
    assert {name: report[name] for name in ("due_date", "late_since", "days_overdue", "level")} == {
        "due_date": "2026-02-09",
        "late_since": "2026-02-10",
        "days_overdue": 1,
        "level": 1,
    }
    assert report["organization_name"]
    assert (report["alert_id"], report["answer"]) == (None, None)
    (decision,) = [item for item in found if item["rule"] == "extension_decision"]
    assert decision["organization_code"] == OFFICE


async def test_it_says_who_answered_and_what_was_promised(door: Door) -> None:
    planted = await plant(door)
    await door.sweep()
    door.app.state.resources = replace(door.held, clock=stopped_at("2026-02-11", "10:00:00"))
    await door.sweep()
    async with await door.as_("reporter", "UN16") as unit, await door.as_("leader") as leader:
        (alert,) = [
            one
            for one in (await unit.get(f"/plans/{XINMI}/alerts")).json()["items"]
            if one["subject"]["id"] == str(planted["milestone_due"])
        ]
        answered = await unit.post(
            f"/alerts/{alert['id']}/acknowledge",
            json={"note": "设备已到场", "promised_date": "2026-02-13"},
        )
        assert answered.status_code == 200, answered.text
        found = await every(leader, rule="milestone_due")
    (late,) = [one for one in found if one["subject"]["id"] == str(planted["milestone_due"])]
    assert late["alert_id"] == alert["id"]
    assert (late["answer"]["note"], late["answer"]["promised_date"]) == ("设备已到场", "2026-02-13")
    assert late["answer"]["organization_code"] == "UN16"


async def test_what_is_late_outside_ones_scope_is_counted(door: Door) -> None:
    await plant(door)
    async with await door.as_("office") as office:
        whole = (await office.get(LATE, params={"page_size": 500})).json()
        of_rule = (await office.get(LATE, params={"rule": "milestone_due"})).json()
        of_unit = (await office.get(LATE, params={"organization_code": "UN16"})).json()
    async with await door.as_("superior") as superior:
        nothing = (await superior.get(LATE)).json()
        none_of_rule = (await superior.get(LATE, params={"rule": "milestone_due"})).json()
        none_of_unit = (await superior.get(LATE, params={"organization_code": "UN16"})).json()
    async with await door.as_("reporter", "UN16") as unit:
        own = (await unit.get(LATE, params={"page_size": 1})).json()
        its = await every(unit)
    assert whole["outside_scope"] == 0
    assert (nothing["items"], nothing["outside_scope"]) == ([], len(whole["items"]))
    assert none_of_rule["outside_scope"] == len(of_rule["items"]) > 0
    assert none_of_unit["outside_scope"] == len(of_unit["items"]) > 0
    assert own["outside_scope"] == len(whole["items"]) - len(its) > 0


@pytest.mark.parametrize("noun", ["alerts", "milestones", "extensions"])
async def test_a_list_says_whether_it_is_all_there_is(door: Door, noun: str) -> None:
    path = f"/plans/{XINMI}/{noun}"
    async with (
        await door.as_("office") as office,
        await door.as_("superior") as superior,
        await door.as_("lead", "UN16") as lead,
    ):
        told = [
            (await one.get(path)).json()["limited_to_scope"] for one in (office, superior, lead)
        ]
    assert told == [False, True, True]


async def test_each_sees_what_is_late_of_theirs(door: Door) -> None:
    await plant(door)
    async with await door.as_("office") as office, await door.as_("leader") as leader:
        whole = await every(office, page_size=500)
        assert await every(leader, page_size=500) == whole
    async with await door.as_("reporter", "UN16") as unit:
        assert {item["rule"] for item in await every(unit)} == {
            item["rule"] for item in whole if "UN16" in {item["unit"], item["organization_code"]}
        }
    async with await door.as_("reporter", "410183107") as other:
        assert await every(other) == []
    async with await door.as_("superior") as superior:
        assert await every(superior) == []
    async with door.client(door.admin_secret) as admin:
        assert (await admin.get(LATE)).status_code == 403
    async with await door.as_("office") as office:
        assert (await office.get("/plans/410184-2025/late")).status_code == 404


async def test_a_lead_sees_what_is_late_of_what_it_leads(door: Door) -> None:
    await plant(door)
    plan = await door.held.plans.of_city("410183", XINMI)
    led = plan.measures["2.1"].lead_units[0]
    async with await door.as_("lead", led) as lead:
        rules = {item["rule"] for item in await every(lead)}
    assert {"milestone_due", "milestone_sign"} <= rules


@pytest.mark.parametrize("query", [{"rule": "publicity_day"}, {"page_token": "eA"}])
async def test_what_is_no_filter_and_no_token_is_refused(door: Door, query: dict[str, str]) -> None:
    async with await door.as_("office") as office:
        refused = await office.get(LATE, params=query)
    assert refused.status_code == (400 if "page_token" in query else 422)


async def test_among_equals_comes_first_what_was_due_first(door: Door) -> None:
    plan = await door.held.plans.of_city("410183", XINMI)
    lead, base = plan.indicators["U07"].owners[0], door.held.database
    sent = datetime(2026, 2, 2, 2, tzinfo=UTC)  # to be reviewed by 2026-02-09
    await add(
        base,
        Submission,
        indicator_code="U07",
        organization_code="UN16",
        submitted_at=sent,
        updated_at=sent,
    )
    for code, day in (("U07", 3), ("U08", 5), ("U09", 6)):
        owed = {"indicator_code": code, "organization_code": lead}
        await add(base, Obligation, due_date=date(2026, 2, day), **owed)
    async with await door.as_("leader") as leader:
        found = await every(leader, organization_code=lead)
        paged = await every(leader, organization_code=lead, page_size=1)
    assert paged == found
    order = [(-item["level"], item["due_date"]) for item in found]
    assert order == sorted(order)
    reviewed, *others = sorted(found, key=lambda item: item["rule"] != "submission_review")
    assert reviewed["due_date"] == "2026-02-09"
    before = [each for each in others if "2026-02-02" < each["due_date"] < "2026-02-09"]
    assert reviewed["level"] in {each["level"] for each in before}


@pytest.mark.parametrize("verbs", [["close"], ["close", "publish"], ["publish"]])
async def test_what_a_closed_period_lacks_is_late_from_that_day_on(
    door: Door, verbs: list[str]
) -> None:
    async with await door.as_("office") as office, await door.as_("leader") as leader:
        opened = await office.post(f"/plans/{XINMI}/periods/2024/open", json=IN_TIME)
        assert opened.status_code == 200, opened.text
        before = await every(leader, rule="report_due", page_size=500)
        for verb in verbs:
            done = await office.post(f"/plans/{XINMI}/periods/2024/{verb}")
            assert done.status_code == 200, done.text
        found = await every(leader, rule="report_due", page_size=500)
        missing = await leader.get(
            f"/plans/{XINMI}/obligations", params={"status": "missing", "page_size": 500}
        )
    assert before == []
    owed = {one["id"] for one in missing.json()["items"]}
    assert len(owed) == opened.json()["asks_for"]["values"] > 0
    assert {one["subject"]["id"] for one in found} == owed
    days = {(one["due_date"], one["late_since"], one["days_overdue"]) for one in found}
    due_dates = {one["due_date"] for one in missing.json()["items"]}
    assert days == {(IN_TIME["due_date"], "2026-02-10", 0)}
    assert due_dates == {IN_TIME["due_date"]}
