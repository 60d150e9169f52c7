"""Keys over the wire: from which networks, what may change, and another secret with an overlap."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.console.commands.doors import believing
from tests.support.api import XINMI, Door
from tests.support.serving import served

HOME = "203.0.113.9"
NETWORK = {"allowed_networks": ["203.0.113.0/24", "2001:db8::/32"]}
SOON = (datetime.now(UTC) + timedelta(days=30)).isoformat()  # noqa: TID251
LATER = (datetime.now(UTC) + timedelta(days=60)).isoformat()  # noqa: TID251


async def a_key(door: Door, **more: Any) -> dict[str, Any]:
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post("/api-keys", json={"name": "k", "role": "leader", **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def called(door: Door, secret: str, address: str, **headers: str) -> httpx.Response:
    """Return the answer to a call from an address."""
    transport = httpx.ASGITransport(door.app, client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test/v1") as client:
        return await client.get("/me", headers={"Authorization": f"Bearer {secret}", **headers})


def faults(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(one["pointer"], one["code"]) for one in answer.json()["errors"]}


async def test_a_key_works_from_its_networks_and_no_header_moves_its_caller(door: Door) -> None:
    secret = (await a_key(door, **NETWORK))["secret"]
    for address in (HOME, "2001:db8::7", f"::ffff:{HOME}"):
        assert (await called(door, secret, address)).status_code == 200, address
    forged = {"X-Forwarded-For": HOME, "Forwarded": f"for={HOME}", "X-Real-IP": HOME}
    for headers in ({}, forged):
        refused = await called(door, secret, "198.51.100.4", **headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "network-not-allowed")
        assert "198.51.100.4" in refused.json()["detail"]
        assert HOME not in refused.text, "whoever found a key is not told where it works"


@pytest.mark.parametrize(
    ("proxies", "status"), [("", 403), ("192.0.2.1", 403), ("127.0.0.0/8", 200)]
)
async def test_only_a_trusted_proxy_says_where_a_call_comes_from(
    door: Door, proxies: str, status: int
) -> None:
    secret = (await a_key(door, **NETWORK))["secret"]
    headers = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": f"10.0.0.1, {HOME}"}
    async with served(door.app, **believing(proxies)) as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/v1/me", headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_network_is_refused_with_what_to_write_instead(door: Door) -> None:
    wrong = {"allowed_networks": ["10.20.0.7/16", "10.20.0.0/16", "intranet"]}
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post("/api-keys", json={"name": "k", "role": "leader", **wrong})
    assert faults(answer) == {
        ("/allowed_networks/0", "network"),
        ("/allowed_networks/2", "network"),
    }
    assert "10.20.0.0/16" in answer.json()["errors"][0]["detail"]


async def test_what_a_key_is_called_its_end_and_its_networks_change(door: Door) -> None:
    made = await a_key(door)
    path = f"/api-keys/{made['id']}"
    async with door.client(door.admin_secret) as admin:
        read = await admin.get(path)
        bare = await admin.patch(path, json={"name": "x"})
        tried = await admin.patch(
            f"{path}?validate_only=true", json={"name": "x"}, headers={"If-Match": "*"}
        )
        based_on = {"If-Match": read.headers["ETag"]}
        changed = await admin.patch(
            path, json={"name": "new", "expires_at": SOON, **NETWORK}, headers=based_on
        )
        stale = await admin.patch(path, json={"name": "x"}, headers=based_on)
        nothing = await admin.patch(path, json={}, headers={"If-Match": changed.headers["ETag"]})
        endless = await admin.patch(path, json={"expires_at": None}, headers={"If-Match": "*"})
        past = await admin.patch(
            path, json={"expires_at": "2020-01-01T00:00:00Z"}, headers={"If-Match": "*"}
        )
    assert (bare.status_code, tried.status_code, stale.status_code) == (428, 200, 412)
    assert changed.status_code == 200, changed.text
    assert {**changed.json(), **NETWORK, "name": "new"} == changed.json()
    assert nothing.headers["ETag"] == changed.headers["ETag"] != read.headers["ETag"]
    assert stale.json()["current"]["name"] == "new"
    assert endless.json()["expires_at"] is None
    assert faults(past) == {("/expires_at", "expiry-in-the-past")}
    assert (await called(door, made["secret"], HOME)).status_code == 200
    assert (await called(door, made["secret"], "198.51.100.4")).status_code == 403
    assert await audited(door, made["id"]) == ["key.created", "key.changed", "key.changed"]


async def audited(door: Door, key_id: str) -> list[str]:
    rows = await door.held.database.pool.fetch(
        "SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY id", key_id
    )
    return [row["action"] for row in rows]


async def test_a_use_in_between_makes_no_other_version_of_a_key(door: Door) -> None:
    made = await a_key(door)
    path = f"/api-keys/{made['id']}"
    async with door.client(door.admin_secret) as admin:
        before = (await admin.get(path)).headers["ETag"]
        await door.held.database.pool.execute(
            "UPDATE api_key SET last_used_at = now(), last_used_from = '203.0.113.0/24'"
        )
        used = await admin.get(path, headers={"If-None-Match": before})
        changed = await admin.patch(path, json={"name": "new"}, headers={"If-Match": before})
    assert used.json()["last_used_network"] == "203.0.113.0/24"
    assert changed.status_code == 200


async def test_another_secret_comes_and_the_older_one_goes_when_the_overlap_ends(
    door: Door,
) -> None:
    made = await a_key(door)
    path = f"/api-keys/{made['id']}"
    key = {"Idempotency-Key": f"rotate {made['id']}"}
    async with door.client(door.admin_secret) as admin:
        rotated = await admin.post(f"{path}/rotate", json={"overlap_seconds": 3600}, headers=key)
        again = await admin.post(f"{path}/rotate", json={"overlap_seconds": 3600}, headers=key)
        secrets = [made["secret"], rotated.json()["secret"]]
        both = [(await called(door, one, HOME)).json().get("credential_id") for one in secrets]
        last = await admin.post(f"{path}/rotate", json={"overlap_seconds": 0})
    assert rotated.status_code == 200, rotated.text
    assert again.json() == {**rotated.json(), "secret": None}
    assert both == [made["id"]] * 2
    assert [one["prefix"] for one in rotated.json()["former_secrets"]] == [made["prefix"]]
    assert rotated.json()["prefix"] != made["prefix"]
    secrets.append(last.json()["secret"])
    now = [(await called(door, one, HOME)).status_code for one in secrets]
    assert (now, last.json()["former_secrets"]) == ([401, 401, 200], [])
    kept = await door.held.database.pool.fetch("SELECT * FROM former_secret")
    assert all(one not in str(list(map(dict, kept))) for one in secrets)
    assert await audited(door, made["id"]) == ["key.created", "key.rotated", "key.rotated"]


async def test_ten_older_secrets_are_good_at_a_time_and_a_revoked_key_has_no_more(
    door: Door,
) -> None:
    path = f"/api-keys/{(await a_key(door))['id']}"
    async with door.client(door.admin_secret) as admin:
        for _ in range(10):
            assert (await admin.post(f"{path}/rotate")).status_code == 200
        full = await admin.post(f"{path}/rotate")
        assert (await admin.post(f"{path}/rotate", json={"overlap_seconds": 0})).status_code == 200
        await admin.delete(path)
        rotated = await admin.post(f"{path}/rotate")
        edited = await admin.patch(path, json={"name": "x"}, headers={"If-Match": "*"})
    assert (full.status_code, full.json()["code"]) == (409, "too-many-old-secrets")
    for answer in (rotated, edited):
        assert (answer.status_code, answer.json()["code"]) == (409, "key-revoked")


NARROW: Mapping[str, Mapping[str, Any]] = {
    "scopes": {"scopes": ["keys:write"]},
    "time": {"expires_at": SOON},
    "place": {"allowed_networks": ["127.0.0.0/8"]},
}


@pytest.mark.parametrize("narrowed", NARROW)
async def test_nobody_gets_more_by_another_key_than_by_its_own(door: Door, narrowed: str) -> None:
    """Neither by making one, nor by changing or rotating one, its own included."""
    wide = await a_key(door, role="system_admin", plan=XINMI)
    own = await a_key(door, role="system_admin", **NARROW[narrowed])
    async with door.client(own["secret"]) as admin:
        more = await admin.post("/api-keys", json={"name": "k", "role": "system_admin"})
        rotated = await admin.post(f"/api-keys/{wide['id']}/rotate")
        edited = await admin.patch(
            f"/api-keys/{wide['id']}", json={"name": "x"}, headers={"If-Match": "*"}
        )
        wider = {"expires_at": LATER, "allowed_networks": []}
        grown = await admin.patch(f"/api-keys/{own['id']}", json=wider, headers={"If-Match": "*"})
        mine = await admin.post(f"/api-keys/{own['id']}/rotate")
        office = await admin.post("/api-keys", json={"name": "k", "role": "office"})
    assert len(faults(more)) == 1
    for answer in (rotated, edited):
        assert (answer.status_code, answer.json()["code"]) == (403, "key-beyond-own")
    expected = {
        "scopes": None,
        "time": {("/expires_at", "expiry-beyond-own")},
        "place": {("/allowed_networks", "networks-beyond-own")},
    }[narrowed]
    assert grown.status_code == 200 if expected is None else faults(grown) == expected
    assert (mine.status_code, office.status_code) == (200, 201)


@pytest.mark.parametrize("name", ["one\ntwo", "one\ttwo", "one\x1b[2Ktwo", "one\u2028two"])
async def test_a_name_is_one_line(door: Door, name: str) -> None:
    key = await a_key(door)
    async with door.client(door.admin_secret) as admin:
        made = await admin.post("/api-keys", json={"name": name, "role": "leader"})
        changed = await admin.patch(
            f"/api-keys/{key['id']}", json={"name": name}, headers={"If-Match": "*"}
        )
    assert faults(made) == faults(changed) == {("/name", "text-of-one-line")}
