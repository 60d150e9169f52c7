"""Who may do what to whose milestone: every caller against every verb, as HTTP statuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.api import Door
from tests.support.milestones import (
    BODIES,
    LEAD,
    PATH,
    SHARING,
    STRANGER,
    a_milestone,
    a_milestone_in,
)

UNITS = ("accept", "decline", "progress", "complete", "extensions")
JUDGES = ("close", "return", "reopen")
ASSIGNS = ("edit", "cancel")

STATE: Mapping[str, str] = {
    "accept": "assigned",
    "decline": "assigned",
    "progress": "accepted",
    "complete": "in_progress",
    "extensions": "accepted",
    "close": "completed",
    "return": "completed",
    "reopen": "closed",
    "edit": "accepted",
    "cancel": "accepted",
}
"""A state in which each verb is legal, so that only the right decides."""

SYSTEM = {"scopes": ["plan:read", "milestones:read", "milestones:write"]}
READER = {"scopes": ["plan:read", "milestones:read"]}


@dataclass(frozen=True)
class Expected:
    """The statuses on another unit's milestone (SHARING's) and on the lead's own (LEAD's).

    Each names, in this order, reading, the unit's verbs, judging and assigning.
    """

    of_sharing: tuple[int, int, int, int]
    of_lead: tuple[int, int, int, int]


HIDDEN = (404, 404, 404, 404)
CALLERS = [
    ("reporter", SHARING, {}, Expected((200, 200, 403, 403), HIDDEN)),
    ("reporter", LEAD, {}, Expected(HIDDEN, (200, 200, 403, 403))),
    ("reporter", STRANGER, {}, Expected(HIDDEN, HIDDEN)),
    ("lead", SHARING, {}, Expected((200, 200, 403, 403), HIDDEN)),
    ("lead", LEAD, {}, Expected((200, 403, 200, 200), (200, 200, 403, 403))),
    ("lead", STRANGER, {}, Expected(HIDDEN, HIDDEN)),
    ("office", None, {}, Expected((200, 403, 200, 200), (200, 403, 200, 200))),
    ("leader", None, {}, Expected((200, 403, 403, 403), (200, 403, 403, 403))),
    ("superior", None, {}, Expected((404, 403, 403, 403), (404, 403, 403, 403))),
    ("integrator", LEAD, SYSTEM, Expected((200, 403, 200, 200), (200, 200, 403, 403))),
    ("integrator", SHARING, SYSTEM, Expected((200, 200, 403, 403), HIDDEN)),
    ("integrator", None, SYSTEM, Expected((200, 200, 200, 200), (200, 200, 200, 200))),
    ("integrator", None, READER, Expected((200, 403, 403, 403), (200, 403, 403, 403))),
    ("system_admin", None, {}, Expected((403, 403, 403, 403), (403, 403, 403, 403))),
    ("security_admin", None, {}, Expected((403, 403, 403, 403), (403, 403, 403, 403))),
]


@pytest.fixture(scope="module")
async def made(door: Door) -> dict[tuple[str, str], str]:
    """A milestone of each unit for each verb; the tests only try, so all stay as they are."""
    return {
        (unit, verb): (await a_milestone_in(door, state, organization_code=unit)).json()["id"]
        for unit in (SHARING, LEAD)
        for verb, state in STATE.items()
    }


async def tried(client: httpx.AsyncClient, milestone_id: str, verb: str) -> int:
    """Return the status of a verb that is only tried; a creation counts as any success."""
    path, preview = f"/milestones/{milestone_id}", {"validate_only": "true"}
    if verb == "edit":
        answer = await client.patch(
            path, json={"title": "改名"}, headers={"If-Match": "*"}, params=preview
        )
    else:
        answer = await client.post(f"{path}/{verb}", json=BODIES[verb], params=preview)
    return 200 if answer.status_code == 201 else answer.status_code


@pytest.mark.parametrize(("role", "unit", "more", "expected"), CALLERS)
async def test_a_caller_may_do_what_is_its_own_to_do(
    door: Door,
    made: dict[tuple[str, str], str],
    role: str,
    unit: str | None,
    more: dict[str, Any],
    expected: Expected,
) -> None:
    secret = await door.new_key(role, unit, **more)
    async with door.client(secret) as client:
        for of, statuses in ((SHARING, expected.of_sharing), (LEAD, expected.of_lead)):
            read = await client.get(f"/milestones/{made[of, 'edit']}")
            history = await client.get(f"/milestones/{made[of, 'edit']}/history")
            assert (read.status_code, history.status_code) == (statuses[0], statuses[0])
            found = {verb: await tried(client, made[of, verb], verb) for verb in STATE}
            groups = ((UNITS, statuses[1]), (JUDGES, statuses[2]), (ASSIGNS, statuses[3]))
            assert found == {verb: status for verbs, status in groups for verb in verbs}
            if read.status_code == 200:
                await offers_what_it_allows(client, made, of, found)


async def offers_what_it_allows(
    client: httpx.AsyncClient,
    made: dict[tuple[str, str], str],
    of: str,
    found: Mapping[str, int],
) -> None:
    """See that `allowed_actions` tells what would have succeeded."""
    for verb, status in found.items():
        read = await client.get(f"/milestones/{made[of, verb]}")
        assert (verb in read.json()["allowed_actions"]) is (status == 200), verb


@pytest.mark.parametrize(
    ("role", "unit", "to", "status", "code"),
    [
        ("office", None, STRANGER, 201, None),
        ("lead", LEAD, LEAD, 201, None),
        ("lead", LEAD, SHARING, 201, None),
        ("lead", LEAD, STRANGER, 403, "not-your-measure"),
        ("lead", SHARING, SHARING, 403, "not-your-measure"),
        ("lead", STRANGER, LEAD, 403, "not-your-measure"),
        ("reporter", LEAD, LEAD, 403, "forbidden"),
        ("leader", None, LEAD, 403, "forbidden"),
        ("superior", None, LEAD, 403, "forbidden"),
        ("system_admin", None, LEAD, 403, "forbidden"),
    ],
)
async def test_who_assigns_to_whom(
    door: Door, role: str, unit: str | None, to: str, status: int, code: str | None
) -> None:
    async with await door.as_(role, unit) as client:
        answer = await client.post(PATH, json=a_milestone(organization_code=to))
        blind = await client.post(PATH, json={"title": 7})
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    # Whoever assigns nothing at all is told so, whatever the body.
    assert blind.status_code == (403 if code == "forbidden" else 422)


async def test_what_is_not_there_or_not_ones_own_is_told_before_the_body_is_judged(
    door: Door, made: dict[tuple[str, str], str]
) -> None:
    async with (
        await door.as_("reporter", STRANGER) as stranger,
        await door.as_("reporter", SHARING) as unit,
    ):
        hidden = await stranger.post(f"/milestones/{made[SHARING, 'close']}/close", json={})
        refused = await unit.post(f"/milestones/{made[SHARING, 'close']}/close", json={})
    assert (hidden.status_code, hidden.json()["code"]) == (404, "milestone-not-found")
    assert refused.status_code == 403


async def test_nobody_judges_what_their_own_unit_promised_and_is_told_why(
    door: Door, made: dict[tuple[str, str], str]
) -> None:
    async with await door.as_("lead", LEAD) as lead:
        own = await lead.post(f"/milestones/{made[LEAD, 'close']}/close", json={"grade": "good"})
    assert (own.status_code, own.json()["code"]) == (403, "own-milestone")


async def test_a_list_holds_what_the_caller_may_see(
    door: Door, made: dict[tuple[str, str], str]
) -> None:
    async def units(role: str, unit: str | None = None) -> set[str]:
        async with await door.as_(role, unit) as client:
            listed = (
                await client.get(PATH, params={"measure_code": "14.1", "page_size": 500})
            ).json()
        return {item["organization_code"] for item in listed["items"]}

    assert made
    assert await units("reporter", SHARING) == {SHARING}
    assert await units("lead", SHARING) == {SHARING}
    assert {LEAD, SHARING} <= await units("lead", LEAD)
    assert await units("lead", LEAD) == await units("office") == await units("leader")
    assert await units("lead", "UN05") == set()
    assert await units("superior") == set()


async def test_a_lead_hears_of_what_happens_under_its_measures(door: Door) -> None:
    promised = await a_milestone_in(door, "accepted", organization_code=SHARING)
    await door.react()

    async def heard(role: str, unit: str) -> int:
        async with await door.as_(role, unit) as client:
            query: dict[str, Any] = {"types": "milestone.accepted", "limit": 1000}
            items = (await client.get("/events", params=query)).json()["items"]
        return sum(item["subject"]["id"] == promised.json()["id"] for item in items)

    assert await heard("lead", LEAD) == 1
    assert await heard("reporter", SHARING) == 1
    assert await heard("reporter", LEAD) == 0
    assert await heard("lead", STRANGER) == 0
