"""Nobody gives, sees or ends more than they have: keys, receivers, calendars, plans."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.core.identity.actor import operator
from services.core.identity.rules import GRANTABLE_SCOPES
from services.core.kit.ids import new_id
from services.core.plan.document import PlanDocument
from services.core.webhooks.queries import endpoints
from tests.support.api import NEIGHBOUR, XINMI, Door, neighbour, open_door, xinmi

HOOKS = "/webhook-endpoints"
UNKNOWN = str(new_id())
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=365)).isoformat()  # noqa: TID251


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API with two plans in one city."""
    async with open_door(module_database_url) as opened:
        await opened.load(neighbour())
        yield opened


async def made(client: httpx.AsyncClient, **body: object) -> httpx.Response:
    return await client.post("/api-keys", json={"name": "k", "role": "leader", **body})


async def listed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/api-keys", params={"page_size": 500})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def codes(answer: httpx.Response) -> set[tuple[str, str]]:
    return {(one["pointer"], one["code"]) for one in answer.json()["errors"]}


async def test_an_administrator_of_one_plan_makes_keys_of_that_plan_alone(door: Door) -> None:
    async with door.client(await door.new_key("system_admin", plan=XINMI)) as admin:
        own = await made(admin, role="office", plan=XINMI)
        of_city = await made(admin, role="office")
        administrator = await made(admin, role="system_admin")
        other = await made(admin, role="office", plan=NEIGHBOUR)
        city = await made(admin, plan=XINMI, city_code="410184")
    assert (own.status_code, own.json()["plan"]) == (201, XINMI)
    for answer in (of_city, administrator):
        assert codes(answer) == {("/plan", "plan-beyond-scope")}
    assert codes(other) == {("/plan", "plan-not-found")}
    assert (city.status_code, city.json()["plan"]) == (201, XINMI), "the plan is of one city"


async def test_an_administrator_of_one_organization_makes_keys_of_that_alone(door: Door) -> None:
    async with door.client(await door.new_key("system_admin", "UN15")) as admin:
        own = await made(admin, role="reporter", organization_code="UN15")
        answers = [
            await made(admin, role="reporter", organization_code="UN10"),
            await made(admin, role="office"),
        ]
        loaded = await admin.post("/plans", json=neighbour().model_dump(mode="json"))
        calendar = await admin.put("/calendars/CN?year=2029", json={"source": "s", "days": []})
    assert own.status_code == 201
    for answer in answers:
        assert codes(answer) == {("/organization_code", "organization-beyond-scope")}
    assert (loaded.status_code, calendar.status_code) == (403, 403)


async def test_an_administrator_sees_and_ends_no_key_that_reaches_further(door: Door) -> None:
    first = next(one for one in await _all(door) if one["name"] == "first administrator")
    async with door.client(door.admin_secret) as top:
        of_city = (await made(top, role="system_admin")).json()
        of_plan = (await made(top, role="system_admin", plan=XINMI)).json()
        of_other = (await made(top, role="leader", plan=NEIGHBOUR)).json()
        of_unit = (await made(top, role="reporter", organization_code="UN15")).json()
    everything = {first["id"], of_city["id"], of_plan["id"], of_other["id"], of_unit["id"]}
    within: Mapping[str, set[str]] = {
        of_plan["secret"]: {of_plan["id"]},
        of_city["secret"]: everything - {first["id"]},
        door.admin_secret: everything,
    }
    for secret, seen in within.items():
        async with door.client(secret) as admin:
            assert {one["id"] for one in await listed(admin)} & everything == seen
            for one in everything:
                read = await admin.get(f"/api-keys/{one}")
                assert read.status_code == (200 if one in seen else 404)
            for one in everything - seen:
                gone = await admin.delete(f"/api-keys/{one}")
                assert (gone.status_code, gone.json()["code"]) == (404, "key-not-found")
    async with door.client(of_city["secret"]) as admin:
        assert (await admin.delete(f"/api-keys/{of_plan['id']}")).status_code == 204
    async with door.client(door.admin_secret) as top:
        assert (await top.get("/me")).status_code == 200, "the last that can make keys"


async def _all(door: Door) -> list[dict[str, Any]]:
    async with door.client(door.admin_secret) as top:
        return await listed(top)


