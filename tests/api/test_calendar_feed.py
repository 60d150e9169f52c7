"""What programs that subscribe to deadlines rely on, from one reading to the next."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event
from icalendar import Calendar
from sqlalchemy import text

from services.core.identity.actor import system
from services.core.kit.clock import Clock
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.plan.loading import load_plan
from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, open_door, xinmi
from tests.support.clock import stopped_at
from tests.support.duties import CITY, PLAN, add

NOW = datetime(2026, 2, 2, 1, tzinfo=UTC)
UNIT = "UN15"
_OLD = date(2024, 3, 1)
"""Two years before the day of these tests, far beyond what a calendar shows of the past."""


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a day of its own, without any duty."""
    async with open_door(database_url, offset=NOW - Clock.true_now()) as opened:
        async with opened.held.database.transaction() as session:
            for table in ("milestone", "obligation", "submission", "plan_period"):
                await session.execute(text(f"DELETE FROM {table}"))
        yield opened


async def _subscribed(door: Door, role: str, unit: str | None = None, **body: object) -> str:
    async with await door.as_(role, unit) as client:
        made = await client.post(f"/plans/{XINMI}/calendar-tokens", json={"name": "日历", **body})
    assert made.status_code == 201, made.text
    return str(made.json()["path"])


async def _file(door: Door, path: str) -> str:
    async with door.client(None) as program:
        answer = await program.get(f"http://wufei.test{path}")
    assert answer.status_code == 200, answer.text
    return answer.content.decode()


async def _entries(door: Door, path: str) -> dict[str, Event]:
    events = IcsCalendarStream.calendar_from_ics(await _file(door, path)).events
    return {str(event.uid): event for event in events}


async def _open(door: Door, period: str) -> None:
    held = door.held
    door.app.state.resources = replace(held, clock=stopped_at(f"{period}-12-30", "09:00:00"))
    async with await door.as_("office") as office:
        opened = await office.post(f"/plans/{XINMI}/periods/{period}/open")
    door.app.state.resources = held
    assert opened.status_code == 200, opened.text
    async with door.held.database.transaction() as session:
        await session.execute(text("DELETE FROM obligation"))  # the test says itself what is owed


def _a_minute_later(door: Door) -> None:
    """Set the clock on: the instants in a calendar file are whole seconds."""
    clock = Clock(door.held.clock.offset + timedelta(minutes=1))
    door.app.state.resources = replace(door.held, clock=clock)


def _grew(before: Event, after: Event) -> bool:
    assert before.sequence is not None
    assert after.sequence is not None
    assert before.last_modified is not None
    assert after.last_modified is not None
    return (
        after.sequence > before.sequence
        and after.dtstamp > before.dtstamp
        and after.last_modified > before.last_modified
    )


