"""Bytes of requests, and an application that answers what it was asked."""

import json
from collections.abc import Callable
from typing import Any

BODY = b'{"overlap_seconds": 0}'

Receive = Callable[[], Any]


async def echo(scope: Any, receive: Receive, send: Callable[[Any], Any]) -> None:
    """Answer what was asked: method, path, headers and body."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    said = {"method": scope["method"], "path": scope["path"], "headers": headers}
    answer = json.dumps({**said, "body": body.decode()}).encode() + b"\n"
    length = str(len(answer)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    await send({"type": "http.response.body", "body": answer})


def answers_in(received: bytes) -> list[dict[str, Any]]:
    """Return what was echoed, answer by answer."""
    return [json.loads(line) for line in received.splitlines() if line.startswith(b'{"method"')]


def a_post(*headers: bytes, last: bool = True, body: bytes = BODY) -> bytes:
    """Return a request with a body."""
    closing = [b"Connection: close"] if last else []
    if any(header.startswith(b"Connection") for header in headers):
        closing = []
    length = b"Content-Length: " + str(len(body)).encode()
    head = [b"POST /rotate?x=1 HTTP/1.1", b"Host: wufei", length, *headers, *closing]
    return b"\r\n".join([*head, b"", b""]) + body


def a_get(*headers: bytes) -> bytes:
    """Return a request without a body, the last of its connection."""
    return b"\r\n".join([b"GET / HTTP/1.1", b"Host: wufei", *headers, b"", b""])


def many_headers(length: int, each: int = 1000) -> list[bytes]:
    """Return so many bytes of headers."""
    one = b"x-note: " + b"a" * (each - 10)
    return [one] * (length // each)
