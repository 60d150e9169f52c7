"""What a client's bytes come to: offers of other protocols, HEAD, callers who go away."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api import Door
from tests.support.serving import exchanged, served
from tests.support.wire import BODY, Receive, a_get, a_post, answers_in, echo

CALLER = Path(__file__).resolve().parents[1] / "support" / "clients" / "Caller.java"


OFFERS = {
    "h2c": (
        b"Connection: Upgrade, HTTP2-Settings, close",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    ),
    "websocket": (b"Connection: close, upgrade", b"Upgrade: websocket"),
    "websocket with a key": (
        b"Connection: close, Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "unknown": (b"Connection: upgrade,close", b"Upgrade: carrier-pigeon/1"),
}


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("pieces", [1, 2, 7])
async def test_an_offer_that_is_not_taken_costs_no_body(
    offer: tuple[bytes, ...], pieces: int
) -> None:
    request = a_post(*offer)
    step = -(-len(request) // pieces)
    if pieces == 2:  # the head first, the body later: so Java sends it
        step = len(request) - len(BODY)
    cut = [request[at : at + step] for at in range(0, len(request), step)]
    async with served(echo) as port:
        received = await exchanged(port, *cut)
    assert received.startswith(b"HTTP/1.1 200 ")
    (heard,) = answers_in(received)
    assert (heard["method"], heard["path"], heard["body"]) == ("POST", "/rotate", BODY.decode())
    assert "upgrade" not in heard["headers"]
    assert heard["headers"]["connection"].strip() == "close"


async def test_a_body_in_chunks_survives_an_offer() -> None:
    offer = (b"Connection: upgrade, close", b"Upgrade: h2c", b"Transfer-Encoding: chunked")
    head = b"\r\n".join([b"POST / HTTP/1.1", b"Host: wufei", *offer, b"", b""])
    async with served(echo) as port:
        received = await exchanged(port, head, b'6\r\n{"a": \r\n', b"2\r\n1}\r\n0\r\n\r\n")
    (heard,) = answers_in(received)
    assert json.loads(heard["body"]) == {"a": 1}


async def test_requests_on_one_connection_are_answered_in_order_with_and_without_offers() -> None:
    offer = (b"Connection: upgrade", b"Upgrade: h2c")
    bodies = [b'{"n": 1}', b'{"n": 22}', b'{"n": 333}', b""]
    requests = [
        a_post(*offer, last=False, body=bodies[0]),
        a_post(last=False, body=bodies[1]),
        a_post(*offer, last=False, body=bodies[2]),
        b"GET / HTTP/1.1\r\nHost: wufei\r\nUpgrade: h2c\r\nConnection: close, upgrade\r\n\r\n",
    ]
    async with served(echo) as port:
        together = await exchanged(port, b"".join(requests))
        apart = await exchanged(port, *requests)
    for received in (together, apart):
        assert [one["body"].encode() for one in answers_in(received)] == bodies


async def test_connect_is_refused() -> None:
    async with served(echo) as port:
        received = await exchanged(port, b"CONNECT example.org:443 HTTP/1.1\r\nHost: e\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 ")


def _clients() -> list[str]:
    """Return the clients at hand that offer h2c; raw bytes always are."""
    return ["raw", *(name for name in ("java", "curl") if shutil.which(name))]


async def _posted(client: str, url: str, secret: str, bodies: list[str]) -> list[str]:
    """Post bodies with a client; return what it was answered: status and body."""
    if client == "java":
        commands = [["java", str(CALLER), url, *bodies, secret]]
    elif client == "curl":
        asked = [
            "curl",
            "-sS",
            "--http2",
            "-w",
            "\n%{http_code}",
            "-H",
            f"Authorization: Bearer {secret}",
        ]
        commands = [[*asked, "--json", body, url] for body in bodies]
    else:
        address = httpx.URL(url)
        assert address.port is not None
        received = []
        for body in bodies:
            head = (
                f"POST {address.path} HTTP/1.1\r\nHost: wufei\r\nAuthorization: Bearer {secret}\r\n"
                "Connection: Upgrade, close\r\nUpgrade: h2c\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            answer = await exchanged(address.port, head.encode(), body.encode())
            received.append(answer.decode())
        return received
    said = []
    for command in commands:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(120):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        said.append(out.decode())
    return "".join(said).splitlines() if client == "java" else said


@pytest.mark.parametrize("client", _clients())
async def test_a_secret_is_rotated_with_the_overlap_that_was_asked_for(
    door: Door, client: str
) -> None:
    async with await door.as_("office") as office:
        made = await office.post("/webhook-endpoints", json={"url": "https://example.org/"})
    path = f"/v1/webhook-endpoints/{made.json()['id']}/rotate-secret"
    secret = await door.new_key("office")
    bodies = ['{"overlap_seconds": 0}', '{"overlap_seconds": "no number"}']
    async with served(door.app) as port:
        first, second = await _posted(client, f"http://127.0.0.1:{port}{path}", secret, bodies)
    assert "200" in first and "422" in second, (first, second)  # noqa: PT018 (one answer each)
    kept = await door.held.database.pool.fetch(
        "SELECT expires_at <= now() AS over FROM webhook_secret WHERE endpoint_id = $1"
        " ORDER BY created_at",
        made.json()["id"],
    )
    assert [row["over"] for row in kept] == [True, None]


async def _polling(
    door: Door, secret: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin to wait for the next event of the log; return what the answer comes through."""
    async with door.client(secret) as client:
        log = (await client.get("/events", params={"limit": 1000})).json()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    path = f"/v1/events?after={log['last_position']}&wait=30"
    writer.write(
        a_get(f"Authorization: Bearer {secret}".encode()).replace(b"/ ", path.encode() + b" ", 1)
    )
    await writer.drain()
    return reader, writer


