"""A PATCH changes what it names: with what the contract states of it, and nothing else, nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from tests.support.api import XINMI, Door, a_submission
from tests.support.assessments import an_assessment
from tests.support.connectors import a_connector
from tests.support.contract import CONTRACT, resolved
from tests.support.gateways import a_partner
from tests.support.milestones import a_milestone_in
from tests.support.observed import load_sources
from tests.support.people import a_provider
from tests.support.registers import a_register_row

PATCHES = {
    methods["patch"]["operationId"]: (path, methods["patch"])
    for path, methods in CONTRACT["paths"].items()
    if "patch" in methods
}


async def a_draft(door: Door) -> Mapping[str, Any]:
    path = f"/plans/{XINMI}/submissions"
    async with await door.as_("office") as office:
        found = (await office.get(f"{path}?period=2024&state=draft")).json()["items"]
        if found:
            return dict(found[0])
        body = a_submission(period="2024", draft=True, data_status="provisional", note="初步")
        return dict((await office.post(path, json=body)).json())


async def an_endpoint(door: Door) -> Mapping[str, Any]:
    async with await door.as_("office") as office:
        made = await office.post(
            "/webhook-endpoints",
            json={
                "url": "https://example.org/hook",
                "event_types": ["plan.published"],
                "headers": {"X-Unit": "un10"},
                "description": "before",
            },
        )
    return dict(made.json())


async def a_milestone(door: Door) -> Mapping[str, Any]:
    return dict((await a_milestone_in(door, "accepted")).json())


async def a_key(door: Door) -> Mapping[str, Any]:
    async with door.client(door.admin_secret) as admin:
        made = await admin.post("/api-keys", json={"name": "before", "role": "leader"})
    return dict(made.json())


async def a_platform(door: Door) -> Mapping[str, Any]:
    return {"id": (await a_partner(door)).id}


async def a_report(door: Door) -> Mapping[str, Any]:
    return {"id": await a_connector(door)}


async def a_user(door: Door) -> Mapping[str, Any]:
    async with await door.as_("security_admin") as admin:
        made = await admin.post("/users", json={"username": "before", "name": "before"})
    return dict(made.json())


async def a_town(door: Door) -> Mapping[str, Any]:
    await load_sources(door)
    return {"id": await an_assessment(door)}


async def a_factory(door: Door) -> Mapping[str, Any]:
    return {"id": await a_register_row(door, "confirmed")}


async def an_app(door: Door) -> Mapping[str, Any]:
    return {"id": await a_provider(door)}


THINGS: Mapping[str, Callable[[Door], Awaitable[Mapping[str, Any]]]] = {
    "edit_submission": a_draft,
    "edit_milestone": a_milestone,
    "edit_webhook_endpoint": an_endpoint,
    "edit_api_key": a_key,
    "edit_partner": a_platform,
    "edit_connector": a_report,
    "edit_user": a_user,
    "edit_register_row": a_factory,
    "edit_assessment": a_town,
    "edit_sign_in_provider": an_app,
}
"""What each PATCH is tried on; a new one is to be added here."""


def asked(operation: Mapping[str, Any]) -> dict[str, Any]:
    return resolved(operation["requestBody"]["content"]["application/json"]["schema"])


def stated(operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a client sends that fills in every default which the contract states."""
    members = {name: resolved(one) for name, one in asked(operation)["properties"].items()}
    return {name: one["default"] for name, one in members.items() if "default" in one}


async def written(door: Door) -> list[int]:
    """Return how much was ever written of what a change writes."""
    histories = (
        "submission_history",
        "milestone_history",
        "register_row_history",
        "assessment_history",
    )
    tables = (*histories, "event", "audit_entry")
    pool = door.held.database.pool
    return [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.parametrize("name", PATCHES)
async def test_a_change_of_nothing_writes_nothing(door: Door, name: str) -> None:
    path, operation = PATCHES[name]
    thing = await THINGS[name](door)
    address = path.removeprefix("/v1").replace("{" + path.split("{")[1], thing["id"])
    before = await written(door)
    keys = address.startswith(("/api-keys", "/partners", "/connectors"))
    of_people = address.startswith(("/users", "/sign-in-providers"))
    role = "security_admin" if of_people else "office"
    client = door.client(door.admin_secret) if keys else await door.as_(role)
    async with client:
        was = await client.get(address)
        answer = await client.patch(address, json=stated(operation), headers={"If-Match": "*"})
    assert stated(operation) == {}
    assert (answer.status_code, answer.json()) == (200, was.json())
    assert answer.headers["ETag"] == was.headers["ETag"]
    assert await written(door) == before


def test_what_a_change_may_name_has_no_default_and_neither_has_a_refusal() -> None:
    schemas = CONTRACT["components"]["schemas"]
    for schema in [*(asked(one) for _, one in PATCHES.values()), schemas["ProblemOut"]]:
        with_default = [name for name, one in schema["properties"].items() if "default" in one]
        assert with_default == []
        assert schema.get("required", []) == [] or schema is schemas["ProblemOut"]


async def test_a_changed_note_leaves_a_provisional_value_provisional(door: Door) -> None:
    thing = await a_draft(door)
    async with await door.as_("office") as office:
        answer = await office.patch(
            f"/submissions/{thing['id']}", json={"note": "复核后"}, headers={"If-Match": "*"}
        )
    assert (answer.json()["note"], answer.json()["data_status"]) == ("复核后", "provisional")


async def test_a_changed_description_leaves_an_endpoints_filter_and_headers(door: Door) -> None:
    thing = await an_endpoint(door)
    async with await door.as_("office") as office:
        answer = await office.patch(
            f"/webhook-endpoints/{thing['id']}",
            json={"description": "after"},
            headers={"If-Match": "*"},
        )
    kept = ("url", "event_types", "headers", "rate_per_minute", "plan", "organization_code")
    assert answer.json()["description"] == "after"
    assert [answer.json()[name] for name in kept] == [thing[name] for name in kept]


async def test_the_same_value_again_is_no_new_version(door: Door) -> None:
    thing = await a_draft(door)
    before = await written(door)
    async with await door.as_("office") as office:
        answer = await office.patch(
            f"/submissions/{thing['id']}",
            json={"value": "40.650", "source": None},
            headers={"If-Match": "*"},
        )
    assert (answer.status_code, answer.json()["updated_at"]) == (200, thing["updated_at"])
    assert await written(door) == before
