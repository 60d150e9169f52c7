"""Who gets in: credentials, roles, scopes, and the order of refusals."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi.routing import APIRoute

from services.core.identity.rules import ROLES
from tests.support.api import XINMI, Door, a_submission
from tests.support.contract import BY_OTHERS
from tests.support.pages import loaded_by

PUBLIC = {
    *("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"),
    *("/.well-known/oauth-authorization-server", "/.well-known/jwks.json"),
    "/.well-known/wufei-signing-keys.json",
}


def _paths(door: Door) -> set[tuple[str, str]]:
    document = door.app.openapi()
    return {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if path not in {*PUBLIC, *BY_OTHERS}
    }


async def test_every_path_but_the_public_ones_needs_a_credential(door: Door) -> None:
    paths = _paths(door)
    assert len(paths) > 25
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(door.app, raise_app_exceptions=False),
        base_url="http://wufei.test",
    ) as nobody:
        for method, path in paths:
            for credential in ({}, {"Authorization": "Bearer wufei_410183_x_y"}):
                answer = await nobody.request(method, path, headers=credential, content=b"{")
                assert answer.status_code == 401, (method, path)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
                assert answer.json()["code"] == "unauthenticated"


async def test_the_public_paths_are_these_and_no_others(door: Door) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(door.app), base_url="http://wufei.test"
    ) as nobody:
        for path in PUBLIC:
            answer = await nobody.get(path)
            assert answer.status_code == 200, answer.text
        assets = await nobody.get("/docs/assets/swagger-ui-bundle.js")
        page = await nobody.get("/docs")
        front = await nobody.get("/")
    assert assets.status_code == 200
    assert all(address.startswith("/docs/assets/") for address in loaded_by(page.text))
    assert (front.status_code, front.headers["Location"]) == (307, "docs")
    documented = {route.path for route in door.app.routes if isinstance(route, APIRoute)}
    # Pages of the board have a sign-in of their own (tests/api/board).
    assert {path for path in documented if not path.startswith(("/v1", "/gw/v1", "/board"))} <= {
        "/",
        *PUBLIC,
    }


@pytest.mark.parametrize("role", ["system_admin", "security_admin", "audit_admin"])
async def test_administrators_neither_report_nor_approve_nor_read_values(
    door: Door, role: str
) -> None:
    path = f"/plans/{XINMI}/submissions"
    async with await door.as_(role) as admin:
        answers = [
            await admin.post(path, json=a_submission()),
            await admin.get(path),
            await admin.post("/submissions/019aafc0-0000-7000-8000-000000000000/approve"),
        ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_only_a_system_administrator_makes_keys_of_who_works(door: Door) -> None:
    for role in ROLES:
        unit = "UN15" if role in {"reporter", "lead"} else None
        async with await door.as_(role, unit) as someone:
            answer = await someone.post("/api-keys", json={"name": "k", "role": "leader"})
        # The security administrator makes keys too, of administrators alone.
        told = {"system_admin": 201, "security_admin": 422}.get(role, 403)
        assert answer.status_code == told, role


async def test_a_key_is_refused_with_every_fault(door: Door) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post(
            "/api-keys",
            json={
                "name": "k",
                "role": "lead",
                "scopes": ["keys:write"],
                "plan": "410183-1999",
                "expires_at": yesterday.isoformat(),
            },
        )
        collective = await admin.post(
            "/api-keys", json={"name": "k", "role": "reporter", "organization_code": "UN41"}
        )
    assert {fault["code"] for fault in answer.json()["errors"]} == {
        "organization-required",
        "scope-beyond-role",
        "expiry-in-the-past",
        "plan-not-found",
    }
    assert collective.json()["errors"][0]["code"] == "organization-never-submits"


async def test_a_secret_is_shown_once_and_kept_as_a_hash(door: Door) -> None:
    secret = await door.new_key("leader")
    async with door.client(door.admin_secret) as admin:
        listed = await admin.get("/api-keys", params={"page_size": 500})
    assert secret not in listed.text
    rows = await door.held.database.pool.fetch("SELECT * FROM api_key")
    assert all(secret not in str(dict(row)) for row in rows)


async def test_a_repeated_request_for_a_key_does_not_show_its_secret_again(door: Door) -> None:
    body, key = {"name": "once", "role": "leader"}, {"Idempotency-Key": "a-key"}
    async with door.client(door.admin_secret) as admin:
        first = await admin.post("/api-keys", json=body, headers=key)
        second = await admin.post("/api-keys", json=body, headers=key)
    assert first.json()["secret"]
    assert second.json() == {**first.json(), "secret": None}
    kept = await door.held.database.pool.fetch("SELECT * FROM stored_reply")
    assert all(first.json()["secret"] not in str(dict(row)) for row in kept)


async def test_a_revoked_key_stops_working(door: Door) -> None:
    async with door.client(door.admin_secret) as admin:
        made = (await admin.post("/api-keys", json={"name": "k", "role": "leader"})).json()
        async with door.client(made["secret"]) as leader:
            before = await leader.get("/me")
            gone = await admin.delete(f"/api-keys/{made['id']}")
            after = await leader.get("/me")
        again = await admin.delete(f"/api-keys/{made['id']}")
    assert (before.status_code, gone.status_code) == (200, 204)
    assert (after.status_code, again.status_code) == (401, 204)


async def test_a_key_bound_to_scopes_may_do_those_only(door: Door) -> None:
    secret = await door.new_key("integrator", scopes=["events:read"])
    async with door.client(secret) as system:
        events = await system.get("/events")
        plan = await system.get(f"/plans/{XINMI}")
    assert (events.status_code, plan.status_code) == (200, 403)


async def test_a_plan_outside_the_scope_is_not_there(door: Door) -> None:
    async with await door.as_("office") as office:
        answers = [
            await office.get("/plans/110000-2016"),
            await office.get("/plans/nonsense"),
            await office.post("/plans/110000-2016/submissions", content=b"{"),
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"plan-not-found"}


async def test_problems_speak_the_callers_language(door: Door) -> None:
    async with await door.as_("office") as office:
        chinese = await office.get("/plans/x", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
        english = await office.get(
            "/plans/x", headers={"Accept-Language": "fr, en;q=0.8, zh;q=0.1"}
        )
    assert (chinese.json()["title"], chinese.headers["Content-Language"]) == (
        "未找到该计划",
        "zh-CN",
    )
    assert (english.json()["title"], english.headers["Content-Language"]) == (
        "There is no such plan",
        "en",
    )


async def test_the_request_id_is_echoed_and_stands_in_problem_and_history(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.get("/plans/x", headers={"X-Request-Id": "from-the-gateway-7"})
        forged = await unit.get("/plans/x", headers={"X-Request-Id": "a b"})
        made = await unit.post(
            f"/plans/{XINMI}/submissions",
            json=a_submission(period="2024"),
            headers={"X-Request-Id": "trace-me"},
        )
        history = await unit.get(f"/submissions/{made.json()['id']}/history")
    assert answer.headers["X-Request-Id"] == "from-the-gateway-7"
    assert answer.json()["instance"].endswith("from-the-gateway-7")
    assert forged.headers["X-Request-Id"] != "a b"
    assert history.json()["items"][0]["actor"]["request_id"] == "trace-me"


@pytest.mark.parametrize("path", ["/plans/%00", f"/plans/{XINMI}/submissions?period=%00"])
async def test_a_nul_in_the_address_is_refused(door: Door, path: str) -> None:
    async with await door.as_("office") as office:
        answer = await office.get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-address")