async def test_who_makes_keys_gives_and_ends_no_more_than_it_may_itself(door: Door) -> None:
    soon = (datetime.now(UTC) + timedelta(days=30)).isoformat()  # noqa: TID251
    narrow = await door.new_key("system_admin", scopes=["keys:write"], expires_at=soon)
    async with door.client(door.admin_secret) as top:
        wide = (await made(top, role="system_admin", plan=XINMI)).json()
    async with door.client(narrow) as admin:
        more = await made(admin, role="system_admin", expires_at=soon)
        longer = await made(admin, role="system_admin", scopes=["keys:write"])
        later = await made(admin, role="system_admin", scopes=["keys:write"], expires_at=NEXT_YEAR)
        same = await made(admin, role="system_admin", scopes=["keys:write"], expires_at=soon)
        office = await made(admin, role="office")
        refused = await admin.delete(f"/api-keys/{wide['id']}")
    assert codes(more) == {("/scopes", "scope-beyond-own")}
    assert codes(longer) == codes(later) == {("/expires_at", "expiry-beyond-own")}
    assert (same.status_code, office.status_code) == (201, 201), "it makes keys of every role"
    assert (refused.status_code, refused.json()["code"]) == (403, "key-beyond-own")


@pytest.mark.parametrize("role", ["office", "system_admin"])
async def test_a_key_of_one_plan_announces_no_calendar_of_the_city(door: Door, role: str) -> None:
    year = {"source": "示例：关于2030年部分节假日安排的通知", "days": []}
    async with door.client(await door.new_key(role, plan=XINMI)) as of_plan:
        refused = await of_plan.put("/calendars/CN?year=2030", json=year)
        beside = await of_plan.put("/calendars/XM?year=2030", json=year)
        tried = await of_plan.put("/calendars/CN?year=2030&validate_only=true", json=year)
    async with await door.as_(role) as of_city:
        announced = await of_city.put("/calendars/CN?year=2030&validate_only=true", json=year)
    for answer in (refused, beside, tried):
        assert (answer.status_code, answer.json()["code"]) == (403, "calendar-of-whole-city")
    assert announced.status_code == 200


def changed(document: PlanDocument, **members: object) -> dict[str, Any]:
    return {**document.model_dump(mode="json"), **members}


async def test_a_key_of_one_plan_changes_nothing_but_its_plan(door: Door) -> None:
    plan = neighbour()
    units = plan.model_dump(mode="json")["organizations"]
    aliased = [{**units[0], "aliases": ["别名"]}, *units[1:]]
    named = [{**units[0], "name": "改名局"}, *units[1:]]
    of_its_own = {"code": "UN99", "name": "新单位", "kind": "government_department"}
    read = "SELECT defined_by, name, aliases FROM organization WHERE code = $1"
    pool = door.held.database.pool
    before = await pool.fetchrow(read, units[0]["code"])
    async with door.client(await door.new_key("office", plan=NEIGHBOUR)) as of_plan:
        other = await of_plan.post("/plans", json=changed(xinmi(), title="改"))
        organizations = await of_plan.post("/plans", json=changed(plan, organizations=aliased))
        renamed = await of_plan.post("/plans", json=changed(plan, organizations=named))
        city = await of_plan.post(
            "/plans", json=changed(plan, city={"code": "410183", "name": "改"})
        )
        own = await of_plan.post(
            "/plans", json=changed(plan, title="新题", organizations=[*units, of_its_own])
        )
    assert other.status_code == 403
    for answer in (organizations, renamed):
        assert codes(answer) == {("/organizations/0/name", "organization-defined-by-another-plan")}
    assert codes(city) == {("/city/name", "city-of-other-plans")}
    assert (own.status_code, own.json()["outcome"]) == (200, "new_version")
    assert before["defined_by"] == XINMI, "another plan that names it does not take it over"
    assert await pool.fetchrow(read, units[0]["code"]) == before
    assert (await pool.fetchrow(read, "UN99"))["defined_by"] == NEIGHBOUR


async def a_calendar(client: httpx.AsyncClient, plan: str, scope: str = "plan") -> httpx.Response:
    return await client.post(f"/plans/{plan}/calendar-tokens", json={"name": "n", "scope": scope})


async def test_the_office_of_one_plan_ends_no_calendar_of_another(door: Door) -> None:
    async with await door.as_("office") as of_city:
        theirs = (await a_calendar(of_city, NEIGHBOUR)).json()
        ours = (await a_calendar(of_city, XINMI)).json()
    async with door.client(await door.new_key("office", plan=XINMI)) as of_plan:
        hidden = await of_plan.delete(f"/calendar-tokens/{theirs['id']}")
        ended = await of_plan.delete(f"/calendar-tokens/{ours['id']}")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "calendar-token-not-found")
    assert ended.status_code == 204


