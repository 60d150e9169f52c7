"""What waits for whom, soonest due first, and deadlines as a calendar that programs read."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from ical.calendar_stream import IcsCalendarStream
from sqlalchemy import text

from services.core.extensions.models import Extension
from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.submissions.models import Submission
from tests.support.api import XINMI, Door, open_door
from tests.support.clock import stopped_at
from tests.support.duties import CITY, PLAN, add

NOW = datetime(2026, 2, 2, 1, tzinfo=UTC)
"""Monday, 9 o'clock in Xinmi."""

LEAD, OTHER = "UN05", "UN15"
"""Measure 2.1 is led by the first; the second only has a part in measures."""


@pytest.fixture
async def door(database_url: str) -> Any:
    """The API on a day of its own, with nothing that waits."""
    async with open_door(database_url, offset=NOW - Clock.true_now()) as opened:
        yield opened


async def _todo(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/me/todo", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _lead_of(door: Door, measure: str) -> str:
    async with door.held.database.sessions() as session:
        found = await session.scalar(
            text(
                "SELECT organization_code FROM measure_unit WHERE measure_code = :measure"
                " AND part = 'lead' ORDER BY 1 LIMIT 1"
            ),
            {"measure": measure},
        )
    return str(found)


async def _open(door: Door, period: str) -> None:
    held = door.held
    door.app.state.resources = replace(held, clock=stopped_at(f"{period}-12-30", "09:00:00"))
    async with await door.as_("office") as office:
        answer = await office.post(f"/plans/{XINMI}/periods/{period}/open")
    door.app.state.resources = held
    assert answer.status_code == 200, answer.text


async def test_nothing_waits_for_who_has_nothing_to_do(door: Door) -> None:
    async with await door.as_("leader") as leader:
        found = await _todo(leader)
    assert (found["items"], found["total"], found["next_page_token"]) == ([], 0, None)
    assert found["counts"]["report"] == {"waiting": 0, "overdue": 0}


async def test_a_unit_sees_what_it_has_to_do_soonest_first(door: Door) -> None:
    base = door.held.database
    async with base.transaction() as session:
        await session.execute(text("DELETE FROM obligation"))
    returned = await add(
        base,
        Submission,
        state="returned",
        indicator_code="U07",
        updated_at=datetime(2026, 1, 30, 8, tzinfo=UTC),
    )
    sign = await add(base, Milestone, state="assigned", sign_by=date(2026, 2, 4))
    work = await add(base, Milestone, due_date=date(2026, 1, 30))
    await add(base, Milestone, state="closed", grade="pass")
    await add(base, Milestone, organization_code="UN16")
    async with await door.as_("reporter", OTHER) as unit:
        found = await _todo(unit)
    assert [(one["kind"], one["due_date"], one["overdue"]) for one in found["items"]] == [
        ("progress", "2026-01-30", True),
        ("sign", "2026-02-04", False),
        ("correct", "2026-02-06", False),
    ]
    assert [one["subject"]["id"] for one in found["items"]] == [str(work), str(sign), str(returned)]
    assert [one["days_left"] for one in found["items"]] == [None, 2, 4]
    assert [one["days_overdue"] for one in found["items"]] == [1, None, None]
    assert [one["working_days_left"] for one in found["items"]] == [-1, 2, 4], "the old name"
    assert found["items"][2]["title"] == "建筑垃圾资源化利用率"
    assert found["items"][2]["href"] == f"/v1/submissions/{returned}"
    assert (found["total"], found["overdue"]) == (3, 1)
    assert found["counts"]["progress"] == {"waiting": 1, "overdue": 1}


async def test_a_value_waits_until_it_is_handed_in(door: Door) -> None:
    await _open(door, "2025")
    base = door.held.database
    async with base.transaction() as session:
        await session.execute(text("DELETE FROM obligation"))
    await add(base, Obligation)
    async with await door.as_("reporter", OTHER) as unit:
        (before,) = (await _todo(unit))["items"]
        made = await unit.post(
            f"/plans/{XINMI}/submissions",
            json={
                "indicator_code": "U08",
                "organization_code": OTHER,
                "period": "2025",
                "value": "40",
            },
        )
        assert made.status_code == 201, made.text
        after = (await _todo(unit))["items"]
    assert (before["kind"], before["due_date"], before["overdue"]) == ("report", "2026-01-31", True)
    assert (before["period"], before["indicator_code"]) == ("2025", "U08")
    assert after == []


async def test_a_lead_reviews_others_and_the_office_what_the_lead_reported(door: Door) -> None:
    base = door.held.database
    fresh = datetime(2026, 1, 30, 8, tzinfo=UTC)
    async with base.sessions() as session:
        both = await session.execute(
            text(
                "SELECT indicator_code, array_agg(organization_code) FROM indicator_lead AS led"
                " JOIN organization AS unit ON unit.code = led.organization_code AND unit.submits"
                " GROUP BY indicator_code HAVING count(*) > 1 ORDER BY indicator_code LIMIT 1"
            )
        )
        indicator, (first, second, *_) = both.one()
    by_second = await add(
        base,
        Submission,
        indicator_code=indicator,
        organization_code=second,
        reported_by_organization=second,
        submitted_at=fresh,
    )
    own = await add(base, Submission, submitted_at=fresh)
    async with (
        await door.as_("lead", first) as lead,
        await door.as_("lead", second) as other,
        await door.as_("office") as office,
    ):
        for_lead, for_other, for_office = [await _todo(one) for one in (lead, other, office)]
    assert [one["subject"]["id"] for one in for_lead["items"]] == [str(by_second)]
    assert for_other["items"] == []
    assert [one["subject"]["id"] for one in for_office["items"]] == [str(own)]


async def test_what_a_lead_leaves_undecided_comes_to_the_office(door: Door) -> None:
    base = door.held.database
    lead_unit = await _lead_of(door, "2.1")
    waits = await add(base, Milestone, state="completed", answer_by=date(2026, 2, 4))
    asked = await add(base, Extension, subject_id=waits, decide_by=date(2026, 2, 3))
    declined = await add(base, Milestone, state="declined", due_date=date(2026, 3, 31))
    of_lead = await add(
        base,
        Milestone,
        organization_code=lead_unit,
        state="completed",
        answer_by=date(2026, 2, 9),
    )
    async with await door.as_("lead", lead_unit) as lead, await door.as_("office") as office:
        found = await _todo(lead)
        assert [(one["kind"], one["subject"]["id"]) for one in found["items"]] == [
            ("decide", str(asked)),
            ("close", str(waits)),
            ("reassign", str(declined)),
        ]
        assert [one["subject"]["id"] for one in (await _todo(office))["items"]] == [str(of_lead)]
        async with base.transaction() as session:
            await session.execute(
                text("UPDATE milestone SET answer_by = '2026-01-30' WHERE state = 'completed'")
            )
            await session.execute(text("UPDATE extension SET decide_by = '2026-01-30'"))
        late = await _todo(office)
    assert {one["subject"]["id"] for one in late["items"]} == {str(waits), str(asked), str(of_lead)}
    assert late["overdue"] == 3


async def test_nothing_waits_that_the_state_of_its_period_forbids(door: Door) -> None:
    base = door.held.database
    await add(base, Submission, state="returned", indicator_code="U07")
    await add(base, Submission, state="submitted", indicator_code="U08")
    await _open(door, "2025")
    async with await door.as_("reporter", OTHER) as unit, await door.as_("office") as office:
        assert (await _todo(unit))["counts"]["correct"]["waiting"] == 1
        assert (await _todo(office))["counts"]["review"]["waiting"] == 1
        await office.post(f"/plans/{XINMI}/periods/2025/close")
        assert (await _todo(unit))["counts"]["correct"]["waiting"] == 0
        assert (await _todo(office))["counts"]["review"]["waiting"] == 1
        await office.post(f"/plans/{XINMI}/periods/2025/publish")
        assert (await _todo(office))["counts"]["review"]["waiting"] == 0


async def test_pages_hold_everything_once_and_a_token_fits_its_filter(door: Door) -> None:
    base = door.held.database
    wanted = [
        str(await add(base, Milestone, due_date=date(2026, 3, 1) + timedelta(days=number // 3)))
        for number in range(10)
    ]
    async with await door.as_("reporter", OTHER) as unit:
        found: list[str] = []
        query: dict[str, Any] = {"page_size": 3}
        while True:
            page = await _todo(unit, **query)
            assert page["total"] == 10
            found += [one["subject"]["id"] for one in page["items"]]
            if page["next_page_token"] is None:
                break
            query["page_token"] = page["next_page_token"]
        strange = await unit.get("/me/todo", params={**query, "plan": PLAN})
        elsewhere = await unit.get("/me/todo", params={"plan": "410183-1999"})
    assert found == wanted
    assert (strange.status_code, strange.json()["code"]) == (400, "bad-page-token")
    assert elsewhere.status_code == 404


async def _subscribe(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post(
        f"/plans/{XINMI}/calendar-tokens", json={"name": "科室日历", "scope": "unit", **body}
    )


async def _read(door: Door, path: str, **headers: str) -> httpx.Response:
    async with door.client(None) as program:
        return await program.get(f"http://wufei.test{path}", headers=headers)


def _entries(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar = IcsCalendarStream.calendar_from_ics(answer.content.decode())
    return {event.uid: event for event in calendar.events}


async def test_a_calendar_program_reads_the_deadlines_of_a_unit(door: Door) -> None:
    base = door.held.database
    async with base.transaction() as session:
        await session.execute(text("DELETE FROM milestone"))
        await session.execute(text("DELETE FROM obligation"))
    open_one = await add(base, Milestone, version=3)
    done = await add(base, Milestone, state="closed", grade="pass")
    gone = await add(base, Milestone, state="cancelled")
    owed = await add(base, Obligation)
    await add(base, Milestone, organization_code="UN16")
    async with await door.as_("reporter", OTHER) as unit:
        made = await _subscribe(unit)
    assert made.status_code == 201, made.text
    path = made.json()["path"]
    found = _entries(await _read(door, path))
    assert set(found) == {
        f"milestone-{open_one}@wufei",
        f"milestone-{done}@wufei",
        f"milestone-{gone}@wufei",
        f"obligation-{owed}@wufei",
    }
    entry = found[f"milestone-{open_one}@wufei"]
    assert (entry.dtstart, entry.dtend) == (date(2026, 6, 30), date(2026, 7, 1))
    assert (entry.sequence, entry.status.value) == (3, "CONFIRMED")
    assert [alarm.trigger.astimezone(UTC).hour for alarm in entry.alarm] == [1, 1]
    assert found[f"milestone-{done}@wufei"].summary.startswith("✓")
    assert found[f"milestone-{done}@wufei"].alarm == []
    assert found[f"milestone-{gone}@wufei"].status.value == "CANCELLED"
    assert "征求意见稿" in entry.description

    async with base.transaction() as session:
        await session.execute(
            text("UPDATE milestone SET due_date = '2026-09-30', version = 4 WHERE id = :id"),
            {"id": open_one},
        )
    moved = _entries(await _read(door, path))[entry.uid]
    assert (moved.dtstart, moved.sequence) == (date(2026, 9, 30), 4)


async def test_a_calendar_is_not_sent_again_where_nothing_changed(door: Door) -> None:
    async with await door.as_("office") as office:
        path = (await _subscribe(office, scope="plan")).json()["path"]
    first = await _read(door, path)
    again = await _read(door, path, **{"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_a_calendar_ends_with_its_token_or_the_key_that_made_it(door: Door) -> None:
    secret = await door.new_key("reporter", OTHER)
    async with door.client(secret) as unit:
        tokens = [(await _subscribe(unit)).json() for _ in range(2)]
        revoked = await unit.delete(f"/calendar-tokens/{tokens[0]['id']}")
        again = await unit.delete(f"/calendar-tokens/{tokens[0]['id']}")
        listed = (await unit.get("/calendar-tokens")).json()["items"]
    assert (revoked.status_code, again.status_code) == (204, 204)
    assert [one["revoked_at"] is None for one in listed] == [False, True]
    assert "path" not in listed[0]
    assert (await _read(door, tokens[0]["path"])).status_code == 401
    assert (await _read(door, tokens[1]["path"])).status_code == 200
    async with door.client(door.admin_secret) as admin:
        keys = (await admin.get("/api-keys")).json()["items"]
        (key,) = [one["id"] for one in keys if secret.startswith(one["prefix"])]
        await admin.delete(f"/api-keys/{key}")
    assert (await _read(door, tokens[1]["path"])).status_code == 401


async def test_nobody_subscribes_to_what_is_not_theirs(door: Door) -> None:
    async with (
        await door.as_("reporter", OTHER) as unit,
        await door.as_("superior") as superior,
        await door.as_("office") as office,
    ):
        refused = [
            await _subscribe(unit, scope="plan"),
            await _subscribe(unit, organization_code="UN16"),
            await _subscribe(superior),
        ]
        allowed = await _subscribe(office, organization_code="UN16")
        theirs = await _subscribe(unit)
        stranger = await superior.delete(f"/calendar-tokens/{theirs.json()['id']}")
        unknown = await unit.delete(f"/calendar-tokens/{new_id()}")
        odd = await _subscribe(unit, scope="world", name="", more=1)
    assert [one.status_code for one in refused] == [403, 403, 403]
    assert allowed.status_code == 201
    assert (stranger.status_code, unknown.status_code) == (404, 404)
    assert {one["pointer"] for one in odd.json()["errors"]} == {"/scope", "/name", "/more"}
    other_plan = theirs.json()["path"].replace(XINMI, "410183-1999")
    assert (await _read(door, other_plan)).status_code == 404
    for strange in ("", "x", "wufeical_410183_a_b", "wufeical_410183_é_b", "_" * 150):
        answer = await _read(door, f"/v1/plans/{XINMI}/calendar.ics?token={strange}")
        assert answer.status_code == 401, strange


async def test_the_secret_of_a_calendar_is_kept_nowhere(door: Door) -> None:
    async with await door.as_("reporter", OTHER) as unit:
        headers = {"Idempotency-Key": "calendar-1"}
        body = {"name": "手机", "scope": "person"}
        first = await unit.post(f"/plans/{XINMI}/calendar-tokens", json=body, headers=headers)
        again = await unit.post(f"/plans/{XINMI}/calendar-tokens", json=body, headers=headers)
    secret = first.json()["path"].split("token=")[1]
    assert again.json() == {**first.json(), "path": None}
    async with door.held.database.sessions() as session:
        for table in ("calendar_token", "audit_entry", "stored_reply", "event"):
            rows = await session.execute(text(f"SELECT t::text FROM {table} t"))
            assert not any(secret in str(row) for row in rows), table
        noted = await session.scalar(
            text("SELECT count(*) FROM audit_entry WHERE action = 'calendar_token.created'")
        )
    assert noted == 1
    assert CITY in secret