async def _done(door: Door, client: httpx.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    _a_minute_later(door)
    answer = await client.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_file_has_no_uid_and_says_twice_when_to_ask_again(door: Door) -> None:
    path = await _subscribed(door, "reporter", UNIT, scope="unit")
    for _ in range(3):
        await add(door.held.database, Milestone)
    lines = (await _file(door, path)).split("\r\n")
    head = lines[: lines.index("BEGIN:VEVENT")]
    assert not [line for line in head if line.startswith("UID")]
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in head
    assert "X-PUBLISHED-TTL:PT1H" in head
    file = Calendar.from_ical("\r\n".join(lines))
    assert len({str(one["UID"]) for one in file.walk() if "UID" in one}) == 3


async def test_an_entry_grows_each_time_its_report_is_handed_in_or_returned(door: Door) -> None:
    path = await _subscribed(door, "reporter", UNIT, scope="unit")
    await _open(door, "2025")
    owed = await add(door.held.database, Obligation, indicator_code="U08", period="2025-12")
    uid = f"obligation-{owed}@wufei"
    seen = [(await _entries(door, path))[uid]]

    async with await door.as_("reporter", UNIT) as unit, await door.as_("office") as office:
        value = {
            "indicator_code": "U08",
            "organization_code": UNIT,
            "period": "2025-12",
            "numerator": "4065",
            "denominator": "10000",
        }
        sent = await _done(door, unit, f"/plans/{XINMI}/submissions", **value)
        this = f"/submissions/{sent['id']}"
        seen.append((await _entries(door, path))[uid])
        await _done(door, office, f"{this}/return", reason="请核对分母")
        seen.append((await _entries(door, path))[uid])
        await _done(door, unit, f"{this}/submit")
        seen.append((await _entries(door, path))[uid])
        await _done(door, unit, f"{this}/withdraw")
        seen.append((await _entries(door, path))[uid])
        await _done(door, unit, f"/plans/{XINMI}/submissions", **value)
        seen.append((await _entries(door, path))[uid])

    assert [str(one.summary).startswith("✓") for one in seen] == [
        False,
        True,
        False,
        True,
        False,
        True,
    ]
    for before, after in pairwise(seen):
        assert _grew(before, after), (before, after)


async def test_an_entry_of_a_period_grows_when_the_period_is_reopened(door: Door) -> None:
    path = await _subscribed(door, "office", scope="plan")
    await _open(door, "2025")
    uid = f"period-{XINMI}-2025@wufei"
    seen = [(await _entries(door, path))[uid]]
    async with await door.as_("office") as office:
        for verb in ("close", "reopen", "publish"):
            await _done(door, office, f"/plans/{XINMI}/periods/2025/{verb}")
            seen.append((await _entries(door, path))[uid])
    assert [str(one.summary).startswith("✓") for one in seen] == [False, True, False, True]
    for before, after in pairwise(seen):
        assert _grew(before, after), (before, after)


async def test_an_entry_grows_when_the_plan_calls_its_indicator_otherwise(door: Door) -> None:
    path = await _subscribed(door, "reporter", UNIT, scope="unit")
    owed = await add(door.held.database, Obligation, indicator_code="U08")
    before = (await _entries(door, path))[f"obligation-{owed}@wufei"]
    document = xinmi().model_dump(mode="json", exclude_unset=True, by_alias=True)
    for indicator in document["indicators"]:
        if indicator["code"] == "U08":
            indicator["name"] = "生活垃圾回收利用率"
    _a_minute_later(door)
    async with door.held.database.transaction() as session:
        await load_plan(
            session,
            document=read_document(document),
            actor=system("test"),
            now=door.held.clock.now(),
        )
    await door.react()
    after = (await _entries(door, path))[f"obligation-{owed}@wufei"]
    assert (before.summary, after.summary) == (
        "报送 2025：（城区）生活垃圾回收利用率",
        "报送 2025：生活垃圾回收利用率",
    )
    assert _grew(before, after)


async def test_what_is_open_stays_in_the_calendar_however_old_it_is(door: Door) -> None:
    base = door.held.database
    await _open(door, "2024")
    await _open(door, "2023")
    async with await door.as_("office") as office:
        await _done(door, office, f"/plans/{XINMI}/periods/2023/close")
    open_ones = {
        f"milestone-{await add(base, Milestone, due_date=_OLD)}@wufei",
        f"obligation-{await add(base, Obligation, period='2024', due_date=_OLD)}@wufei",
    }
    await add(base, Milestone, due_date=_OLD, state="closed", grade="pass")
    await add(base, Milestone, due_date=_OLD, state="cancelled")
    await add(base, Obligation, period="2024-12", due_date=_OLD, state="waived")
    await add(base, Obligation, period="2023", due_date=_OLD)  # nobody can answer it any more
    path = await _subscribed(door, "reporter", UNIT, scope="unit")
    shown = await _entries(door, path)
    old = {uid for uid, entry in shown.items() if entry.dtstart == _OLD}
    assert old == open_ones

    async with base.transaction() as session:
        await session.execute(
            text("UPDATE plan_period SET due_date = :old WHERE city_code = :city"),
            {"old": _OLD, "city": CITY},
        )
    whole = await _entries(door, await _subscribed(door, "office", scope="plan"))
    periods = {uid for uid in whole if uid.startswith("period-")}
    assert periods == {f"period-{PLAN}-2024@wufei"}
