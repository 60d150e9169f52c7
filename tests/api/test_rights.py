"""Every path × role × scope, as the contract tells them: who is refused, and who is let in."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.core.identity.rules import GRANTABLE_SCOPES, ROLES, Permission, Role
from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door
from tests.support.contract import CONTRACT

_TOLD = re.compile(r"Roles: (?P<roles>.*)\. Scope: `(?P<scope>.*)`\.")


@dataclass(frozen=True)
class Operation:
    """One path of the contract, with the roles and the scope that it tells."""

    name: str
    method: str
    path: str
    roles: frozenset[str]
    scope: str | None

    async def tried(self, client: httpx.AsyncClient) -> httpx.Response:
        """Return the answer to it about things of which none is there, changing nothing."""
        where = _NAMED.sub(_unknown, self.path)
        more: dict[str, Any] = {} if self.method in {"get", "delete"} else {"json": {}}
        return await client.request(
            self.method, where.removeprefix("/v1"), params=_ASKED.get(self.name), **more
        )


_NAMED = re.compile(r"\{(\w+)\}")
_UNKNOWN = str(new_id())
_THINGS = {
    "plan": XINMI, "period": "2025", "code": "U08", "number": "14", "year": "2025",
    "name": "x", "question_id": "T99", "register": "GREEN-FACTORY",
    "sheet": "TOWN",
}  # fmt: skip
_ASKED: Mapping[str, Mapping[str, str]] = {"announce_calendar_year": {"year": "2031"}}


def _unknown(named: re.Match[str]) -> str:
    return _THINGS.get(named[1], _UNKNOWN)


def _operations() -> list[Operation]:
    found = []
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            if "bearer" not in json.dumps(operation.get("security", [])):
                continue
            told = _TOLD.search(operation["description"])
            roles = frozenset(re.findall("`(.*?)`", told["roles"])) if told else frozenset(ROLES)
            scope = told["scope"] if told else None
            found.append(Operation(operation["operationId"], method, path, roles, scope))
    return found


OPERATIONS = _operations()

NARROWER: Mapping[str, set[Role]] = {
    # A permission opens the door; these look at the role once more.
    "list_obligations": {"superior"},
    "list_reminders": {"superior"},
    "create_milestone": {"reporter"},
    # Whoever is signed in has a session; of keys the security administrator's sees all.
    "sign_out": {*ROLES},
    "list_sessions": {*ROLES} - {"security_admin"},
    "end_session": {*ROLES} - {"security_admin"},
}
"""Who is refused beyond what the contract's line of roles tells, by the operation's own words."""

ALSO: Mapping[str, set[str]] = {"list_commendations": {"milestones:read"}} | {
    name: {"events:read"}
    for name in (
        "create_webhook_endpoint", "list_webhook_endpoints", "get_webhook_endpoint",
        "edit_webhook_endpoint", "delete_webhook_endpoint", "rotate_webhook_secret",
        "enable_webhook_endpoint", "disable_webhook_endpoint", "send_webhook_test",
        "replay_webhook_events", "list_webhook_deliveries", "get_webhook_delivery",
        "retry_webhook_delivery",
    )
}  # fmt: skip
"""What is needed beside the scope told."""


WITHIN = {
    Permission.REPORT_FOR_ANY_UNIT,
    Permission.REPORT_ON_BEHALF,
    Permission.REVIEW_ANY_SUBMISSION,
    Permission.FALSIFY_SUBMISSIONS,
    Permission.ASSIGN_MILESTONES,
    Permission.RUN_MILESTONES,
    Permission.SIGN_FOR_ANY_UNIT,
    Permission.ANSWER_ANY_ALERT,
    Permission.SNOOZE_TOP_ALERTS,
    Permission.DECIDE_WHAT_UNIT_LEADS,
    Permission.DECIDE_WHAT_NOBODY_LEADS,
    Permission.REVOKE_ANY_CALENDAR,
    Permission.MANAGE_EVERY_WEBHOOK,
    Permission.HEAR_OF_EVERY_WEBHOOK,
}
"""What opens no operation: within one they say what beyond the caller's own is theirs to do."""


def test_the_contract_tells_of_every_permission_that_opens_an_operation() -> None:
    told = {(one.scope, one.roles) for one in OPERATIONS if one.scope is not None}
    opening = set(Permission) - WITHIN
    assert {(one.scope, frozenset(one.roles)) for one in opening} == told
    assert len(OPERATIONS) > 70


@pytest.fixture(scope="module")
async def clients(door: Door) -> AsyncIterator[Mapping[Role, httpx.AsyncClient]]:
    """A caller of each role, with every scope that the role may carry."""
    made: dict[Role, httpx.AsyncClient] = {}
    for role in ROLES:
        unit = "UN15" if role in {"reporter", "lead"} else None
        scopes = sorted(GRANTABLE_SCOPES[role])
        made[role] = door.client(await door.new_key(role, unit, scopes=scopes))
    yield made
    for client in made.values():
        await client.aclose()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
async def test_a_role_that_is_not_told_is_refused_and_one_that_is_told_is_not(
    clients: Mapping[Role, httpx.AsyncClient], operation: Operation
) -> None:
    allowed = operation.roles - NARROWER.get(operation.name, set())
    for role, client in clients.items():
        if operation.method == "delete" and role in allowed:
            continue  # it would be done
        answer = await operation.tried(client)
        assert (answer.status_code == 403) is (role not in allowed), (role, answer.text)
        assert answer.status_code < 500


@pytest.mark.parametrize(
    "operation",
    [one for one in OPERATIONS if "integrator" in one.roles and one.scope is not None],
    ids=lambda one: one.name,
)
async def test_a_system_does_what_its_scope_opens_and_nothing_without_it(
    door: Door, operation: Operation
) -> None:
    assert operation.scope is not None
    needed = {operation.scope, *ALSO.get(operation.name, set())}
    for missing in needed:
        rest = sorted(GRANTABLE_SCOPES["integrator"] - {missing})
        async with door.client(await _system(door, *rest)) as client:
            answer = await operation.tried(client)
        assert answer.status_code == 403, answer.text
    if operation.name != "create_calendar_token":  # it asks for more by what it shows
        async with door.client(await _system(door, *sorted(needed))) as client:
            assert (await operation.tried(client)).status_code != 403


_secrets: dict[tuple[str, ...], str] = {}


async def _system(door: Door, *scopes: str) -> str:
    if scopes not in _secrets:
        _secrets[scopes] = await door.new_key("integrator", scopes=list(scopes))
    return _secrets[scopes]


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Token", "ApiKey", "", "Bearer2"])
async def test_a_good_key_by_another_scheme_is_no_credential(door: Door, scheme: str) -> None:
    secret = await door.new_key("leader")
    async with door.client(None) as nobody:
        refused = await nobody.get("/me", headers={"Authorization": f"{scheme} {secret}".strip()})
        taken = await nobody.get("/me", headers={"Authorization": f"bearer {secret}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert taken.status_code == 200
