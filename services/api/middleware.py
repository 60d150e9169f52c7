"""Round every request: its id, a bound on its body, no NUL in its address, its metrics."""

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping

from prometheus_client import Counter, Histogram
from pydantic_core import to_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.core.kit.ids import new_id

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Longest body taken: a plan of a thousand indicators is well below."""

_DRAINED_BYTES = 128 * 1024 * 1024
_DRAINED_SECONDS = 10

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")

_requests = Counter("wufei_http_requests_total", "Requests answered", ["route", "status"])
_seconds = Histogram(
    "wufei_http_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)

_REFUSALS: Mapping[int, tuple[str, str]] = {
    400: ("malformed-address", "The address holds a NUL character 地址含有空字符"),
    413: ("body-too-large", f"The body is longer than {MAX_BODY_BYTES} bytes 请求体过大"),
}


class _BodyTooLarge(Exception):
    pass


class Envelope:
    """The one middleware: pure ASGI, so that it costs a request next to nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id", b"")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = str(new_id()).encode()
        scope["request_id"] = request_id.decode()
        answered = 500

        async def send_with_id(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
                message["headers"].append((b"x-request-id", request_id))
            await send(message)

        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > MAX_BODY_BYTES:
            await _drain(receive)
            await _refuse(413, scope, send_with_id)
        elif b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
            await _refuse(400, scope, send_with_id)
        elif declared == b"0" and b"transfer-encoding" not in headers:
            await self._app(scope, receive, send_with_id)
        else:
            await self._bounded(scope, receive, send_with_id)
        route = getattr(scope.get("route"), "path", "no route")
        _requests.labels(route, str(answered)).inc()
        _seconds.labels(route).observe(time.perf_counter() - started)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 once more than the longest body came in, whatever was declared."""
        read = 0
        too_large = False

        async def receive_bounded() -> Message:
            nonlocal read, too_large
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                too_large = True
                raise _BodyTooLarge
            return message

        async def send_unless_refused(message: Message) -> None:
            if not too_large:
                await send(message)

        with contextlib.suppress(_BodyTooLarge):
            await self._app(scope, receive_bounded, send_unless_refused)
        if too_large:
            await _drain(receive)
            await _refuse(413, scope, send)


async def _drain(receive: Receive) -> None:
    """Read on and forget, within bounds: a client that is still sending cannot hear an answer."""
    read = 0
    try:
        async with asyncio.timeout(_DRAINED_SECONDS):
            while read < _DRAINED_BYTES:
                message = await receive()
                read += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


async def _refuse(status: int, scope: Scope, send: Send) -> None:
    code, detail = _REFUSALS[status]
    body = to_json(
        {
            "type": f"urn:wufei:problem:{code}",
            "title": detail,
            "status": status,
            "detail": detail,
            "instance": f"urn:wufei:request:{scope['request_id']}",
            "code": code,
            "errors": [],
        }
    )
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
