"""The office reminds exactly those who have not reported, each once a day."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.clock import at

pytestmark = pytest.mark.citus

PLAN = f"/plans/{XINMI}"
REMINDERS = f"{PLAN}/periods/2025/reminders"
Client = httpx.AsyncClient


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a morning of January 2026, with 2025 opened."""
    async with open_door(database_url) as opened:
        at(opened, "2026-01-12")
        async with await opened.as_("office") as office:
            assert (await office.post(f"{PLAN}/periods/2025/open")).status_code == 200
        yield opened


@pytest.fixture
async def office(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("office") as client:
        yield client


async def owing(office: Client) -> dict[str, int]:
    """Return how many values each unit has not handed in."""
    rates = (await office.get(f"{PLAN}/reporting-rates", params={"period": "2025"})).json()
    return {
        one["code"]: one["expected"] - one["reported"]
        for one in rates["items"]
        if one["expected"] > one["reported"]
    }


async def report(door: Door, **said: Any) -> str:
    async with await door.as_("reporter", "UN15") as unit:
        made = await unit.post(f"{PLAN}/submissions", json=a_submission(**said))
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def by_unit(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {one["organization_code"]: one for one in answer.json()["items"]}


async def test_exactly_those_are_reminded_who_have_not_reported(door: Door, office: Client) -> None:
    before = await owing(office)
    handed_in = await report(door)
    said = await office.post(REMINDERS, json={"note": "请于周五前报齐"})
    given = by_unit(said)
    assert {code: len(one["indicator_codes"]) for code, one in given.items()} == await owing(office)
    assert len(given["UN15"]["indicator_codes"]) == before["UN15"] - 1
    assert "U08" not in given["UN15"]["indicator_codes"], handed_in
    assert given["UN15"]["due_date"] == "2026-01-31"
    assert given["UN15"]["day"] == "2026-01-12"
    assert {one["note"] for one in given.values()} == {"请于周五前报齐"}
    assert said.json()["already_reminded"] == []


async def test_a_draft_is_not_handed_in_and_what_was_returned_is(
    door: Door, office: Client
) -> None:
    await report(door, draft=True)
    returned = await report(door, indicator_code="U07", numerator=None, denominator=None, value="9")
    answer = await office.post(f"/submissions/{returned}/return", json={"reason": "缺台账"})
    assert answer.status_code == 200, answer.text
    missing = by_unit(await office.post(REMINDERS))["UN15"]["indicator_codes"]
    assert "U08" in missing
    assert "U07" not in missing


async def test_a_unit_is_reminded_once_a_day_and_again_on_the_next(
    door: Door, office: Client
) -> None:
    first = by_unit(await office.post(REMINDERS, json={"organization_codes": ["UN15"]}))
    assert set(first) == {"UN15"}
    again = await office.post(REMINDERS)
    assert "UN15" not in by_unit(again)
    assert again.json()["already_reminded"] == ["UN15"]
    assert (await office.post(REMINDERS)).json()["items"] == []
    at(door, "2026-01-12", "23:59:59")
    assert (await office.post(REMINDERS)).json()["items"] == []
    at(door, "2026-01-13", "00:00:00")
    assert "UN15" in by_unit(await office.post(REMINDERS)), "a local day, of the plan's zone"


async def test_two_that_remind_at_once_remind_each_unit_once(door: Door, office: Client) -> None:
    answers = await asyncio.gather(*(office.post(REMINDERS) for _ in range(4)))
    named = [code for answer in answers for code in by_unit(answer)]
    assert sorted(named) == sorted(await owing(office))
    listed = (await office.get(REMINDERS, params={"page_size": 200})).json()
    assert len(listed["items"]) == len(named)
    await door.react()
    log = (await office.get("/events", params={"types": "reminder.given", "limit": 500})).json()
    assert sorted(one["data"]["organization_code"] for one in log["items"]) == sorted(named)


async def test_nothing_is_written_by_a_trial(office: Client) -> None:
    tried = by_unit(await office.post(REMINDERS, params={"validate_only": "true"}))
    assert set(tried) == set(await owing(office))
    assert (await office.get(REMINDERS)).json()["items"] == []
    assert set(by_unit(await office.post(REMINDERS))) == set(tried)


async def test_a_unit_reads_and_hears_of_its_own_alone(door: Door, office: Client) -> None:
    given = by_unit(await office.post(REMINDERS))
    assert len(given) > 1
    await door.react()
    async with await door.as_("reporter", "UN15") as unit:
        listed = (await unit.get(REMINDERS)).json()["items"]
        assert [one["id"] for one in listed] == [given["UN15"]["id"]]
        heard = (await unit.get("/events", params={"types": "reminder.given"})).json()["items"]
        assert [one["subject"]["id"] for one in heard] == [given["UN15"]["id"]]
        assert (await unit.post(REMINDERS)).status_code == 403
    async with await door.as_("superior") as superior:
        assert (await superior.get(REMINDERS)).status_code == 403


async def test_the_list_is_read_in_pages_newest_first(office: Client) -> None:
    given = by_unit(await office.post(REMINDERS))
    found: list[str] = []
    query: dict[str, Any] = {"page_size": 7}
    while True:
        page = (await office.get(REMINDERS, params=query)).json()
        found += [one["id"] for one in page["items"]]
        if page["next_page_token"] is None:
            break
        query["page_token"] = page["next_page_token"]
    assert found == sorted((one["id"] for one in given.values()), reverse=True)


@pytest.mark.parametrize("verb", [None, "close"])
async def test_nobody_is_reminded_of_what_nobody_can_report(
    office: Client, verb: str | None
) -> None:
    period = "2025" if verb else "2026"
    if verb:
        assert (await office.post(f"{PLAN}/periods/{period}/{verb}")).status_code == 200
    refused = await office.post(f"{PLAN}/periods/{period}/reminders")
    assert (refused.status_code, refused.json()["code"]) == (409, "period-transition-refused")


async def test_every_code_that_the_plan_does_not_have_is_named_at_once(office: Client) -> None:
    refused = await office.post(REMINDERS, json={"organization_codes": ["UN15", "UN99", "城管"]})
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [
        "/organization_codes/1",
        "/organization_codes/2",
    ]
