"""Calls operations of the contract in this process, as the visitor of a page.

So a form has the rights, the checks, the refusals and the history of the call that it stands for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.types import Scope, Send

from services.api.board.visitors import Visitor
from services.api.gateways.facade import Answered, answered_by, answered_to, scope_of
from services.api.request_context import context_of
from services.core.identity.access_tokens import BOARD

_KEPT = frozenset({b"accept-language", b"user-agent", b"traceparent"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operation, by name.

    `body` is sent as JSON, `content` as it is. Under a `key` a repeat gets the first answer.
    """

    name: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content: bytes | None = None
    key: str | None = None
    if_match: str | None = None


def _route(app: FastAPI, name: str) -> APIRoute:
    for one in app.router.routes:
        if isinstance(one, APIRoute) and one.name == name and one.path.startswith("/v1/"):
            return one
    raise LookupError(name)


async def carried_out(request: Request, visitor: Visitor, call: Call) -> Answered:
    """Call an operation as a visitor with a session, and return its whole response."""
    return await answered_by(*_asked(request, visitor, call))


async def carried_out_to(send: Send, request: Request, visitor: Visitor, call: Call) -> None:
    """Call an operation as a visitor with a session, and stream its response to `send`."""
    await answered_to(send, *_asked(request, visitor, call))


def _asked(request: Request, visitor: Visitor, call: Call) -> tuple[APIRoute, Scope, bytes]:
    """Return the route of an operation, the scope of a request to it, and its body."""
    route = _route(request.app, call.name)
    (method,) = route.methods or {"GET"}
    path = route.path_format
    for name, value in call.path.items():
        path = path.replace(f"{{{name}}}", value)
    sent = call.content if call.content is not None else b""
    headers = [one for one in request.scope["headers"] if one[0] in _KEPT]
    headers.append((b"authorization", f"Bearer {visitor.token}".encode()))
    if call.content is not None:
        headers.append((b"content-type", b"application/octet-stream"))
    elif call.body is not None:
        sent = to_json(call.body)
        headers.append((b"content-type", b"application/json"))
    if sent:
        headers.append((b"content-length", str(len(sent)).encode()))
    for given, header in ((call.key, b"idempotency-key"), (call.if_match, b"if-match")):
        if given is not None:
            headers.append((header, given.encode("latin-1", "replace")))
    made = scope_of(request, method, path, call.query, headers)
    context_of(made).audience = BOARD
    return route, made, sent
