"""Opening a period: until when, from whom, how far ahead, and taking the opening back."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support import plans
from tests.support.api import Door, open_door
from tests.support.clock import at

Client = httpx.AsyncClient
PLAN = f"/plans/{plans.TRIAL}"
PERIODS = f"{PLAN}/periods"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a day of October 2026, with a plan of four annual indicators of two units."""
    async with open_door(database_url) as opened:
        at(opened, "2026-10-12")
        indicators = [plans.an_indicator(f"A{number}") for number in range(3)]
        indicators.append(plans.an_indicator("B1", owners=["UN16"]))
        await plans.load(opened, plans.a_plan(*indicators))
        yield opened


@pytest.fixture
async def office(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("office") as client:
        yield client


async def report(door: Door, **changes: Any) -> httpx.Response:
    body = {
        "indicator_code": "A0",
        "organization_code": "UN15",
        "period": "2025",
        "value": "95",
        **changes,
    }
    async with await door.as_("reporter", body["organization_code"]) as unit:
        return await unit.post(f"{PLAN}/submissions", json=body)


def fault(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 422, answer.text
    ((pointer, code),) = [(each["pointer"], each["code"]) for each in answer.json()["errors"]]
    return pointer, code


async def statuses(client: Client) -> dict[str, str]:
    listed = (await client.get(f"{PLAN}/obligations", params={"page_size": 100})).json()["items"]
    return {item["indicator_code"]: item["status"] for item in listed}


async def test_where_the_rules_date_has_passed_another_is_asked_for(office: Client) -> None:
    refused = await office.post(f"{PERIODS}/2025/open")
    assert fault(refused) == ("/due_date", "due-date-passed")
    assert "2026-01-31" in refused.json()["errors"][0]["detail"]
    early = await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-11"})
    assert fault(early) == ("/due_date", "due-date-passed")
    before = await office.post(f"{PERIODS}/2025/open", json={"due_date": "2025-12-30"})
    assert fault(before) == ("/due_date", "due-before-period-end")
    assert (await office.get(PERIODS)).json()["items"] == []
    opened = await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-30"})
    assert (opened.status_code, opened.json()["due_date"]) == (200, "2026-10-30")
    assert set((await statuses(office)).values()) == {"expected"}
    again = await office.post(f"{PERIODS}/2025/open")
    assert (again.status_code, again.json()["code"]) == (409, "period-transition-refused")


async def test_it_says_how_many_values_it_asks_for_and_from_whom(office: Client) -> None:
    body = {"due_date": "2026-10-30"}
    tried = await office.post(f"{PERIODS}/2025/open?validate_only=true", json=body)
    assert (await statuses(office)) == {}
    opened = await office.post(f"{PERIODS}/2025/open", json=body)
    assert tried.json()["asks_for"] == opened.json()["asks_for"]
    asks = opened.json()["asks_for"]
    assert asks["values"] == 4
    assert {each["organization_code"]: each["values"] for each in asks["organizations"]} == {
        "UN15": 3,
        "UN16": 1,
    }
    assert all(each["name"] for each in asks["organizations"])
    assert opened.json()["warnings"] == []


async def _by_quarters(door: Door) -> None:
    """Give the plan an indicator that is reported each quarter."""
    quarterly = plans.an_indicator("Q1", frequency="quarterly")
    await plans.load(door, plans.a_plan(plans.an_indicator("A0"), quarterly))


async def test_closing_a_year_says_what_within_it_still_takes_values(
    door: Door, office: Client
) -> None:
    await _by_quarters(door)
    await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-30"})
    tried = await office.post(f"{PERIODS}/2025/close?validate_only=true")
    closed = await office.post(f"{PERIODS}/2025/close")
    assert closed.status_code == 200, closed.text
    assert tried.json()["warnings"] == closed.json()["warnings"]
    (warning,) = closed.json()["warnings"]
    assert warning["code"] == "finer-periods-open"
    named = ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]
    assert [code for code in named if code in warning["message"]] == named
    assert [code for code in named if code in warning["message_en"]] == named


async def test_a_period_with_nothing_open_within_it_closes_without_a_word(
    door: Door, office: Client
) -> None:
    await _by_quarters(door)
    due = {"due_date": "2026-10-30"}
    await office.post(f"{PERIODS}/2025-Q4/open", json=due)
    closed = await office.post(f"{PERIODS}/2025-Q4/close")
    assert closed.json()["warnings"] == []
    await office.post(f"{PERIODS}/2025/open", json=due)
    (warning,) = (await office.post(f"{PERIODS}/2025/close")).json()["warnings"]
    assert "2025-Q4" not in warning["message"]
    assert "2025-Q3" in warning["message"]


async def test_a_period_that_asks_for_nothing_says_so(office: Client) -> None:
    opened = await office.post(f"{PERIODS}/2026-Q4/open")
    assert opened.json()["asks_for"] == {"values": 0, "organizations": []}
    assert [each["code"] for each in opened.json()["warnings"]] == ["asks-for-nothing"]


async def test_what_is_too_far_ahead_is_not_opened(office: Client) -> None:
    for period in ("2028", "2052", "2027-Q2"):
        assert fault(await office.post(f"{PERIODS}/{period}/open")) == (
            "/path/period",
            "period-not-begun",
        )
    assert (await office.post(f"{PERIODS}/2027/open")).status_code == 200


async def test_a_due_date_on_a_rest_day_says_what_holds(door: Door, office: Client) -> None:
    kept = (await office.post(f"{PERIODS}/2026/open")).json()
    (warning,) = kept["warnings"]
    assert (kept["due_date"], warning["code"]) == ("2027-01-31", "due-on-rest-day")
    assert "不顺延" in warning["message"]
    days = {"annual": 31, "half_yearly": 20, "quarterly": 15, "monthly": 10}
    moved = plans.a_plan(
        plans.an_indicator("A0"), due_days={**days, "on_rest_day": "next_working_day"}
    )
    await plans.load(door, moved)
    later = (await office.post(f"{PERIODS}/2027/open")).json()
    assert (later["due_date"], later["warnings"]) == ("2028-01-31", [])
    await office.post(f"{PERIODS}/2026/cancel")
    again = (await office.post(f"{PERIODS}/2026/open")).json()
    (warning,) = again["warnings"]
    assert again["due_date"] == "2027-02-01"
    assert "顺延至下一工作日" in warning["message"]


async def test_an_opening_is_taken_back_while_nobody_answered(door: Door, office: Client) -> None:
    early = await report(door, indicator_code="A1")
    assert early.status_code == 201
    at(door, "2026-10-13")
    opened = await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-30"})
    assert opened.json()["allowed_actions"] == ["close", "publish", "cancel"]
    draft = await report(door, draft=True)
    back = await office.post(f"{PERIODS}/2025/cancel")
    assert (back.status_code, back.json()["state"]) == (200, "planned")
    assert back.json()["allowed_actions"] == ["open"]
    assert (await office.get(PERIODS)).json()["items"] == []
    assert (await statuses(office)) == {}, "nothing is owed any more"
    await door.react()
    board = (await office.get(f"{PLAN}/scoreboard", params={"period": "2025"})).json()
    assert {each["state"] for each in board["indicators"]} & {"missing"} == set()
    again = await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-11-06"})
    assert again.json()["due_date"] == "2026-11-06"
    assert again.json()["asks_for"]["values"] == 4
    assert (await statuses(office))["A0"] == "expected"
    async with await door.as_("reporter", "UN15") as unit:
        answered = await unit.post(f"/submissions/{draft.json()['id']}/submit")
    assert answered.status_code == 200
    refused = await office.post(f"{PERIODS}/2025/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "period-answered")
    (listed,) = (await office.get(PERIODS)).json()["items"]
    assert listed["allowed_actions"] == ["close", "publish"]
    plan = (await office.get(PLAN)).json()
    assert plan["periods"][0]["allowed_actions"] == ["close", "publish"]


async def test_a_value_within_a_reopened_date_is_on_time_whenever_it_came(
    door: Door, office: Client
) -> None:
    await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-16"})
    at(door, "2026-10-20")
    await report(door, indicator_code="A0")
    assert await statuses(office) == {
        "A0": "late",
        "A1": "missing",
        "A2": "missing",
        "B1": "missing",
    }
    await office.post(f"{PERIODS}/2025/close")
    reopened = await office.post(f"{PERIODS}/2025/reopen", json={"due_date": "2026-10-30"})
    assert reopened.json()["asks_for"]["values"] == 4
    at(door, "2026-10-28")
    await report(door, indicator_code="A1")
    at(door, "2026-11-02")
    await report(door, indicator_code="A2")
    assert await statuses(office) == {"A0": "met", "A1": "met", "A2": "late", "B1": "missing"}
    rates = (await office.get(f"{PLAN}/reporting-rates", params={"period": "2025"})).json()
    assert (rates["total"]["reported"], rates["total"]["on_time"]) == (3, 2)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("2026-10-20", "due-date-passed"),  # before today, and after the date in force
        ("2026-10-15", "due-date-passed"),
        ("2025-12-30", "due-before-period-end"),
        ("2099-12-31", "date-out-of-range"),
    ],
)
async def test_a_reopening_never_asks_for_values_by_a_day_gone_by(
    door: Door, office: Client, given: str, code: str
) -> None:
    await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-16"})
    at(door, "2026-10-21")
    closed = await office.post(f"{PERIODS}/2025/close")
    tried = await office.post(f"{PERIODS}/2025/reopen?validate_only=true", json={"due_date": given})
    refused = await office.post(f"{PERIODS}/2025/reopen", json={"due_date": given})
    assert fault(tried) == fault(refused) == ("/due_date", code)
    (listed,) = (await office.get(PERIODS)).json()["items"]
    assert listed | {"warnings": []} == closed.json()
    today = await office.post(f"{PERIODS}/2025/reopen", json={"due_date": "2026-10-21"})
    assert (today.status_code, today.json()["due_date"]) == (200, "2026-10-21")
    assert set((await statuses(office)).values()) == {"expected"}


