"""A plan whose years begin in April, from its document to its board, alerts and deadlines."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import ROOT, Door, open_door
from tests.support.clock import at

CODE = "999998-2025"
PLAN = f"/plans/{CODE}"
YAML = {"Content-Type": "application/yaml"}
DOCUMENT = (ROOT / "plans/examples/fiscal-year.yaml").read_text("utf-8")
REGISTER = """
registers:
  - code: CELL
    name: 细胞
    columns:
      - {code: place, name: 单位, type: text, required: true}
      - {code: kind, name: 类别, type: choice, choices: [{code: school, name: 学校}]}
    key: [place]
    measures:
      - {code: named, name: 数, kind: count}
    quota:
      by: kind
      measure: named
      numbers:
        - {year: 2025, choice: school, wanted: 5}
        - {year: 2026, choice: school, wanted: 9}
"""
MONTHS = [
    *(f"2025-{number:02}" for number in range(4, 13)),
    *(f"2026-{number:02}" for number in range(1, 4)),
]


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on the last evening of the plan's year 2025, with the example's plan."""
    async with open_door(database_url) as opened:
        at(opened, "2026-03-31", "20:00:00")
        async with opened.client(opened.admin_secret) as admin:
            loaded = await admin.post("/plans", content=DOCUMENT, headers=YAML)
            assert loaded.status_code == 201, loaded.text
        yield opened


async def office(door: Door) -> httpx.AsyncClient:
    return door.client(await door.new_key("office", plan=CODE))


async def approved(door: Door, code: str, period: str, value: str) -> None:
    place = {"indicator_code": code, "organization_code": "environment", "period": period}
    async with await office(door) as reports, await office(door) as approves:
        sent = await reports.post(f"{PLAN}/submissions", json={**place, "value": value})
        assert sent.status_code == 201, sent.text
        done = await approves.post(f"/submissions/{sent.json()['id']}/approve")
        assert done.status_code == 200, done.text


async def row(door: Door, code: str, period: str) -> dict[str, Any]:
    async with await office(door) as client:
        board = await client.get(f"{PLAN}/scoreboard", params={"period": period})
    assert board.status_code == 200, board.text
    found: dict[str, Any] = next(one for one in board.json()["indicators"] if one["code"] == code)
    return found


async def test_a_year_is_judged_by_its_own_months_and_turns_at_its_own_midnight(
    door: Door,
) -> None:
    await approved(door, "A1", "2025-03", "9")
    for month in MONTHS:
        await approved(door, "A1", month, "1.1")
    await approved(door, "A2", "2025-Q4", "39")
    await door.react()
    await door.sweep()
    waste, share = await row(door, "A1", "2025"), await row(door, "A2", "2025")
    assert (waste["value"], waste["met"], waste["light"]) == ("13.2", None, "yellow")
    assert (share["value"], share["target"]["date"]) == ("39", "2026-03-31")
    assert (share["target_date_passed"], share["reason_code"]) == (False, "behind")

    at(door, "2026-04-01", "00:00:00")
    await door.sweep()
    waste, share = await row(door, "A1", "2025"), await row(door, "A2", "2025")
    assert (waste["met"], waste["light"]) == (False, "red")
    assert (share["met"], share["light"], share["target_date_passed"]) == (False, "red", True)
    assert (await row(door, "A1", "2025-Q4"))["value"] == "3.3"


async def test_a_period_says_which_days_it_covers_and_is_due_after_them(door: Door) -> None:
    await door.react()
    async with await office(door) as client:
        opened = await client.post(f"{PLAN}/periods/2025-Q4/open")
        plan = (await client.get(PLAN)).json()
        owed = (await client.get(f"{PLAN}/obligations")).json()["items"]
        signed = (await client.get(f"{PLAN}/milestones")).json()["items"]
    assert opened.status_code == 200, opened.text
    found = opened.json()
    assert (found["first_day"], found["last_day"]) == ("2026-01-01", "2026-03-31")
    assert found["due_date"] == "2026-04-15"
    assert plan["fiscal_year_begins"] == "04-01"
    assert [one["due_date"] for one in owed] == ["2026-04-15"]
    assert [one["due_date"] for one in signed] == ["2026-03-31"]


async def test_the_board_that_nobody_names_is_of_the_last_target_year(door: Door) -> None:
    async with await office(door) as client:
        board = (await client.get(f"{PLAN}/scoreboard")).json()
    assert board["period"] == "2026"


async def test_next_years_quarter_cannot_be_reported_while_this_year_runs(door: Door) -> None:
    place = {"indicator_code": "A2", "organization_code": "environment", "value": "40"}
    async with await office(door) as client:
        preview = {"validate_only": "true"}
        path = f"{PLAN}/submissions"
        next_one = await client.post(path, params=preview, json={**place, "period": "2026-Q1"})
        beyond = await client.post(path, params=preview, json={**place, "period": "2026-Q2"})
    assert next_one.status_code == 201, next_one.text
    assert beyond.json()["errors"][0]["code"] == "period-not-begun"


async def test_a_quota_is_of_the_plans_year_that_a_month_lies_in(door: Door) -> None:
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post("/plans", content=DOCUMENT + REGISTER, headers=YAML)
    assert (loaded.status_code, loaded.json()["outcome"]) == (200, "new_version"), loaded.text
    async with await office(door) as client:
        for period, year, wanted in (
            ("2025-03", 2024, None),
            ("2025-04", 2025, 5),
            ("2026-02", 2025, 5),
            ("2026-04", 2026, 9),
        ):
            asked = {"period": period}
            quotas = await client.get(f"{PLAN}/registers/CELL/quotas", params=asked)
            (line, *_) = quotas.json()["items"]
            assert (quotas.json()["year"], line["wanted"]) == (year, wanted), period
            measures = await client.get(f"{PLAN}/registers/CELL/measures", params=asked)
            (figure,) = measures.json()["items"]
            assert figure["wanted"] == wanted, period


async def test_the_years_of_a_plan_stay_as_they_were(door: Door) -> None:
    other = DOCUMENT.replace("fiscal_year_begins: 04-01", "fiscal_year_begins: 07-01")
    async with door.client(door.admin_secret) as admin:
        refused = await admin.post("/plans", content=other, headers=YAML)
        again = await admin.post("/plans", content=DOCUMENT, headers=YAML)
        renamed = await admin.post(
            "/plans", content=DOCUMENT.replace("按量收费", "按重量收费"), headers=YAML
        )
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/fiscal_year_begins", "years-fixed")
    assert "04-01" in fault["detail"]
    assert again.json()["outcome"] == "unchanged"
    assert (renamed.status_code, renamed.json()["outcome"]) == (200, "new_version")


@pytest.mark.parametrize("begins", ["04-02", "13-01", "4-1", "02-31", ""])
async def test_a_year_begins_on_the_first_day_of_a_month(door: Door, begins: str) -> None:
    other = DOCUMENT.replace("fiscal_year_begins: 04-01", f"fiscal_year_begins: '{begins}'")
    async with door.client(door.admin_secret) as admin:
        refused = await admin.post("/plans", content=other, headers=YAML)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/fiscal_year_begins"
