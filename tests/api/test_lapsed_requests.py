"""More time for a value: none up to a day gone by, and no request waits that nothing is left of."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support import plans
from tests.support.api import Door, open_door
from tests.support.clock import at

Client = httpx.AsyncClient
PLAN = f"/plans/{plans.TRIAL}"
PERIOD = f"{PLAN}/periods/2025"
DUE = "2026-10-30"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a day of October 2026, with three values owed by a unit until its end."""
    async with open_door(database_url) as opened:
        at(opened, "2026-10-12")
        indicators = [plans.an_indicator(f"A{number}") for number in range(3)]
        await plans.load(opened, plans.a_plan(*indicators))
        async with await opened.as_("office") as office:
            assert (await office.post(f"{PERIOD}/open", json={"due_date": DUE})).status_code == 200
        yield opened


@pytest.fixture
async def office(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("office") as client:
        yield client


@pytest.fixture
async def unit(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("reporter", "UN15") as client:
        yield client


async def ask(unit: Client, indicator: str, until: str) -> httpx.Response:
    owed = (await unit.get(f"{PLAN}/obligations", params={"indicator": indicator})).json()["items"]
    body = {"proposed_date": until, "reason": "年度核算未完成"}
    return await unit.post(f"/obligations/{owed[0]['id']}/extensions", json=body)


async def waiting(client: Client) -> list[dict[str, Any]]:
    listed = await client.get(f"{PLAN}/extensions", params={"state": "requested"})
    found: list[dict[str, Any]] = listed.json()["items"]
    return found


async def to_decide(office: Client) -> int:
    listed = (await office.get("/me/todo", params={"plan": plans.TRIAL})).json()["items"]
    return sum(one["kind"] == "decide" for one in listed)


async def hand_in(unit: Client, indicator: str, **more: Any) -> dict[str, Any]:
    body = {
        "indicator_code": indicator,
        "organization_code": "UN15",
        "period": "2025",
        "value": "95",
        **more,
    }
    made = await unit.post(f"{PLAN}/submissions", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_a_request_for_a_value_that_was_handed_in_lapses(
    door: Door, office: Client, unit: Client
) -> None:
    done, left = [(await ask(unit, code, "2026-11-30")).json() for code in ("A0", "A1")]
    draft = await hand_in(unit, "A0", draft=True)
    await door.react()
    assert {one["id"] for one in await waiting(office)} == {done["id"], left["id"]}
    await unit.post(f"/submissions/{draft['id']}/submit")
    await door.react()
    assert [one["id"] for one in await waiting(office)] == [left["id"]]
    assert await to_decide(office) == 1
    lapsed = (await office.get(f"/extensions/{done['id']}")).json()
    assert (lapsed["state"], lapsed["allowed_actions"]) == ("withdrawn", [])
    assert (lapsed["decided_by"]["kind"], lapsed["decided_by"]["name"]) == ("system", "obligations")
    assert "已上报" in lapsed["decision_reason"]
    told = await door.held.database.pool.fetch(
        "SELECT data::jsonb->>'state' AS state, data::jsonb->>'indicator_code' AS code FROM event"
        " WHERE type = 'extension.decided' AND subject_id = $1",
        done["id"],
    )
    assert [(one["state"], one["code"]) for one in told] == [("withdrawn", "A0")]
    late = await office.post(f"/extensions/{done['id']}/approve", json={})
    assert (late.status_code, late.json()["code"]) == (409, "transition-refused")
    await door.react()
    assert (await office.get(f"/extensions/{done['id']}")).json() == lapsed


@pytest.mark.parametrize("verb", ["cancel", "close", "publish"])
async def test_requests_for_a_period_that_takes_no_values_lapse(
    door: Door, office: Client, unit: Client, verb: str
) -> None:
    for code in ("A0", "A1"):
        await ask(unit, code, "2026-11-30")
    await door.react()
    assert len(await waiting(office)) == 2
    assert (await office.post(f"{PERIOD}/{verb}")).status_code == 200
    await door.react()
    assert (await waiting(office), await to_decide(office)) == ([], 0)


async def test_no_time_is_asked_for_or_granted_up_to_a_day_gone_by(
    door: Door, office: Client, unit: Client
) -> None:
    early = (await ask(unit, "A0", "2026-11-05")).json()
    long_ahead = (await ask(unit, "A1", "2026-11-30")).json()
    at(door, "2026-11-10")
    refused = await ask(unit, "A2", "2026-11-09")
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/proposed_date", "date-passed")
    ]
    assert (await ask(unit, "A2", "2026-11-10")).status_code == 201
    gone = await office.post(f"/extensions/{early['id']}/approve", json={})
    assert (gone.status_code, gone.json()["code"]) == (409, "extension-not-possible")
    path = f"/extensions/{long_ahead['id']}/approve"
    part = await office.post(path, json={"granted_date": "2026-11-09"})
    assert [(one["pointer"], one["code"]) for one in part.json()["errors"]] == [
        ("/granted_date", "date-passed")
    ]
    granted = await office.post(path, json={"granted_date": "2026-11-10"})
    assert (granted.status_code, granted.json()["granted_date"]) == (200, "2026-11-10")
