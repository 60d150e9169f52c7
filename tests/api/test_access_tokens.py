"""Access tokens over the wire: got for a key, used as it is, refused as the standard says."""

import base64
import json
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from tests.support.access_tokens import GRANT, a_key, asked, token_of
from tests.support.api import XINMI, Door, a_submission


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]
    )
    return header, claims


async def test_a_token_says_what_the_standards_have_it_say(door: Door) -> None:
    key = await a_key(door)
    answer = await asked(door, key)
    body = answer.json()
    header, claims = parts_of(body["access_token"])
    async with door.client(None) as client:
        told = await client.get("http://wufei.test/.well-known/oauth-authorization-server")
        keys = await client.get("http://wufei.test/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert set(body["scope"].split()) == set(key["scopes"])
    (public,) = keys.json()["keys"]
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": public["kid"]}
    assert claims["iss"] == told.json()["issuer"]
    assert claims["sub"] == claims["client_id"] == key["id"]
    assert (claims["exp"] - claims["iat"], claims["scope"]) == (600, body["scope"])
    assert told.json()["token_endpoint"] == f"{claims['iss']}/v1/oauth/token"
    assert told.json()["jwks_uri"] == f"{claims['iss']}/.well-known/jwks.json"
    assert set(public) == {"kty", "crv", "x", "y", "kid", "use", "alg"}, "no private half"
    proved = jws.deserialize_compact(
        body["access_token"], ECKey.import_key(public), algorithms=["ES256"]
    )
    assert json.loads(proved.payload) == claims


async def test_a_token_acts_as_its_key_in_history_and_for_repeats(door: Door) -> None:
    key = await a_key(door, role="reporter", organization_code="UN15")
    repeat = {"Idempotency-Key": "by key, then by token"}
    path = f"/plans/{XINMI}/submissions"
    async with (
        door.client(key["secret"]) as by_key,
        door.client(await token_of(door, key)) as by_token,
    ):
        same = [(await one.get("/me")).json() for one in (by_key, by_token)]
        body = a_submission(period="2025-07")
        first = await by_key.post(path, json=body, headers=repeat)
        second = await by_token.post(path, json=body, headers=repeat)
        history = await by_token.get(f"/submissions/{first.json()['id']}/history")
    assert same[0] == same[1]
    assert (first.status_code, second.json()) == (201, first.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert history.json()["items"][0]["actor"]["id"] == key["id"]


async def test_a_token_may_do_less_than_its_key_and_never_more(door: Door) -> None:
    key = await a_key(door, role="system_admin")
    narrow = await token_of(door, key, scope="keys:write")
    more = await asked(door, key, scope="keys:write submissions:write")
    async with door.client(narrow) as client:
        me = await client.get("/me")
        plan = await client.get(f"/plans/{XINMI}")
        given = await client.post("/api-keys", json={"name": "k", "role": "system_admin"})
        itself = await client.post(f"/api-keys/{key['id']}/rotate")
    assert me.json()["scopes"] == ["keys:write"]
    assert plan.status_code == 403
    assert given.json()["errors"][0]["code"] == "scope-beyond-own"
    assert (itself.status_code, itself.json()["code"]) == (403, "key-beyond-own")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    "path", ["scoreboard?period=2025", "scoreboard?period=2025&basis=submitted"]
)
async def test_what_is_kept_for_a_key_is_not_told_to_a_token_that_may_less(
    door: Door, path: str
) -> None:
    key = await a_key(door, role="office")
    narrow = await token_of(door, key, scope="events:read")
    await door.react()
    async with door.client(key["secret"]) as whole, door.client(narrow) as less:
        seen = await whole.get(f"/plans/{XINMI}/{path}")
        known = {"If-None-Match": seen.headers["ETag"]}
        for headers in ({}, known):
            refused = await less.get(f"/plans/{XINMI}/{path}", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert (await whole.get(f"/plans/{XINMI}/{path}", headers=known)).status_code == 304


async def test_a_reply_that_is_kept_is_not_told_to_a_token_that_may_less(door: Door) -> None:
    key = await a_key(door, role="reporter", organization_code="UN15")
    narrow = await token_of(door, key, scope="plan:read")
    repeat = {"Idempotency-Key": "once by the key, then by a narrow token"}
    body = a_submission(organization_code="UN15", period="2024")
    async with door.client(key["secret"]) as whole, door.client(narrow) as less:
        made = await whole.post(f"/plans/{XINMI}/submissions", json=body, headers=repeat)
        refused = await less.post(f"/plans/{XINMI}/submissions", json=body, headers=repeat)
    assert (made.status_code, refused.status_code) == (201, 403)


async def test_whoever_shows_no_key_gets_no_token(door: Door) -> None:
    key, other = await a_key(door), await a_key(door)
    refused = [
        await asked(door, {**key, "secret": other["secret"]}),
        await asked(door, {**key, "secret": key["secret"][:-1]}),
        await asked(door, {**key, "secret": await token_of(door, key)}),
        await asked(door, {**key, "id": "'; DROP TABLE api_key; --"}),
    ]
    async with door.client(None) as client:
        refused.append(await client.post("/oauth/token", data=GRANT))
        unread = await client.post("/oauth/token?validate_only=true", data=GRANT)
        bare = await client.post("/oauth/token")
    for answer in refused:
        assert answer.status_code == 401, answer.text
        assert answer.json()["error"] == "invalid_client"
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="wufei"'
        assert answer.headers["Cache-Control"] == "no-store"
    assert refused[0].json() == refused[1].json() == refused[3].json(), "nothing is told"
    assert (unread.status_code, unread.json()["code"]) == (422, "invalid-input")
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_request")


async def test_a_token_is_got_and_used_from_the_networks_of_its_key_alone(door: Door) -> None:
    key = await a_key(door, allowed_networks=["203.0.113.0/24"])
    assert (await asked(door, key)).json()["error"] == "unauthorized_client"

    async def called(address: str, method: str, path: str, **sent: Any) -> httpx.Response:
        transport = httpx.ASGITransport(door.app, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test/v1") as one:
            return await one.request(method, path, **sent)

    auth = httpx.BasicAuth(key["id"], key["secret"])
    given = await called("203.0.113.9", "POST", "/oauth/token", data=GRANT, auth=auth)
    headers = {"Authorization": f"Bearer {given.json()['access_token']}"}
    inside = await called("203.0.113.9", "GET", "/me", headers=headers)
    outside = await called("198.51.100.4", "GET", "/me", headers=headers)
    assert (inside.status_code, outside.status_code) == (200, 403)


@pytest.mark.parametrize("end", ["revoke", "rotate"])
async def test_a_token_ends_with_its_key_and_with_the_secret_that_it_was_got_by(
    door: Door, end: str
) -> None:
    key = await a_key(door)
    token = await token_of(door, key)
    async with door.client(door.admin_secret) as admin, door.client(token) as client:
        before = await client.get("/me")
        if end == "revoke":
            await admin.delete(f"/api-keys/{key['id']}")
        else:
            body = {"overlap_seconds": 0}
            rotated = await admin.post(f"/api-keys/{key['id']}/rotate", json=body)
            await token_of(door, {**key, "secret": rotated.json()["secret"]})
        after = await client.get("/me")
    assert (before.status_code, after.status_code) == (200, 401)
    assert after.json()["code"] == "unauthenticated"
