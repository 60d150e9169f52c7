"""A partner that waits for events: whoever may call no more hears no more, and who left is gone."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from services.core.gateways.signing import Call
from tests.support.api import Door
from tests.support.gateways import INTERFACES, Platform, a_key, a_partner
from tests.support.serving import served

_OF_ITS_KEY = "WHERE id = (SELECT key_id FROM partner WHERE id = $1)"
ENDS = {
    "the partner is revoked": (
        "UPDATE partner SET revoked_at = now() WHERE id = $1",
        (401, "signature-wrong"),
    ),
    "its key is revoked": (
        f"UPDATE api_key SET revoked_at = now() {_OF_ITS_KEY}",
        (401, "unauthenticated"),
    ),
    "the operation is taken from it": (
        "UPDATE partner SET interfaces = array_remove(interfaces, 'read_events') WHERE id = $1",
        (403, "interface-not-allowed"),
    ),
    "its networks are others": (
        "UPDATE partner SET allowed_networks = '{10.0.0.0/8}' WHERE id = $1",
        (403, "network-not-allowed"),
    ),
    "the networks of its key are others": (
        f"UPDATE api_key SET allowed_networks = '{{10.0.0.0/8}}' {_OF_ITS_KEY}",
        (403, "network-not-allowed"),
    ),
}


async def _end_of_log(door: Door) -> int:
    async with await door.as_("office") as office:
        return int((await office.get("/events", params={"limit": 1000})).json()["last_position"])


async def _let_in(door: Door, partners: Sequence[Platform]) -> None:
    """Wait until a call of each was let in."""
    ids = [one.id for one in partners]
    used = "SELECT count(*) FROM partner_nonce WHERE partner_id = ANY($1::uuid[])"
    while await door.held.database.pool.fetchval(used, ids) < len(ids):  # noqa: ASYNC110 (no event tells)
        await asyncio.sleep(0.05)


def _by_gateway(partner: Platform, after: int) -> Call:
    return partner.signed("read_events", {"after": str(after), "wait": "30"})


def _by_path(partner: Platform, after: int) -> Call:
    return partner.sign(Call("GET", "/v1/events", {}, f"after={after}&wait=30", b""))


def _told(answer: httpx.Response) -> tuple[int, str]:
    said = answer.json()
    if "data" in said:
        return said["code"], said["data"]["problem"]
    return answer.status_code, said["code"]


@pytest.mark.parametrize("call", [_by_gateway, _by_path])
async def test_a_poll_of_a_partner_that_may_call_no_more_ends(
    door: Door, call: Callable[[Platform, int], Call]
) -> None:
    """By another process: nothing here is told to look anew."""
    partners = [await a_partner(door, key_id=await a_key(door)) for _ in ENDS]
    after = await _end_of_log(door)
    async with served(door.app) as port, httpx.AsyncClient(timeout=15) as client:

        async def polling(partner: Platform) -> httpx.Response:
            asked = call(partner, after)
            address = f"http://127.0.0.1:{port}{asked.path}?{asked.query}".rstrip("?")
            return await client.request(
                asked.method, address, content=asked.body, headers=asked.headers
            )

        polls = [asyncio.create_task(polling(one)) for one in partners]
        await _let_in(door, partners)
        for partner, (statement, _) in zip(partners, ENDS.values(), strict=True):
            await door.held.database.pool.execute(statement, partner.id)
        # Without an end by themselves it would be 30 s, and the client gives up before.
        answers = await asyncio.gather(*polls)
    found = dict(zip(ENDS, map(_told, answers), strict=True))
    assert found == {name: told for name, (_, told) in ENDS.items()}


async def test_a_partner_that_has_gone_is_not_waited_for(door: Door) -> None:
    partner = await a_partner(door, interfaces=INTERFACES)
    asked = _by_gateway(partner, await _end_of_log(door))
    begun, ended = asyncio.Event(), asyncio.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        try:
            await door.app(scope, receive, send)
        finally:
            ended.set()

    async with served(watched) as port, httpx.AsyncClient(timeout=30) as client:
        address = f"http://127.0.0.1:{port}{asked.path}"
        poll = asyncio.create_task(client.post(address, content=asked.body, headers=asked.headers))
        await begun.wait()
        await _let_in(door, [partner])
        poll.cancel()
        async with asyncio.timeout(15):
            await ended.wait()
