"""Webhook endpoints as owners make them."""

from typing import Any

import httpx

from tests.support.api import Door

PATH = "/webhook-endpoints"
TOKEN = "xoxbAbCdEfGhIjKlMnOpQrStUvWx"
URL = f"https://data.example.org/hooks/{TOKEN}?key={TOKEN}"
ED25519 = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
NOBODY = "019aafc0-0000-7000-8000-000000000000"


async def make_endpoint(client: httpx.AsyncClient, **settings: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json={"url": URL, **settings})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def an_integrator(door: Door, unit: str | None, *, scopes: Any = None) -> httpx.AsyncClient:
    chosen = scopes or ["webhooks:write", "events:read", "submissions:read", "submissions:write"]
    return door.client(await door.new_key("integrator", unit, scopes=chosen))
