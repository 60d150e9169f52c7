"""Two sources that differ are a conflict: with both, an owner and a date, decided by somebody."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.core.calendars.queries import working_calendar
from services.core.events.reading import follow
from services.core.kit.clock import Clock
from services.core.observations.following import FOLLOWER
from tests.support.api import XINMI, Door
from tests.support.observed import (
    CONFLICTS,
    a_difference,
    conflicts_of,
    load_sources,
    observed,
)
from tests.support.reported import a_period, reported

WAITING_LIST = {"plan": XINMI, "page_size": "500"}


@pytest.fixture(scope="module", autouse=True)
async def _sources(door: Door) -> None:
    await load_sources(door)


async def verb(client: httpx.AsyncClient, submission: str, name: str, **body: Any) -> None:
    answer = await client.post(f"/submissions/{submission}/{name}", json=body)
    assert answer.status_code == 200, answer.text


async def decide(
    client: httpx.AsyncClient, conflict: dict[str, Any], take: str, **more: Any
) -> httpx.Response:
    body = {"take": take, "reason": "与年鉴口径核对", **more}
    return await client.post(f"/conflicts/{conflict['id']}/decide", json=body)


@pytest.mark.parametrize("first", ["value", "observation"])
async def test_whichever_comes_second_raises_one_conflict_with_both(door: Door, first: str) -> None:
    period = a_period()
    async with await door.as_("office") as office:
        if first == "observation":
            seen = await observed(office, period=period)
            await door.react()
            assert await conflicts_of(office, period) == []
        submission = await reported(door, period=period)
        if first == "value":
            await door.react()
            seen = await observed(office, period=period)
        await door.react()
        await verb(office, submission["id"], "approve")
        await door.react()
        (conflict,) = await conflicts_of(office, period)
        official = (await office.get(f"/submissions/{submission['id']}")).json()
    async with door.held.database.sessions() as session:
        calendar = await working_calendar(session, "410183", "CN")
    raised = date.fromisoformat(conflict["raised_at"][:10])
    assert conflict["ledger"]["value"] == official["value"] == "40.65"
    assert conflict["observation"]["id"] == seen["id"]
    assert conflict["observation"]["value"] == "38.3"
    assert (conflict["difference"], conflict["allowed"]) == ("2.35", "0.4065")
    assert (conflict["reason"], conflict["state"], conflict["owner_code"]) == (
        "over-tolerance",
        "open",
        "UN15",
    )
    # The local day of Xinmi may be the next one already.
    assert conflict["due_date"] in {
        calendar.shifted(raised + timedelta(days=more), 5).isoformat() for more in (0, 1)
    }
    assert official["state"] == "approved"


async def test_within_tolerance_nothing_is_raised(door: Door) -> None:
    submission = await reported(door)
    async with await door.as_("office") as office:
        await observed(office, period=submission["period"], value="40.2435")
        await door.react()
        assert await conflicts_of(office, submission["period"]) == []
        await observed(office, period=submission["period"], value="40.2434", reference="2")
        await door.react()
        assert len(await conflicts_of(office, submission["period"])) == 1


@pytest.mark.parametrize("corrected", ["observation", "value", "withdrawn", "tolerance"])
async def test_what_differs_no_more_closes_by_itself(door: Door, corrected: str) -> None:
    conflict = await a_difference(door)
    period, submission = conflict["period"], conflict["submission_id"]
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        if corrected == "observation":
            await observed(office, period=period, value="40.6", reference="YB-2")
        elif corrected == "withdrawn":
            await verb(unit, submission, "withdraw")
        elif corrected == "tolerance":
            await load_sources(door, tolerance={"absolute": "3"})
        else:
            await verb(office, submission, "return", reason="请核对")
            await door.react()
            (waiting,) = await conflicts_of(office, period)
            changes = {"value": "38.3"}
            path, any_version = f"/submissions/{submission}", {"If-Match": "*"}
            patched = await unit.patch(path, json=changes, headers=any_version)
            assert patched.status_code == 200, patched.text
            await verb(unit, submission, "submit")
            assert waiting["state"] == "open", "it is worked on"
        await door.react()
        (closed,) = await conflicts_of(office, period)
        refused = await decide(office, closed, "ledger")
        if corrected == "tolerance":
            await load_sources(door)
    because = "value-withdrawn" if corrected == "withdrawn" else "within-tolerance"
    assert (closed["id"], closed["state"], closed["closed_because"]) == (
        conflict["id"],
        "closed",
        because,
    )
    assert closed["closed_at"] is not None
    assert (closed["taken"], closed["may_decide"]) == (None, False)
    assert (refused.status_code, refused.json()["state"]) == (409, "closed")


async def test_an_open_conflict_says_what_both_say_now_and_keeps_its_date(door: Door) -> None:
    conflict = await a_difference(door)
    async with await door.as_("office") as office:
        await observed(office, period=conflict["period"], value="30", reference="YB-2")
        await door.react()
        (now,) = await conflicts_of(office, conflict["period"])
        stale = await office.post(
            f"/conflicts/{conflict['id']}/decide",
            json={"take": "both", "reason": "口径不同"},
            headers={"If-Match": f'"{conflict["id"]}.1"'},
        )
    assert (now["id"], now["due_date"]) == (conflict["id"], conflict["due_date"])
    assert (now["observation"]["value"], now["observation"]["reference"]) == ("30", "YB-2")
    assert now["difference"] == "10.65"
    assert stale.status_code == 412


@pytest.mark.parametrize("take", ["ledger", "both"])
async def test_figures_that_were_decided_to_stand_are_left_alone(door: Door, take: str) -> None:
    conflict = await a_difference(door)
    period = conflict["period"]
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        no_reason = await decide(unit, conflict, take, reason=None)
        of_a_device = await decide(unit, conflict, "device")
        decided = await decide(unit, conflict, take)
        again = await decide(office, conflict, take)
        await verb(office, conflict["submission_id"], "approve")
        await door.react()
        (left,) = await conflicts_of(office, period)
        official = (await office.get(f"/submissions/{conflict['submission_id']}")).json()
        await observed(office, period=period, value="37", reference="YB-2")
        await door.react()
        another, _ = await conflicts_of(office, period)
    assert no_reason.json()["errors"][0]["code"] == "reason-required"
    assert of_a_device.json()["errors"][0]["code"] == "not-of-this-conflict"
    assert (decided.status_code, again.status_code) == (200, 409)
    assert (left["state"], left["taken"], left["decision_reason"]) == (
        "decided",
        take,
        "与年鉴口径核对",
    )
    assert left["decided_by"]["organization_code"] == "UN15"
    assert (official["state"], official["value"]) == ("approved", "40.65")
    assert (another["state"], another["observation"]["value"]) == ("open", "37")


async def test_taking_an_observation_makes_a_correction_that_somebody_approves(door: Door) -> None:
    conflict = await a_difference(door)
    path = f"/submissions/{conflict['submission_id']}"
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        await verb(office, conflict["submission_id"], "approve")
        of_the_unit = await decide(unit, conflict, "observation")
        unmoved = (await unit.get(path)).json()
        taken = await decide(office, conflict, "observation")
        corrected = (await office.get(path)).json()
        own = await office.post(f"{path}/approve")
        steps = [one["action"] for one in (await office.get(f"{path}/history")).json()["items"]]
    async with door.client(await door.new_key("office")) as colleague:
        other = await colleague.post(f"{path}/approve")
        await door.react()
        (settled,) = await conflicts_of(colleague, conflict["period"])
    assert (of_the_unit.status_code, unmoved["state"]) == (403, "approved")
    assert taken.status_code == 200, taken.text
    assert (corrected["state"], corrected["value"]) == ("submitted", "38.3")
    assert (corrected["revision"], corrected["approved_revision"]) == (2, 1)
    assert corrected["source"] == "新密市统计年鉴：YB-1"
    assert steps == ["submitted", "approved", "reopened", "changed", "submitted"]
    assert own.json()["code"] == "own-report"
    assert other.status_code == 200
    assert (settled["state"], settled["taken"]) == ("decided", "observation")


async def test_the_reason_of_a_decision_is_the_one_that_a_check_asks_for(door: Door) -> None:
    asks = {
        "code": "LOW",
        "name": "回收利用率偏低",
        "left": [{"indicator": "U08"}],
        "operator": ">=",
        "right": [{"constant": "39"}],
        "importance": "warn",
        "needs_justification": True,
    }
    await load_sources(door, [asks])
    try:
        conflict = await a_difference(door)
        path = f"/submissions/{conflict['submission_id']}"
        async with await door.as_("office") as office:
            taken = await decide(office, conflict, "observation")
            corrected = (await office.get(path)).json()
    finally:
        await load_sources(door)
    assert taken.status_code == 200, taken.text
    assert (corrected["state"], corrected["value"]) == ("submitted", "38.3")
    assert corrected["justification"] == "与年鉴口径核对"
    assert [one["check"]["rule"] for one in corrected["warnings"]] == ["LOW"]


async def test_who_reviews_and_does_not_report_sends_it_back_to_the_unit(door: Door) -> None:
    await load_sources(door, owner="lead")
    indicator = {"indicator_code": "R05"}
    period = a_period()
    async with await door.as_("office") as office:
        listed = (await office.get(f"/plans/{XINMI}/indicators/R05")).json()
        lead = listed["owners"][0]["code"]
        sent = {**indicator, "organization_code": "410183107", "period": period, "value": "50"}
        async with await door.as_("reporter", "410183107") as unit:
            made = await unit.post(f"/plans/{XINMI}/submissions", json=sent)
            assert made.status_code == 201, made.text
        await observed(office, **{**sent, "value": "10"})
        await door.react()
        (conflict,) = await conflicts_of(office, period)
    async with await door.as_("reporter", lead) as clerk:
        of_the_owner = await clerk.get(f"/conflicts/{conflict['id']}")
    async with await door.as_("lead", lead) as leading:
        waiting = (await leading.get("/me/todo", params=WAITING_LIST)).json()["items"]
        taken = await decide(leading, conflict, "observation")
        back = (await leading.get(f"/submissions/{made.json()['id']}")).json()
    await load_sources(door)
    assert conflict["owner_code"] == lead
    assert conflict["id"] in {one["subject"]["id"] for one in waiting if one["kind"] == "settle"}
    assert of_the_owner.json()["may_decide"] is True
    assert taken.status_code == 200, taken.text
    assert (back["state"], back["value"], back["reason"]) == ("returned", "50", "与年鉴口径核对")


async def test_who_sees_and_decides_a_conflict(door: Door) -> None:
    conflict = await a_difference(door)
    seen: dict[str, Any] = {}
    for role, unit in (
        ("reporter", "UN10"),
        ("leader", None),
        ("superior", None),
        ("lead", "UN15"),
    ):
        async with await door.as_(role, unit) as client:
            one = await client.get(f"/conflicts/{conflict['id']}")
            listed = await client.get(CONFLICTS, params={"page_size": "500"})
            decided = await decide(client, conflict, "ledger")
        ids = {each["id"] for each in listed.json()["items"]}
        seen[role] = (one.status_code, conflict["id"] in ids, decided.status_code)
    assert seen == {
        "reporter": (404, False, 404),
        "leader": (200, True, 403),
        "superior": (404, False, 403),
        "lead": (200, True, 200),
    }


async def test_a_conflict_is_on_the_list_of_its_owner_and_late_when_its_day_is_over(
    door: Door,
) -> None:
    conflict = await a_difference(door)
    held = door.held
    late_by = Clock(offset=timedelta(days=60))
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        todo = (await unit.get("/me/todo", params=WAITING_LIST)).json()["items"]
        offices = (await office.get("/me/todo", params=WAITING_LIST)).json()["items"]
        synced = (await unit.post("/sync", json={"plan": XINMI, "writes": []})).json()
        door.app.state.resources = replace(held, clock=late_by)
        late = await unit.get(f"/plans/{XINMI}/late", params={"rule": "conflict_decision"})
        overdue = (await office.get("/me/todo", params=WAITING_LIST)).json()["items"]
        await door.sweep()
        alerts = await unit.get(
            f"/plans/{XINMI}/alerts", params={"rule": "conflict_decision", "page_size": "500"}
        )
        door.app.state.resources = held
    (mine,) = [one for one in todo if one["subject"]["id"] == conflict["id"]]
    assert (mine["kind"], mine["due_date"]) == ("settle", conflict["due_date"])
    assert mine["href"] == f"/v1/conflicts/{conflict['id']}"
    assert conflict["id"] not in {one["subject"]["id"] for one in offices}
    assert conflict["id"] in {one["subject"]["id"] for one in overdue}, (
        "overdue, it is the office's"
    )
    assert conflict["id"] in {one["id"] for one in synced["conflicts"]["items"]}
    (told,) = [one for one in late.json()["items"] if one["subject"]["id"] == conflict["id"]]
    assert (told["organization_code"], told["due_date"]) == ("UN15", conflict["due_date"])
    assert told["subject"]["kind"] == "conflict"
    assert conflict["id"] in {one["subject"]["id"] for one in alerts.json()["items"]}


async def test_a_follower_that_is_killed_or_run_twice_raises_one_conflict(door: Door) -> None:
    submission = await reported(door)
    database = door.held.database
    async with await door.as_("office") as office:
        await observed(office, period=submission["period"])
        numbered = "SELECT count(*) FROM event_pending"
        await door.react()
        await database.pool.execute(
            "DELETE FROM conflict WHERE submission_id = $1", UUID(submission["id"])
        )
        assert await database.pool.fetchval(numbered) == 0
        for killed in (True, False, False):
            await database.pool.execute(
                "UPDATE reader_cursor SET position = 0 WHERE reader = 'observations'"
            )
            await _follow_everything(door, killed=killed)
        (conflict,) = await conflicts_of(office, submission["period"])
        raised = await database.pool.fetchval(
            "SELECT count(*) FROM event WHERE subject_id = $1", conflict["id"]
        )
    assert raised == 1


async def _follow_everything(door: Door, *, killed: bool) -> None:
    while True:
        async with door.held.database.sessions() as session, session.begin() as transaction:
            done = await follow(session, "410183", FOLLOWER, door.held.clock)
            if killed:
                await transaction.rollback()
        if done is None or killed:
            return