@pytest.mark.parametrize("missing", ["plan:read", "submissions:read", "milestones:read"])
async def test_who_makes_a_calendar_may_read_all_that_it_shows(door: Door, missing: str) -> None:
    shown = {"plan:read", "submissions:read", "milestones:read"}
    secret = await door.new_key("integrator", "UN15", scopes=sorted(shown - {missing}))
    async with door.client(secret) as system:
        refused = await a_calendar(system, XINMI, "unit")
    assert refused.status_code == 403
    async with door.client(await door.new_key("integrator", "UN15", scopes=sorted(shown))) as able:
        path = (await a_calendar(able, XINMI, "unit")).json()["path"]
    await door.held.database.pool.execute(
        "UPDATE api_key SET scopes = array_remove(scopes, $1) WHERE id = ("
        "SELECT credential_id FROM calendar_token ORDER BY id DESC LIMIT 1)",
        missing,
    )
    async with door.client(None) as program:
        gone = await program.get(f"http://wufei.test{path}")
    assert gone.status_code == 401, "made before its maker could read less"


async def test_who_may_not_read_events_manages_no_receiver_of_them(door: Door) -> None:
    both = ["webhooks:write", "events:read"]
    async with door.client(await door.new_key("integrator", "UN15", scopes=both)) as colleague:
        endpoint = (await colleague.post(HOOKS, json={"url": "https://example.org/"})).json()
    path, current = f"{HOOKS}/{endpoint['id']}", {"If-Match": "*"}
    patch = {"url": "https://example.com/"}
    since = {"since": datetime.now(UTC).isoformat()}  # noqa: TID251
    deaf: Mapping[str, dict[str, Any]] = {
        "system": {"role": "integrator", "unit": "UN15", "scopes": ["webhooks:write"]},
        "office": {"role": "office", "scopes": ["plan:read", "webhooks:write"]},
    }
    for key in deaf.values():
        async with door.client(await door.new_key(**key)) as client:
            answers = [
                await client.get(HOOKS),
                await client.get(path),
                await client.post(HOOKS, json={"url": "https://example.org/"}),
                await client.patch(path, json=patch, headers=current),
                await client.get(f"{path}/deliveries"),
                await client.get(f"/webhook-deliveries/{UNKNOWN}"),
                await client.post(f"/webhook-deliveries/{UNKNOWN}/retry"),
                await client.post(f"{path}/rotate-secret"),
                await client.post(f"{path}/test"),
                await client.post(f"{path}/replay", json=since),
                await client.post(f"{path}/disable"),
                await client.post(f"{path}/enable"),
                await client.delete(path),
            ]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "forbidden")}


async def test_the_query_itself_shows_no_receiver_to_who_may_not_read_events(door: Door) -> None:
    async with await door.as_("office") as office:
        await office.post(HOOKS, json={"url": "https://example.org/"})
    hears = replace(operator("410183"), role="office", scopes=GRANTABLE_SCOPES["office"])
    deaf = replace(hears, scopes=hears.scopes - {"events:read"})
    async with door.held.database.sessions() as session:
        seen = [
            await endpoints(session, one, state=None, after=None, limit=9) for one in (hears, deaf)
        ]
    assert seen[0]
    assert seen[1] == []


async def test_the_office_of_one_plan_manages_no_receiver_that_hears_more(door: Door) -> None:
    body = {"url": "https://example.org/"}
    offices: dict[str, str] = {
        "city": await door.new_key("office"),
        XINMI: await door.new_key("office", plan=XINMI),
        NEIGHBOUR: await door.new_key("office", plan=NEIGHBOUR),
    }
    endpoints: dict[str, UUID] = {}
    for name, secret in offices.items():
        async with door.client(secret) as office:
            endpoints[name] = (await office.post(HOOKS, json=body)).json()["id"]
    for name, secret in offices.items():
        async with door.client(secret) as office:
            for other, endpoint in endpoints.items():
                within = name in {other, "city"}
                read = await office.get(f"{HOOKS}/{endpoint}")
                rotated = await office.post(f"{HOOKS}/{endpoint}/rotate-secret")
                expected = 200 if within else 404
                assert (read.status_code, rotated.status_code) == (expected, expected)
