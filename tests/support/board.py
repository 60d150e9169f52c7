"""The board as a browser uses it: pages, forms with their tokens, cookies."""

import re
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from typing import Any

import httpx

from tests.support.api import XINMI, Door
from tests.support.people import Somebody

SITE = "http://wufei.test"
LEADERS_PAGE = f"/board/plans/{XINMI}"

_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def browser(door: Door, **headers: str) -> httpx.AsyncClient:
    """Return a browser that knows nobody yet: it keeps cookies and says where forms come from."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(door.app, raise_app_exceptions=False),
        base_url=SITE,
        headers={"Accept-Language": "zh-CN", "Origin": SITE, **headers},
        timeout=30,
    )


async def a_board_link(door: Door, plan: str = XINMI, **more: Any) -> dict[str, Any]:
    """Return a link to the leader's page of a plan, as the office is told of it once."""
    later = (door.held.clock.true_now() + timedelta(days=30)).isoformat()
    async with await door.as_("office") as office:
        body = {"name": "手机", "expires_at": later, **more}
        made = await office.post(f"/plans/{plan}/board-links", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def a_board_link_id(door: Door) -> str:
    """Return the id of a new link."""
    return str((await a_board_link(door))["id"])


def token_in(html: str) -> str:
    """Return the token of the forms of a page."""
    found = _TOKEN.search(html)
    assert found is not None, html
    return unescape(found[1])


async def sent(
    client: httpx.AsyncClient, page: str, path: str, fields: Mapping[str, Any] | None = None
) -> httpx.Response:
    """Open a page and send a form of it."""
    shown = await client.get(page)
    assert shown.status_code == 200, shown.text
    return await client.post(path, data={"form_token": token_in(shown.text), **(fields or {})})


async def signed_in_browser(door: Door, one: Somebody, **headers: str) -> httpx.AsyncClient:
    """Return a browser in which somebody has signed in."""
    fields = {"username": one.username, "password": one.proof()["password"]}
    async with browser(door, **headers) as client:
        begun = await sent(client, "/board/sign-in", "/board/sign-in", fields)
        assert begun.status_code == 303, begun.text
        cookies = client.cookies
    found = browser(door, **headers)
    found.cookies = cookies
    return found


def words_of(html: str) -> str:
    """Return what a page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