async def test_a_poll_of_a_key_revoked_elsewhere_ends_and_delivers_nothing(door: Door) -> None:
    secret = await door.new_key("office")
    async with door.client(secret) as client:
        key_id = (await client.get("/me")).json()["credential_id"]
    async with served(door.app) as port:
        answering, writer = await _polling(door, secret, port)
        # By another process: nothing here is told to forget the key.
        await door.held.database.pool.execute(
            "UPDATE api_key SET revoked_at = now() WHERE id = $1", key_id
        )
        async with asyncio.timeout(15):  # without an end by itself it would be 30 s
            head = await answering.readuntil(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 401 ")


async def test_nobody_is_waited_for_who_has_gone(door: Door) -> None:
    secret = await door.new_key("office")
    asked: list[str] = []
    ended = asyncio.Event()

    async def watched(scope: Any, receive: Receive, send: Callable[[Any], Any]) -> None:
        asked.append(scope["path"])
        try:
            await door.app(scope, receive, send)
        finally:
            ended.set()

    async with door.client(secret) as client:
        log = (await client.get("/events", params={"limit": 1000})).json()
    path = f"/v1/events?after={log['last_position']}&wait=30"
    async with served(watched) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        key = f"Authorization: Bearer {secret}".encode()
        writer.write(a_get(key).replace(b"/ ", path.encode() + b" ", 1))
        await writer.drain()
        while not asked:  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.01)
        writer.close()
        async with asyncio.timeout(15):
            await ended.wait()


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/v1/me",
        "/v1/plans",
        "/v1/none",
    ],
)
async def test_head_says_what_get_says_without_its_body(door: Door, path: str) -> None:
    key = f"Authorization: Bearer {await door.new_key('office')}".encode()
    asked = a_get(key, b"Connection: close").replace(b"/ ", path.encode() + b" ", 1)
    async with served(door.app) as port:
        got = await exchanged(port, asked)
        head = await exchanged(port, asked.replace(b"GET", b"HEAD", 1))
        whole, _, body = got.partition(b"\r\n\r\n")
        told, _, nothing = head.partition(b"\r\n\r\n")
    changing = [b"date:", b"x-request-id:"]
    if path in {"/readyz", "/metrics"}:  # what they measure differs from one moment to the next
        changing.append(b"content-length:")

    def lasting(lines: bytes) -> list[bytes]:
        return sorted(
            one for one in lines.splitlines() if not one.lower().startswith(tuple(changing))
        )

    assert body
    assert nothing == b""
    assert lasting(told) == lasting(whole)
