"""The ASGI middleware: request id, trace, body limit, no NUL in the address, metrics."""

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.browsers import harden
from services.api.inflating import Inflater
from services.api.observed import counted_open, told_of_request
from services.api.outward import compressing, mend, under_prefix, wants_compressed
from services.api.problems import problem_of
from services.api.request_context import RequestContext, begin_context
from services.api.signed_calls import told_of_call
from services.api.table_forms import hear_form
from services.core.evidence.errors import file_too_large
from services.core.kit.city_scope import NO_CITY, in_city
from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.ids import new_id
from services.core.kit.one_connection import unit_of_work
from services.core.kit.text import Text
from services.core.kit.tracing import present_span
from services.core.kit.trail import Trail, on_trail, read_traceparent
from services.core.plan.evidence_rules import MOST_BYTES

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Longest body accepted: a plan of a thousand indicators is well below."""

MAX_FILE_BYTES = MOST_BYTES
"""Longest file of evidence accepted, whatever a plan allows."""

FILES = "/evidence"
"""Suffixes of the paths that take a file as their body."""

_DRAINED_BYTES = 128 * 1024 * 1024
_DRAINED_SECONDS = 10

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


class MalformedAddress(DomainError):
    """The path or the query holds a NUL character, which no name here does."""

    code = "malformed-address"
    kind = RefusalKind.MALFORMED
    title = Text("地址含有空字符", "The address holds a NUL character")


class BodyTooLarge(DomainError):
    """No path takes a body of more than 8 MiB, but for those that take a file of evidence."""

    code = "body-too-large"
    kind = RefusalKind.TOO_LARGE
    title = Text("请求体超过 8 MiB", "The body is longer than 8 MiB")


class UnsupportedEncoding(DomainError):
    """The body comes in a content coding that is neither gzip nor none at all."""

    code = "unsupported-encoding"
    kind = RefusalKind.UNSUPPORTED
    title = Text(
        "不支持的内容编码，请用 Content-Encoding: gzip，或不压缩",
        "The content coding is not supported: use Content-Encoding: gzip, or none",
    )


_GZIP = frozenset({b"gzip", b"x-gzip"})


class _Unreadable(Exception):
    pass


def _recorded(scope: Scope, message: Message) -> int:
    """Pass a response to the audit, if the process has one open; return its status."""
    resources = getattr(scope["app"].state, "resources", None)
    if resources is not None:
        resources.access.answered(scope, message)
    status: int = message["status"]
    return status


class Envelope:
    """The one middleware: pure ASGI, so that it costs a request next to nothing."""

    def __init__(self, app: ASGIApp, *, prefix: str = "") -> None:
        self._app = app
        self._prefix = prefix
        self._compressing = compressing(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        under_prefix(scope, self._prefix)
        headers = dict(scope["headers"])
        request_id = _request_id(headers)
        line = scope["method"], scope["path"], scope["query_string"]
        context = begin_context(scope, RequestContext(request_id.decode(), line=line))
        if head := scope["method"] == "HEAD":
            # Answered like GET, without the body (RFC 9110 section 9.3.2). The server, which drops
            # the body, still sees HEAD in its own scope.
            scope, context.is_head = {**scope, "method": "GET"}, True
        if scope["method"] == "GET":
            context.form, context.suffix = hear_form(scope, headers)
        started, answered, length = time.perf_counter(), 500, 0

        async def send_with_id(message: Message) -> None:
            nonlocal answered, length
            length += len(message.get("body", b""))
            if message["type"] == "http.response.start":
                answered = _recorded(scope, message)
                mend(message, self._prefix, headers)
                harden(message, reading=scope["method"] == "GET")
                message["headers"].append((b"x-request-id", request_id))
                message["headers"] += context.limited.told
            elif head:
                message = {**message, "body": b""}
            await send(message)

        trail = Trail(request_id=context.request_id, traceparent=_traceparent(headers))
        present_span().says({"wufei.request_id": context.request_id})
        try:
            with unit_of_work(), in_city(NO_CITY), on_trail(trail), counted_open(), context.limited:
                await self._pass(scope, receive, send_with_id, headers)
        finally:
            seconds = time.perf_counter() - started
            told_of_request(scope, trail, answered, seconds)
            told_of_call(scope, status=answered, seconds=seconds, bytes_out=length)

    async def _pass(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[bytes, bytes]
    ) -> None:
        """Pass a request on, unless its address or its length is refused at once."""
        declared = headers.get(b"content-length", b"0")
        most = _most_bytes(scope)
        if declared.isdigit() and int(declared[:20]) > most:
            await _drain(receive)
            await _refuse(_too_large(most), scope, receive, send)
        elif b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
            await _refuse(MalformedAddress(), scope, receive, send)
        elif declared == b"0" and b"transfer-encoding" not in headers:
            app = self._compressing if wants_compressed(scope, headers) else self._app
            await app(scope, receive, send)
        elif (encoding := headers.get(b"content-encoding", b"identity").strip().lower()) in _GZIP:
            await self._bounded(scope, receive, send, Inflater(most=most))
        elif encoding != b"identity":
            await _drain(receive)
            await _refuse(UnsupportedEncoding(), scope, receive, send)
        else:
            await self._bounded(scope, receive, send)

    async def _bounded(
        self, scope: Scope, receive: Receive, send: Send, inflater: Inflater | None = None
    ) -> None:
        """Refuse a body that is too long, whatever length was declared, or not valid gzip."""
        read = 0
        most = _most_bytes(scope)
        ended = False
        refusal: DomainError | None = None

        async def receive_bounded() -> Message:
            nonlocal read, ended, refusal
            message = await receive()
            ended = not message.get("more_body", False)
            try:
                if inflater is not None:
                    message = inflater.inflated(message)
                read += len(message.get("body", b""))
                if read > most:
                    raise _too_large(most)
            except DomainError as error:
                refusal = error
                raise _Unreadable from None
            return message

        async def send_unless_refused(message: Message) -> None:
            if refusal is None:
                await send(message)

        with contextlib.suppress(_Unreadable):
            await self._app(scope, receive_bounded, send_unless_refused)
        if refusal is not None:
            if not ended:
                await _drain(receive)
            await _refuse(refusal, scope, receive, send)


def _request_id(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the request's own id, or a new id if it has none that is acceptable."""
    given = headers.get(b"x-request-id", b"")
    return given if _REQUEST_ID.fullmatch(given) else str(new_id()).encode()


def _most_bytes(scope: Scope) -> int:
    """Return the body limit of a request."""
    takes_file = scope["method"] == "POST" and scope["path"].endswith(FILES)
    return MAX_FILE_BYTES if takes_file else MAX_BODY_BYTES


def _too_large(most: int) -> DomainError:
    return BodyTooLarge() if most == MAX_BODY_BYTES else file_too_large(most)


def _traceparent(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the trace parent of a request's events: its span, or else the caller's own."""
    traced = present_span().traceparent
    given = headers.get(b"traceparent")
    if traced is not None:
        return traced
    return None if given is None else read_traceparent(given.decode("latin-1"))


async def _drain(receive: Receive) -> None:
    """Read and discard, within bounds: a client that is still sending cannot receive a response."""
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


async def _refuse(error: DomainError, scope: Scope, receive: Receive, send: Send) -> None:
    refusal = problem_of(error).answer(Request(scope))
    refusal.headers["Connection"] = "close"
    await refusal(scope, receive, send)
