"""Three administrators: none does another's work, reports, approves, or reads what it need not."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.core.identity.rules import ADMINISTRATORS, ROLES
from tests.support.api import NEIGHBOUR, XINMI, Door, a_submission, neighbour, open_door
from tests.support.gateways import HERE, a_partner, called
from tests.support.gateways import a_key as partner_key
from tests.support.people import a_post, handed, session_of, somebody


@pytest.fixture(scope="module")
async def strict(module_database_url: str) -> AsyncIterator[Door]:
    """A ledger whose administrators are separated, with a second plan."""
    environment = {"WUFEI_SEPARATED_ADMINISTRATORS": "1"}
    async with open_door(module_database_url, environment=environment) as door:
        await door.load(neighbour())
        async with door.held.database.transaction() as session:
            from services.core.identity.actor import system  # noqa: PLC0415
            from services.core.identity.service import create_first_key  # noqa: PLC0415

            now = door.held.clock.true_now()
            door._keys["security_admin", None] = await create_first_key(
                session, city_code="410183", actor=system("test"), now=now, role="security_admin"
            )
        yield door


def codes(answer: httpx.Response) -> list[str]:
    """Return the code of a refusal, and those of its faults."""
    return [answer.json()["code"], *(one["code"] for one in answer.json()["errors"])]


def a_key(role: str, **more: Any) -> dict[str, Any]:
    """Return a key to be made."""
    unit = "UN15" if role in {"reporter", "lead"} else None
    return {"name": role, "role": role, "organization_code": unit, **more}


@pytest.mark.parametrize("role", ROLES)
async def test_each_key_is_made_by_one_administrator_alone(strict: Door, role: str) -> None:
    async with (
        strict.client(strict.admin_secret) as system,
        await strict.as_("security_admin") as security,
    ):
        by_system = await system.post("/api-keys", json=a_key(role))
        by_security = await security.post("/api-keys", json=a_key(role))
    assert (by_system.status_code == 201) is (role == "integrator"), by_system.text
    assert (by_security.status_code == 201) is (role in ADMINISTRATORS), by_security.text
    for answer in (by_system, by_security):
        if answer.status_code != 201:
            assert codes(answer) == ["invalid-input", "role-not-yours-to-give"]


async def test_the_system_administrator_gets_no_power_through_anothers_key(strict: Door) -> None:
    async with (
        strict.client(strict.admin_secret) as system,
        await strict.as_("security_admin") as security,
    ):
        guard = (await security.post("/api-keys", json=a_key("security_admin"))).json()["id"]
        robot = (await system.post("/api-keys", json=a_key("integrator"))).json()["id"]
        for taken in (
            await system.post(f"/api-keys/{guard}/rotate"),
            await system.delete(f"/api-keys/{guard}"),
        ):
            assert (taken.status_code, taken.json()["code"]) == (403, "key-beyond-own")
        assert (await system.post(f"/api-keys/{robot}/rotate")).status_code == 200
        hidden = await security.post(f"/api-keys/{robot}/rotate")
        assert (hidden.status_code, hidden.json()["code"]) == (404, "key-not-found")
        assert (await security.delete(f"/api-keys/{guard}")).status_code == 204


async def test_keys_of_before_are_ended_by_the_system_administrator_and_not_taken_over(
    strict: Door,
) -> None:
    """An installation that is separated later has keys of clerks."""
    held = strict.held
    object.__setattr__(held, "separated", False)
    async with strict.client(strict.admin_secret) as system:
        made = await system.post("/api-keys", json=a_key("reporter"))
        object.__setattr__(held, "separated", True)
        key_id = made.json()["id"]
        taken = await system.post(f"/api-keys/{key_id}/rotate")
        assert (taken.status_code, taken.json()["code"]) == (403, "key-beyond-own")
        assert (await system.delete(f"/api-keys/{key_id}")).status_code == 204


async def test_by_a_partner_the_system_administrator_gets_no_power_that_is_not_theirs_to_give(
    strict: Door,
) -> None:
    """A partner's secret is as good as its key's, whenever that was made."""
    held, match = strict.held, {"If-Match": "*"}
    object.__setattr__(held, "separated", False)
    key_id = await partner_key(strict, "superior")
    former = await a_partner(strict, key_id=key_id)
    object.__setattr__(held, "separated", True)
    path = f"/partners/{former.id}"
    async with strict.client(strict.admin_secret) as system:
        wanted = {
            "name": "市平台",
            "profile": "wufei-hmac",
            "key_id": key_id,
            "allowed_networks": [HERE],
            "interfaces": ["list_submissions"],
        }
        made = await system.post("/partners", json=wanted)
        assert codes(made) == ["invalid-input", "role-not-yours-to-give"]
        assert made.json()["errors"][0]["pointer"] == "/key_id"
        for taken in (
            await system.patch(path, json={"allowed_networks": [HERE]}, headers=match),
            await system.post(f"{path}/rotate-secret"),
        ):
            assert (taken.status_code, taken.json()["code"]) == (403, "key-beyond-own")
        assert (await called(strict, former, "list_submissions", plan=XINMI))[0] == 200
        assert (await system.delete(path)).status_code == 204, "to take away is theirs"
        ours = await a_partner(strict)
        path = f"/partners/{ours.id}"
        assert (await system.post(f"{path}/rotate-secret")).status_code == 200
        edited = await system.patch(path, json={"name": "省平台"}, headers=match)
        assert edited.status_code == 200, edited.text


async def test_an_administrator_neither_reports_nor_reads_what_is_reported(strict: Door) -> None:
    submissions = f"/plans/{XINMI}/submissions"
    paths = ("alerts", "milestones", "obligations", "submissions")
    async with await strict.as_("security_admin") as security:
        auditor = (await security.post("/api-keys", json=a_key("audit_admin"))).json()["secret"]
        system = (await security.post("/api-keys", json=a_key("system_admin"))).json()["secret"]
        guard = (await security.post("/api-keys", json=a_key("security_admin"))).json()["secret"]
    for secret in (auditor, system, guard):
        async with strict.client(secret) as administrator:
            assert (await administrator.post(submissions, json=a_submission())).status_code == 403
            for path in paths:
                read = await administrator.get(f"/plans/{XINMI}/{path}")
                assert read.status_code == 403, path
            assert (await administrator.get("/events")).status_code == 403
            allowed = {
                path
                for path in ("audit", "users", "posts", "sessions", "api-keys")
                if (await administrator.get(f"/{path}")).status_code == 200
            }
        assert (
            allowed
            == {
                auditor: {"audit"},
                system: {"api-keys"},
                guard: {"users", "posts", "sessions", "api-keys"},
            }[secret]
        )


async def test_an_administrator_of_one_plan_or_unit_manages_no_people(strict: Door) -> None:
    async with await strict.as_("security_admin") as security:
        bound = [
            (await security.post("/api-keys", json=a_key("security_admin", **bounds))).json()
            for bounds in ({"plan": NEIGHBOUR}, {"organization_code": "UN15"})
        ]
    post_id = await a_post(strict, "office")
    for key in bound:
        async with strict.client(key["secret"]) as administrator:
            for answer in (
                await administrator.get("/users"),
                await administrator.post("/posts", json={"title": "t", "role": "office"}),
                await administrator.post(f"/posts/{post_id}/hand-over"),
                await administrator.get("/sessions"),
            ):
                assert answer.status_code == 403, answer.text
            wider = await administrator.post("/api-keys", json=a_key("security_admin"))
            assert codes(wider)[1] in {"plan-beyond-scope", "organization-beyond-scope"}


async def test_narrow_scopes_are_not_widened_through_another_administrators_key(
    strict: Door,
) -> None:
    async with await strict.as_("security_admin") as security:
        narrow = await security.post(
            "/api-keys", json=a_key("security_admin", scopes=["keys:write"])
        )
    async with strict.client(narrow.json()["secret"]) as administrator:
        for role in ("security_admin", "system_admin"):
            answer = await administrator.post("/api-keys", json=a_key(role))
            assert codes(answer) == ["invalid-input", "scope-beyond-own"]


async def test_the_three_work_as_people_do_and_a_reporting_post_is_a_persons(strict: Door) -> None:
    clerk = await somebody(strict, "clerk", "reporter", "UN15")
    async with strict.client((await session_of(strict, clerk))["access_token"]) as user:
        made = await user.post(f"/plans/{XINMI}/submissions", json=a_submission())
        assert made.status_code == 201, made.text
    refused = await handed(strict, await a_post(strict, "security_admin"), clerk.id)
    assert codes(refused) == ["invalid-input", "posts-not-together"]