async def test_a_reopening_gives_time_and_takes_none_away(door: Door, office: Client) -> None:
    await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-30"})
    await office.post(f"{PERIODS}/2025/close")
    refused = await office.post(f"{PERIODS}/2025/reopen", json={"due_date": "2026-10-20"})
    assert fault(refused) == ("/due_date", "due-date-earlier")
    assert "2026-10-30" in refused.json()["errors"][0]["detail"]
    same = await office.post(f"{PERIODS}/2025/reopen", json={"due_date": "2026-10-30"})
    assert (same.status_code, same.json()["due_date"]) == (200, "2026-10-30")
    at(door, "2026-11-02")
    await office.post(f"{PERIODS}/2025/close")
    as_before = await office.post(f"{PERIODS}/2025/reopen")
    assert (as_before.status_code, as_before.json()["due_date"]) == (200, "2026-10-30")
    assert set((await statuses(office)).values()) == {"missing"}


async def test_what_is_wrong_with_a_reopening_is_said_at_once(office: Client) -> None:
    await office.post(f"{PERIODS}/2025/open", json={"due_date": "2026-10-30"})
    await office.post(f"{PERIODS}/2025/publish")
    refused = await office.post(f"{PERIODS}/2025/reopen", json={"due_date": "2026-10-01"})
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/due_date", "due-date-passed"),
        ("/reason", "reason-required"),
    ]
