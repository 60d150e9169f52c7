"""More time to report a value: asked for by the unit, decided by another, in force at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.core.kit.clock import Clock
from tests.support.api import XINMI, Door, a_submission, open_door

NOW = datetime(2026, 1, 20, 1, tzinfo=UTC)
UNIT = "UN15"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a day of January, with the year 2025 opened."""
    async with open_door(database_url, offset=NOW - Clock.true_now()) as opened:
        async with await opened.as_("office") as office:
            answer = await office.post(f"/plans/{XINMI}/periods/2025/open")
            assert answer.status_code == 200, answer.text
        yield opened


async def _owed(client: httpx.AsyncClient, indicator: str = "U08") -> dict[str, Any]:
    query = {"indicator": indicator, "organization": UNIT}
    answer = await client.get(f"/plans/{XINMI}/obligations", params=query)
    (one,) = answer.json()["items"]
    return dict(one)


async def _ask(client: httpx.AsyncClient, owed: str, day: str = "2026-02-14") -> httpx.Response:
    body = {"proposed_date": day, "reason": "处置企业年报尚未出具"}
    return await client.post(f"/obligations/{owed}/extensions", json=body)


async def test_a_unit_asks_and_the_office_grants_a_part(door: Door) -> None:
    async with await door.as_("reporter", UNIT) as unit, await door.as_("office") as office:
        before = await _owed(unit)
        asked = await _ask(unit, before["id"])
        assert asked.status_code == 201, asked.text
        again = await _ask(unit, before["id"])
        waits = (await office.get("/me/todo")).json()["items"]
        granted = await office.post(
            asked.headers["Location"].removeprefix("/v1") + "/approve",
            json={"granted_date": "2026-02-10"},
        )
        after = await _owed(unit)
        history = (await unit.get(f"/obligations/{before['id']}/history")).json()["items"]
    assert (again.status_code, again.json()["code"]) == (409, "extension-waiting")
    assert ("decide", asked.json()["id"]) in [(one["kind"], one["subject"]["id"]) for one in waits]
    assert (granted.status_code, granted.json()["partly"]) == (200, True)
    assert (before["due_date"], after["due_date"]) == ("2026-01-31", "2026-02-10")
    assert (after["original_due_date"], after["epoch"], after["extensions"]) == (
        "2026-01-31",
        before["epoch"] + 1,
        1,
    )
    assert history[-1]["action"] == "extended"


async def test_more_time_is_limited_by_the_plan(door: Door) -> None:
    async with await door.as_("reporter", UNIT) as unit, await door.as_("office") as office:
        owed = await _owed(unit)
        for day in ("2026-02-10", "2026-02-20"):
            asked = await _ask(unit, owed["id"], day)
            await office.post(f"/extensions/{asked.json()['id']}/approve")
        third = await _ask(unit, owed["id"], "2026-03-01")
    assert (third.status_code, third.json()["code"]) == (409, "extension-limit-reached")


async def test_nobody_asks_for_another_nor_decides_for_itself(door: Door) -> None:
    async with (
        await door.as_("reporter", UNIT) as unit,
        await door.as_("lead", UNIT) as lead,
        await door.as_("reporter", "UN05") as other,
        await door.as_("office") as office,
    ):
        owed = await _owed(unit)
        assert (await _ask(other, owed["id"])).status_code == 404
        assert (await _ask(office, owed["id"])).status_code == 403
        asked = await _ask(unit, owed["id"])
        own = await lead.post(f"/extensions/{asked.json()['id']}/approve")
        backwards = await _ask(unit, owed["id"], "2026-01-31")
    assert own.status_code == 403
    assert [fault["pointer"] for fault in backwards.json()["errors"]] == ["/proposed_date"]


async def test_what_was_handed_in_needs_no_more_time(door: Door) -> None:
    async with await door.as_("reporter", UNIT) as unit, await door.as_("office") as office:
        owed = await _owed(unit)
        asked = await _ask(unit, owed["id"])
        made = await unit.post(f"/plans/{XINMI}/submissions", json=a_submission())
        assert made.status_code == 201, made.text
        granted = await office.post(f"/extensions/{asked.json()['id']}/approve")
        more = await _ask(unit, owed["id"], "2026-03-01")
    assert (granted.status_code, granted.json()["code"]) == (409, "obligation-not-extendable")
    assert more.status_code == 409
