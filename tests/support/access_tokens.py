"""Keys and the access tokens that they are given."""

from typing import Any

import httpx

from tests.support.api import Door

GRANT = {"grant_type": "client_credentials"}


async def a_key(door: Door, **more: Any) -> dict[str, Any]:
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post("/api-keys", json={"name": "k", "role": "leader", **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def asked(door: Door, key: dict[str, Any], **more: str) -> httpx.Response:
    """Return the answer to a request for a token, by Basic."""
    async with door.client(None) as client:
        auth = httpx.BasicAuth(key["id"], key["secret"])
        return await client.post("/oauth/token", data={**GRANT, **more}, auth=auth)


async def token_of(door: Door, key: dict[str, Any], **more: str) -> str:
    answer = await asked(door, key, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
