"""The first administrator reaches every city: each call is about one of them, to the last row.

Every statement is compared with the city in force, and row-level security is on.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.api import Door, open_door
from tests.support.two_cities import OTHER, elsewhere

PLAN = "410184-2016"


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    async with open_door(module_database_url) as opened:
        yield opened


@pytest.fixture
async def first(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with door.client(door.admin_secret) as client:
        yield client


async def test_a_plan_of_another_city_is_loaded_and_read(
    door: Door, first: httpx.AsyncClient
) -> None:
    document = elsewhere().model_dump(mode="json", exclude_none=True)
    for status in (201, 201):
        loaded = await first.post("/plans", json=document, headers={"Idempotency-Key": "one"})
        assert loaded.status_code == status, loaded.text
    assert (await first.post("/plans", json=document)).status_code == 200
    listed = (await first.get("/plans")).json()["items"]
    assert {plan["code"] for plan in listed} == {PLAN, "410183-2025"}
    assert (await first.get(f"/plans/{PLAN}/indicators")).json()["items"]
    assert (await first.get(f"/plans/{PLAN}/submissions")).status_code == 403
    await door.react()


@pytest.mark.parametrize(
    "place",
    [
        {"city_code": OTHER, "role": "office"},
        {"plan": PLAN, "role": "office"},
        {"city_code": OTHER, "organization_code": "UN10", "role": "reporter"},
    ],
)
async def test_a_key_of_another_city_is_made_changed_and_ended(
    door: Door, first: httpx.AsyncClient, place: dict[str, str]
) -> None:
    body = {"name": "theirs", **place}
    made = await first.post("/api-keys", json=body, headers={"Idempotency-Key": f"{place}"})
    assert made.status_code == 201, made.text
    key, secret = made.json()["id"], made.json()["secret"]
    again = await first.post("/api-keys", json=body, headers={"Idempotency-Key": f"{place}"})
    assert again.json()["id"] == key
    async with door.client(secret) as theirs:
        assert (await theirs.get("/me")).json()["city_code"] == OTHER
        assert (await theirs.get(f"/plans/{PLAN}/indicators")).status_code == 200
        assert (await theirs.get("/plans/410183-2025/indicators")).status_code == 404
    shown = await first.get(f"/api-keys/{key}")
    renamed = await first.patch(
        f"/api-keys/{key}", json={"name": "ours"}, headers={"If-Match": shown.headers["etag"]}
    )
    assert renamed.status_code == 200, renamed.text
    assert (await first.post(f"/api-keys/{key}/rotate", json={})).status_code == 200
    assert key in {
        one["id"] for one in (await first.get("/api-keys?page_size=500")).json()["items"]
    }
    assert (await first.delete(f"/api-keys/{key}")).status_code in {200, 204}
    door.held.keys.forget()
    async with door.client(secret) as theirs:
        assert (await theirs.get("/me")).status_code == 401


async def test_a_partner_of_another_city_is_made_changed_and_ended(
    first: httpx.AsyncClient,
) -> None:
    made = await first.post(
        "/api-keys", json={"name": "theirs", "role": "integrator", "city_code": OTHER}
    )
    assert made.status_code == 201, made.text
    body = {
        "name": "their platform",
        "key_id": made.json()["id"],
        "profile": "wufei-hmac",
        "interfaces": ["list_indicators"],
    }
    partner = await first.post("/partners", json=body, headers={"Idempotency-Key": "partner"})
    assert partner.status_code == 201, partner.text
    place = f"/partners/{partner.json()['id']}"
    shown = await first.get(place)
    changed = await first.patch(
        place, json={"name": "renamed"}, headers={"If-Match": shown.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    assert (await first.post(f"{place}/rotate-secret", json={})).status_code == 200
    assert (await first.get(f"{place}/statistics")).status_code == 200
    assert len((await first.get("/partners")).json()["items"]) == 1
    assert (await first.delete(place)).status_code in {200, 204}


async def test_what_belongs_to_all_cities_is_listed_over_all(first: httpx.AsyncClient) -> None:
    units = (await first.get("/organizations?page_size=500")).json()["items"]
    assert {one["city_code"] for one in units} == {OTHER, "410183"}
    assert (await first.get(f"/calendars?city={OTHER}")).status_code == 200
    assert (await first.get("/me")).json()["city_code"] == "410183"
