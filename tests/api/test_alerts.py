"""Alerts as callers meet them: whose they see, how they answer, and rules as data."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from services.core.alerts import queries
from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.milestones.models import Milestone
from tests.support.api import XINMI, Door, open_door
from tests.support.duties import add

pytestmark = pytest.mark.citus

NOW = datetime(2026, 3, 12, 2, tzinfo=UTC)
"""Thursday, 10 o'clock in Xinmi: a milestone due on Monday is three working days overdue."""

LEAD, UNIT, OTHER = "UN15", "UN39", "UN10"
PLAN = f"/plans/{XINMI}"
_KEY = {"Idempotency-Key": "snooze-once"}


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API with one milestone overdue, after an evaluation that told of it."""
    async with open_door(module_database_url, offset=NOW - Clock.true_now()) as opened:
        await opened.react()
        for unit in (UNIT, UNIT, OTHER):
            measure = "5.1" if unit == UNIT else "14.1"
            await add(
                opened.held.database,
                Milestone,
                organization_code=unit,
                measure_code=measure,
                due_date=date(2026, 3, 9),
                original_due_date=date(2026, 3, 9),
            )
        await _evaluate(opened)
        yield opened


async def _evaluate(door: Door) -> None:
    """Let ten minutes pass for the engine, which otherwise waits for them."""
    async with door.held.database.pool.acquire() as connection:
        await connection.execute("UPDATE alert_evaluation SET evaluated_for = NULL")
    await door.react()
    await door.sweep()


async def _alerts(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked = {"page_size": 1, "rule": "milestone_due", **query}
    while True:
        answer = await client.get(f"{PLAN}/alerts", params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next_page_token"] is None:
            return found
        asked["page_token"] = page["next_page_token"]


async def test_everybody_sees_what_is_theirs(door: Door) -> None:
    seen = {}
    for role, unit in (
        ("reporter", UNIT),
        ("reporter", OTHER),
        ("reporter", "UN08"),
        ("lead", LEAD),
        ("office", None),
        ("leader", None),
    ):
        async with await door.as_(role, unit) as client:
            seen[role, unit] = sorted(
                one["organization_code"]
                for one in await _alerts(client, state="open")
                if one["due_date"] == "2026-03-09"
            )
    both = [UNIT, UNIT]
    assert seen == {
        ("reporter", UNIT): both,
        ("reporter", OTHER): [OTHER],
        ("reporter", "UN08"): [],
        ("lead", LEAD): both,
        ("office", None): sorted([OTHER, *both]),
        ("leader", None): sorted([OTHER, *both]),
    }
    async with (
        await door.as_("office") as office,
        await door.as_("superior") as superior,
        door.client(door.admin_secret) as admin,
    ):
        (mine, *_) = await _alerts(office)
        assert await _alerts(superior) == []
        assert (await superior.get(f"/alerts/{mine['id']}")).status_code == 404
        assert (await admin.get(f"{PLAN}/alerts")).status_code == 403
        assert (await admin.get(f"/alerts/{mine['id']}")).status_code == 403
    async with await door.as_("reporter", UNIT) as own, await door.as_("reporter", OTHER) as other:
        (mine, *_) = await _alerts(own)
        assert (await own.get(f"/alerts/{mine['id']}")).status_code == 200
        assert (await other.get(f"/alerts/{mine['id']}")).status_code == 404
        assert (await other.get(f"/alerts/{mine['id']}/history")).status_code == 404
        assert (await own.get(f"/alerts/{new_id()}")).json()["code"] == "alert-not-found"


async def test_an_alert_says_what_when_and_by_which_rules(door: Door) -> None:
    async with await door.as_("reporter", UNIT) as unit:
        (first, *_) = await _alerts(unit, state="open")
        answer = await unit.get(f"/alerts/{first['id']}")
        again = await unit.get(
            f"/alerts/{first['id']}", headers={"If-None-Match": answer.headers["ETag"]}
        )
        changes = (await unit.get(f"/alerts/{first['id']}/history")).json()["items"]
    alert = answer.json()
    assert (alert["stage"], alert["level"], alert["calendar"]) == ("O+3", 2, "official")
    assert (alert["due_date"], alert["epoch"], alert["state"]) == ("2026-03-09", 1, "open")
    assert "逾期" in alert["message"]
    assert "overdue" in alert["message_en"]
    assert alert["allowed_actions"] == ["acknowledge", "snooze"]
    assert [one["outcome"] for one in alert["notices"]].count("given") == 1
    assert {"superseded"} < {one["outcome"] for one in alert["notices"]}
    assert again.status_code == 304
    assert [one["action"] for one in changes] == ["given"]


async def test_a_unit_promises_and_somebody_else_may_not(door: Door) -> None:
    async with (
        await door.as_("reporter", UNIT) as unit,
        await door.as_("lead", LEAD) as lead,
        await door.as_("leader") as leader,
    ):
        (alert, *_) = await _alerts(unit, state="open")
        path = f"/alerts/{alert['id']}"
        body = {"note": "设备已到场", "promised_date": "2026-03-16"}
        assert (await lead.post(f"{path}/acknowledge", json=body)).status_code == 403
        assert (await leader.post(f"{path}/acknowledge", json=body)).status_code == 403
        late = await unit.post(f"{path}/acknowledge", json={**body, "promised_date": "2026-03-11"})
        empty = await unit.post(f"{path}/acknowledge", json={"note": "", "more": 1})
        tried = await unit.post(f"{path}/acknowledge?validate_only=true", json=body)
        stale = await unit.post(
            f"{path}/acknowledge", json=body, headers={"If-Match": '"no-such-version"'}
        )
        done = await unit.post(f"{path}/acknowledge", json=body)
        twice = await unit.post(f"{path}/acknowledge", json=body)
    assert [one["pointer"] for one in late.json()["errors"]] == ["/promised_date"]
    assert {one["pointer"] for one in empty.json()["errors"]} == {
        "/note",
        "/promised_date",
        "/more",
    }
    assert (tried.status_code, tried.json()["state"]) == (200, "acknowledged")
    assert stale.status_code == 412
    assert (done.status_code, done.json()["promised_date"]) == (200, "2026-03-16")
    assert (twice.status_code, twice.json()["allowed_actions"]) == (409, ["snooze"])


async def test_a_snooze_needs_a_reason_and_a_near_day(door: Door) -> None:
    async with await door.as_("reporter", OTHER) as unit:
        (alert, *_) = await _alerts(unit, state="open")
        path = f"/alerts/{alert['id']}/snooze"
        far = await unit.post(path, json={"until": "2026-12-31", "reason": "等待批复"})
        done = await unit.post(path, json={"until": "2026-03-20", "reason": "等待批复"})
        listed = await _alerts(unit, state="snoozed")
    assert [one["pointer"] for one in far.json()["errors"]] == ["/until"]
    assert (done.status_code, done.json()["hold_until"]) == (200, "2026-03-20")
    assert [one["id"] for one in listed] == [alert["id"]]


async def test_who_may_not_answer_is_told_so_whatever_they_say(door: Door) -> None:
    async with (
        await door.as_("reporter", UNIT) as unit,
        await door.as_("reporter", OTHER) as other,
        await door.as_("lead", LEAD) as lead,
        await door.as_("leader") as leader,
    ):
        (alert, *_) = await _alerts(unit)
        for verb in ("acknowledge", "snooze"):
            path = f"/alerts/{alert['id']}/{verb}"
            wrong = {"nonsense": 1}
            answers = [
                await client.post(path, json=wrong) for client in (other, lead, leader, unit)
            ]
            assert [one.status_code for one in answers] == [404, 403, 403, 422], verb
            assert answers[1].json()["code"] == "not-your-alert"


async def test_an_answer_to_what_another_caller_read_is_an_answer_to_the_same_version(
    door: Door,
) -> None:
    async with (
        await door.as_("reporter", UNIT) as unit,
        await door.as_("leader") as leader,
        await door.as_("office") as office,
    ):
        alert = next(one for one in await _alerts(unit) if one["state"] == "open")
        path = f"/alerts/{alert['id']}"
        read = await leader.get(path)
        own = await unit.get(path)
        body = {"until": "2026-03-17", "reason": "等待批复"}
        match = {"If-Match": read.headers["ETag"]}
        first = await unit.post(f"{path}/snooze", json=body, headers={**match, **_KEY})
        again = await unit.post(f"{path}/snooze", json=body, headers={**match, **_KEY})
        stale = await office.post(f"{path}/snooze", json=body, headers=match)
        unchanged = await unit.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert read.json()["allowed_actions"] == []
    assert read.headers["ETag"] != own.headers["ETag"]
    assert (first.status_code, first.json()["state"]) == (200, "snoozed")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert (stale.status_code, stale.json()["current"]["state"]) == (412, "snoozed")
    assert stale.json()["current"]["notices"]
    assert unchanged.status_code == 304


async def test_every_fault_of_rules_is_told_at_once(door: Door) -> None:
    path = f"{PLAN}/alert-rules"
    post = {"organization_code": "UN98", "function": "head", "filled_by": "局长"}
    async with await door.as_("office") as office:
        before = await office.get(path)
        rules = before.json()["rule_set"]
        wrong = {**rules, "office": "UN99", "posts": [post], "snooze_days": 0, "colour": "blue"}
        wrong["rules"] = {**rules["rules"], "light_red": {"enabled": "yes", "level": 9}}
        changed = await office.put(path, json=wrong, headers={"If-Match": before.headers["ETag"]})
        tried = await office.post(
            f"{path}/dry-run", json={"rule_set": wrong, "at": "2999-01-01T00:00:00Z", "more": 1}
        )
        after = await office.get(path)
    faults = {
        "/office": "unknown-organization",
        "/posts/0/organization_code": "unknown-organization",
        "/snooze_days": "greater-than-equal",
        "/colour": "extra-forbidden",
        "/rules/light_red/enabled": "bool-type",
    }
    found = {one["pointer"]: one["code"] for one in changed.json()["errors"]}
    assert (changed.status_code, found) == (422, faults)
    found = {one["pointer"]: one["code"] for one in tried.json()["errors"]}
    assert (tried.status_code, found) == (
        422,
        {f"/rule_set{place}": code for place, code in faults.items()}
        | {"/at": "instant-out-of-range", "/more": "extra-forbidden"},
    )
    assert after.content == before.content


async def test_rules_are_data_with_versions(door: Door) -> None:
    path = f"{PLAN}/alert-rules"
    async with await door.as_("office") as office, await door.as_("reporter", UNIT) as unit:
        before = await office.get(path)
        rules = before.json()["rule_set"]
        bare = await office.put(path, json=rules)
        forbidden = await unit.put(path, json=rules)
        tag = {"If-Match": before.headers["ETag"]}
        wrong = await office.put(
            path,
            json={**rules, "acknowledge_days": 9, "snooze_days": 0, "colour": "blue"},
            headers=tag,
        )
        strange = await office.put(path, json={**rules, "office": "UN99"}, headers=tag)
        rules["rules"]["publicity_day"]["enabled"] = False
        changed = await office.put(path, json=rules, headers=tag)
        stale = await office.put(path, json=rules, headers=tag)
        after = (await unit.get(path)).json()
    assert (before.json()["version"], bare.status_code, forbidden.status_code) == (0, 428, 403)
    assert {one["pointer"] for one in wrong.json()["errors"]} == {
        "/acknowledge_days",
        "/snooze_days",
        "/colour",
    }
    assert [one["pointer"] for one in strange.json()["errors"]] == ["/office"]
    assert (changed.status_code, changed.json()["version"]) == (200, 1)
    assert (stale.status_code, stale.json()["current"]["version"]) == (412, 1)
    assert after["rule_set"]["rules"]["publicity_day"]["enabled"] is False


async def test_a_trial_tells_what_a_real_evaluation_then_does(database_url: str) -> None:
    async with open_door(database_url, offset=NOW - Clock.true_now()) as door:
        await door.react()
        await _evaluate(door)
        for _ in range(3):
            await add(
                door.held.database,
                Milestone,
                organization_code=UNIT,
                due_date=date(2026, 3, 13),
                original_due_date=date(2026, 3, 13),
            )
        async with await door.as_("office") as office, await door.as_("reporter", UNIT) as unit:
            tried = (await office.post(f"{PLAN}/alert-rules/dry-run")).json()
            assert [one for one in await _alerts(office) if one["due_date"] == "2026-03-13"] == []
            await _evaluate(door)
            told = [one for one in await _alerts(office) if one["due_date"] == "2026-03-13"]
            later = await office.post(
                f"{PLAN}/alert-rules/dry-run", json={"at": "2026-03-18T10:00:00+08:00"}
            )
            forbidden = await unit.post(f"{PLAN}/alert-rules/dry-run")
    expected = {"rule": "milestone_due", "stage": "T-1", "level": 1, "outcome": "given"}
    assert {**expected, "count": 3} in tried["counts"]
    assert [(one["stage"], one["level"]) for one in told] == [("T-1", 1)] * 3
    assert {(one["stage"], one["level"]) for one in later.json()["notices"]} >= {("O+3", 2)}
    assert forbidden.status_code == 403


async def test_a_trial_writes_nothing_and_waits_for_nobody(database_url: str) -> None:
    async with open_door(database_url, offset=NOW - Clock.true_now()) as door:
        await door.react()
        due = date(2026, 3, 13)
        database = door.held.database
        await add(database, Milestone, organization_code=UNIT, due_date=due, original_due_date=due)
        before = await _written(door)
        async with await door.as_("office") as office, database.transaction() as session:
            # An evaluation is going on meanwhile, and does not end before the trial does.
            assert await queries.locked_evaluation(session, "410183", XINMI, wait=True) is not None
            rules = (await office.get(f"{PLAN}/alert-rules")).json()["rule_set"]
            in_force = await office.post(f"{PLAN}/alert-rules/dry-run")
            rules["rules"]["milestone_due"]["enabled"] = False
            without = await office.post(f"{PLAN}/alert-rules/dry-run", json={"rule_set": rules})
        assert (in_force.status_code, without.status_code) == (200, 200)
        about = [
            [one for one in answer.json()["notices"] if one["due_date"] == "2026-03-13"]
            for answer in (in_force, without)
        ]
        assert [len(found) for found in about] == [1, 0]
        assert in_force.json()["told"] == without.json()["told"] + 1
        assert await _written(door) == before


async def _written(door: Door) -> list[int]:
    """Return how many rows the tables of the engine and of the log hold."""
    tables = ("alert", "alert_notice", "alert_history", "alert_digest", "event", "event_pending")
    count = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    return list(await door.held.database.pool.fetchrow(f"SELECT {count}"))
