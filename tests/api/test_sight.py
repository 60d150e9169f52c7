"""Whose thing it is × who asks: own unit, another unit, another plan, another city."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from typing_extensions import override

from services.core.alerts.models import Alert
from services.core.extensions.models import Extension
from services.core.kit.ids import new_id
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from services.core.submissions.models import Submission
from tests.support.api import NEIGHBOUR, XINMI, Door, neighbour, open_door
from tests.support.duties import add
from tests.support.milestones import LEAD, SHARING, STRANGER

OTHER_CITY = "410184"
FAR = f"{OTHER_CITY}-2016"

PATHS: Mapping[str, str] = {
    "submission": "submissions",
    "obligation": "obligations",
    "milestone": "milestones",
    "extension": "extensions",
    "alert": "alerts",
}

PLACES: Mapping[str, Mapping[str, str]] = {
    # What a township has under an indicator and a measure that LEAD leads.
    "shared": {"organization_code": SHARING},
    "leads": {"organization_code": LEAD},
    "neighbour": {"organization_code": LEAD, "plan_code": NEIGHBOUR, "indicator_code": "I2"},
    "far": {"organization_code": LEAD, "city_code": OTHER_CITY, "plan_code": FAR,
            "indicator_code": "I2"},
}  # fmt: skip
HERE = {"shared", "leads"}
CITY = {*HERE, "neighbour"}
EVERY_SCOPE = ["plan:read", "submissions:read", "milestones:read", "alerts:read"]


@dataclass(frozen=True)
class Caller:
    """Who asks, and the places whose things are theirs to see; None: nothing at all."""

    role: str
    unit: str | None
    sees: set[str] | None
    more: Mapping[str, Any] = field(default_factory=dict)

    @override
    def __str__(self) -> str:
        return "-".join([self.role, self.unit or "all", *map(str, self.more.values())])


_SYSTEM = {"scopes": EVERY_SCOPE}
CALLERS = [
    Caller("reporter", LEAD, {"leads", "neighbour"}),
    Caller("reporter", LEAD, {"leads"}, {"plan": XINMI}),
    Caller("reporter", LEAD, {"neighbour"}, {"plan": NEIGHBOUR}),
    Caller("reporter", SHARING, {"shared"}),
    Caller("reporter", STRANGER, set()),
    Caller("lead", LEAD, CITY),
    Caller("lead", LEAD, HERE, {"plan": XINMI}),
    Caller("lead", SHARING, {"shared"}),
    Caller("lead", STRANGER, set()),
    Caller("office", None, CITY),
    Caller("office", LEAD, CITY),
    Caller("office", None, HERE, {"plan": XINMI}),
    Caller("office", None, {"neighbour"}, {"plan": NEIGHBOUR}),
    Caller("office", None, {"far"}, {"city_code": OTHER_CITY}),
    Caller("leader", None, CITY),
    Caller("leader", None, HERE, {"plan": XINMI}),
    Caller("leader", None, {"far"}, {"city_code": OTHER_CITY}),
    Caller("superior", None, set()),
    Caller("integrator", None, CITY, _SYSTEM),
    Caller("integrator", None, HERE, {**_SYSTEM, "plan": XINMI}),
    Caller("integrator", LEAD, CITY, _SYSTEM),
    Caller("integrator", SHARING, {"shared"}, _SYSTEM),
    Caller("integrator", STRANGER, set(), _SYSTEM),
    Caller("system_admin", None, None),
    Caller("security_admin", None, None),
    Caller("audit_admin", None, None),
]


def far() -> PlanDocument:
    """Return the neighbour's plan as a plan of another city."""
    read = neighbour().model_dump(mode="json")
    return read_document({**read, "code": FAR, "city": {"code": OTHER_CITY, "name": "新郑市"}})


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API with two plans in one city, and one in another."""
    async with open_door(module_database_url) as opened:
        await opened.load(neighbour())
        await opened.load(far())
        yield opened


_OPEN = """
INSERT INTO plan_period (city_code, plan_code, period, state, due_date, opened_at, version)
VALUES ($1, $2, '2025', 'open', '2026-01-31', now(), 1)
"""


@pytest.fixture(scope="module")
async def things(door: Door) -> Mapping[tuple[str, str], str]:
    """A thing of each kind in each place, by (kind, place)."""
    made, base = {}, door.held.database
    for plan in (XINMI, NEIGHBOUR, FAR):
        await base.pool.execute(_OPEN, plan.partition("-")[0], plan)
    for name, place in PLACES.items():
        reported = {"indicator_code": INDICATOR, **place}
        worked = {one: value for one, value in place.items() if one != "indicator_code"}
        milestone = await add(base, Milestone, measure_code="14.1", **worked)
        made["submission", name] = await add(base, Submission, **reported)
        made["obligation", name] = await add(base, Obligation, **reported)
        made["milestone", name] = milestone
        made["extension", name] = await add(base, Extension, subject_id=milestone, **worked)
        made["alert", name] = await add(
            base,
            Alert,
            alert_key=str(new_id()),
            subject_id=str(milestone),
            measure_code="14.1",
            **worked,
        )
    return {key: str(one) for key, one in made.items()}


INDICATOR = "U03"
"""Led by LEAD."""


async def found(client: httpx.AsyncClient, kind: str, plan: str) -> set[str] | int:
    """Return the ids that a list shows, or the status of its refusal."""
    answer = await client.get(f"/plans/{plan}/{PATHS[kind]}", params={"page_size": 500})
    if not answer.is_success:
        return answer.status_code
    return {one["id"] for one in answer.json()["items"]}


@pytest.mark.parametrize("caller", CALLERS, ids=str)
async def test_everybody_sees_what_is_theirs_and_nothing_else(
    door: Door, things: Mapping[tuple[str, str], str], caller: Caller
) -> None:
    secret = await door.new_key(caller.role, caller.unit, **caller.more)
    async with door.client(secret) as client:
        for (kind, place), thing in things.items():
            expected = 403 if caller.sees is None else 200 if place in caller.sees else 404
            for path in ("", "/history"):
                if kind != "extension" or path == "":
                    answer = await client.get(f"/{PATHS[kind]}/{thing}{path}")
                    assert answer.status_code == expected, (kind, place, path, answer.text)


_PLANS = {"shared": XINMI, "leads": XINMI, "neighbour": NEIGHBOUR, "far": FAR}


@pytest.mark.parametrize("caller", [one for one in CALLERS if one.sees is not None], ids=str)
async def test_a_list_shows_the_same_as_its_things_do(
    door: Door, things: Mapping[tuple[str, str], str], caller: Caller
) -> None:
    assert caller.sees is not None
    city = caller.more.get("city_code", "410183")
    secret = await door.new_key(caller.role, caller.unit, **caller.more)
    async with door.client(secret) as client:
        for kind in PATHS:
            for plan in (XINMI, NEIGHBOUR, FAR):
                seen = await found(client, kind, plan)
                if not plan.startswith(city) or caller.more.get("plan", plan) != plan:
                    assert seen == 404
                elif caller.role == "superior" and kind == "obligation":
                    assert seen == 403, "it reads the rates alone"
                else:
                    ours = {place for place in caller.sees if _PLANS[place] == plan}
                    assert isinstance(seen, set)
                    assert seen & set(things.values()) == {things[kind, one] for one in ours}


async def test_an_administrator_of_a_city_reaches_no_key_of_another(door: Door) -> None:
    ours, theirs = [
        await door.new_key("system_admin", city_code=city) for city in ("410183", OTHER_CITY)
    ]
    ids = {}
    for city, secret in (("410183", ours), (OTHER_CITY, theirs)):
        async with door.client(secret) as admin:
            listed = (await admin.get("/api-keys", params={"page_size": 500})).json()["items"]
            ids[city] = {one["id"] for one in listed}
            elsewhere = OTHER_CITY if city == "410183" else "410183"
            made = await admin.post(
                "/api-keys", json={"name": "k", "role": "leader", "city_code": elsewhere}
            )
        assert made.json()["errors"][0]["code"] == "city-not-found"
    assert ids["410183"].isdisjoint(ids[OTHER_CITY])
    async with door.client(theirs) as admin:
        for one in ids["410183"]:
            read, gone = await admin.get(f"/api-keys/{one}"), await admin.delete(f"/api-keys/{one}")
            assert (read.status_code, gone.status_code) == (404, 404)
