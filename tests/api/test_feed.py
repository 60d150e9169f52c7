"""The numbered log as its readers see it: filters, where to go on, and a beginning that is gone."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.api import XINMI, Door, a_submission
from tests.support.owner import as_owner

pytestmark = pytest.mark.citus

PATH = f"/plans/{XINMI}/submissions"


async def _reported(door: Door, unit: str, indicator: str, period: str) -> dict[str, Any]:
    async with await door.as_("reporter", unit) as clerk:
        answer = await clerk.post(
            PATH,
            json=a_submission(indicator_code=indicator, organization_code=unit, period=period),
        )
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


@contextmanager
def _serving(door: Door, kept: timedelta) -> Iterator[None]:
    """Let the feed serve an event only so long."""
    held = door.held
    door.app.state.resources = replace(held, feed_kept=kept)
    try:
        yield
    finally:
        door.app.state.resources = held


async def _whole_log(client: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    """Follow the links until there is no more."""
    path, events = "/events", []
    answer = await client.get(path, params={"limit": 2, **filters})
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        events += page["items"]
        if not page["has_more"]:
            return events
        answer = await client.get(f"http://wufei.test{answer.links['next']['url']}")


async def test_a_reader_that_follows_the_links_meets_every_event_once(door: Door) -> None:
    await _reported(door, "UN15", "U08", "2021-01")
    await door.react()
    async with await door.as_("office") as office:
        events = await _whole_log(office)
        head = (await office.get("/events", params={"after": events[-1]["position"]})).json()
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    assert head == {"items": [], "last_position": len(events), "has_more": False}


async def test_each_filter_leaves_what_it_names_and_the_link_keeps_it(door: Door) -> None:
    made = await _reported(door, "UN15", "U08", "2021-02")
    await door.react()
    async with await door.as_("office") as office:
        everything = await _whole_log(office)
        of_unit = await _whole_log(office, organization="UN15")
        of_plan = await _whole_log(office, plan=XINMI)
        of_kind = await _whole_log(office, subject="submission")
        of_one = await _whole_log(office, subject=f"submission/{made['id']}")
        both = await _whole_log(office, types="plan.published, submission.submitted", plan=XINMI)
        nothing = await office.get("/events", params={"plan": "410183-1999"})
    assert of_unit == [e for e in everything if e["data"].get("organization_code") == "UN15"]
    assert of_plan == [e for e in everything if e["plan"] == XINMI]
    assert of_kind == [e for e in everything if e["subject"]["kind"] == "submission"]
    assert [e["subject"]["id"] for e in of_one] == [made["id"]]
    assert both == [
        e for e in everything if e["type"] in {"plan.published", "submission.submitted"}
    ]
    assert of_unit
    assert nothing.status_code == 404


async def test_a_filter_never_widens_what_a_reader_hears(door: Door) -> None:
    made = await _reported(door, "UN15", "U08", "2021-03")
    await door.react()
    async with await door.as_("reporter", "410183107") as other:
        assert await _whole_log(other, organization="UN15") == []
        assert await _whole_log(other, subject=f"submission/{made['id']}") == []


async def test_a_reader_names_its_own_city_and_no_other(door: Door) -> None:
    async with await door.as_("superior") as superior:
        own = await superior.get("/events", params={"city": "410183"})
        other = await superior.get("/events", params={"city": "410184"})
    assert own.status_code == 200
    assert (other.status_code, other.json()["code"]) == (404, "city-not-found")


async def test_who_waits_is_answered_with_the_first_event_that_is_wanted(door: Door) -> None:
    async with await door.as_("office") as office:
        await door.react()
        last = (await office.get("/events", params={"limit": 1000})).json()["last_position"]
        asked = {"after": last, "wait": 20, "types": "submission.withdrawn"}
        waiting = asyncio.create_task(office.get("/events", params=asked))
        made = await _reported(door, "UN15", "U08", "2021-04")
        await door.react()
        assert not waiting.done()
        async with await door.as_("reporter", "UN15") as clerk:
            await clerk.post(f"/submissions/{made['id']}/withdraw")
        await door.react()
        answer = await waiting
    assert [event["type"] for event in answer.json()["items"]] == ["submission.withdrawn"]


async def test_who_waits_for_what_is_seldom_is_told_how_far_an_answer_came(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.feed.routes._STRETCH", 5)
    monkeypatch.setattr("services.api.feed.routes._MOST_STRETCHES", 3)
    for month in range(1, 8):
        await _reported(door, "UN15", "U08", f"2022-{month:02}")
    await door.react()
    async with await door.as_("office") as office:
        everything = await _whole_log(office)
        assert len(everything) > 20
        asked: dict[str, Any] = {"after": 0, "limit": 1, "wait": 20}
        seldom = {**asked, "types": "webhook.test"}
        answer = (await office.get("/events", params=seldom)).json()
        assert (answer["items"], answer["last_position"], answer["has_more"]) == ([], 11, True)

        wanted = [one for one in everything if one["type"] == "submission.submitted"]
        found: list[dict[str, Any]] = []
        while len(found) < len(wanted):
            asked |= {"types": "submission.submitted"}
            answer = (await office.get("/events", params=asked)).json()
            assert len(answer["items"]) <= 1, "read in long stretches, and answered as asked"
            found += answer["items"]
            asked["after"] = answer["last_position"]
    assert found == wanted


async def test_a_cursor_older_than_the_log_is_told_where_the_log_begins(door: Door) -> None:
    await _reported(door, "UN15", "U08", "2021-05")
    await door.react()
    pool = door.held.database.pool
    head = await pool.fetchval("SELECT position FROM log_head WHERE city_code = '410183'")
    first = await pool.fetchval("SELECT event_id FROM event_position WHERE position = 1")
    moved = "UPDATE event_position SET event_id = $1 WHERE position = 1"
    await as_owner(door.held.database.dsn, moved, UUID(int=1 << 76))
    async with await door.as_("office") as office:
        with _serving(door, timedelta(days=1)):
            old = await office.get("/events", params={"after": 0})
            young = await office.get("/events", params={"after": 1})
        with _serving(door, timedelta()):
            all_gone = await office.get("/events", params={"after": head - 1})
            new = await office.get("/events", params={"after": head})
    await as_owner(door.held.database.dsn, moved, first)
    assert (old.status_code, old.json()["code"]) == (410, "cursor-expired")
    assert old.json()["oldest_position"] == 2
    assert young.status_code == 200
    assert (all_gone.status_code, all_gone.json()["oldest_position"]) == (410, head + 1)
    assert new.status_code == 200


async def test_a_log_whose_beginning_was_taken_away_says_so(door: Door) -> None:
    await as_owner(door.held.database.dsn, "DELETE FROM event_position WHERE position <= 2")
    async with await door.as_("office") as office:
        expired = await office.get("/events")
        kept = await office.get("/events", params={"after": 2})
    assert (expired.status_code, expired.json()["oldest_position"]) == (410, 3)
    assert kept.status_code == 200
