"""The façade for partners, `POST /gw/v1/<operation>`: flat members in, `{code, message, data}` out.

Each is an operation of the contract, found by its name: its path and its query tell which member
goes where. It is run by that operation's own route, in this process, as the key that the
partner acts as. All deviations from the contract that gateways need are here and nowhere else.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic_core import from_json, to_json
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from services.api.gateways.quirks import instants_of
from services.api.known_partners import SignedCall
from services.api.request_context import RequestContext, begin_context, context_of
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text

OPERATIONS = (
    "list_submissions",
    "get_submission",
    "create_submission",
    "write_batch",
    "get_scoreboard",
    "list_late",
    "list_indicators",
    "read_events",
    "get_catalog",
)
"""The operations that partners may call, by their names in the contract."""

MOST_ROWS = 10_000
"""Most rows before a page that is requested by number; beyond, `page_token` goes on."""

_STEP = 500
_LONGEST_PAGE = 500
_OK = 200
_REFUSED_FROM = 400
_OPTIONS = ("validate_only",)
"""Members that belong to the address of a change, not to its body."""

_KEPT_HEADERS = frozenset({b"accept-language", b"wufei-position", b"user-agent", b"traceparent"})
_KEPT_OF_SCOPE = frozenset(
    {"type", "asgi", "http_version", "scheme", "server", "client", "root_path", "app", "state"}
    | {"extensions", "starlette.exception_handlers"}
    | {"fastapi_middleware_astack"}
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the contract, as partners call it."""

    route: APIRoute
    method: str
    in_path: frozenset[str]
    in_query: frozenset[str]
    has_body: bool

    @property
    def is_paged(self) -> bool:
        """Whether it is a paged list."""
        return {"page_size", "page_token"} <= self.in_query


def operation_of(app: FastAPI, name: str) -> Operation | None:
    """Return an operation that partners may call; None: no operation has this name."""
    known: dict[str, Operation] = app.state.facade
    return known.get(name)


def instants_here(app: FastAPI) -> frozenset[str]:
    """Return the names of members that hold instants, in any answer of this API."""
    known: dict[str, Operation] = app.state.facade
    models = [one.route.response_model for one in known.values()]
    return frozenset[str]().union(*(instants_of(one) for one in models if isinstance(one, type)))


def operations_of(routes: Iterable[Any]) -> dict[str, Operation]:
    """Return the operations that partners may call, by name, of these routes."""
    named = {one.name: one for one in routes if isinstance(one, APIRoute)}
    return {name: _read(named[name]) for name in OPERATIONS}


def _read(route: APIRoute) -> Operation:
    (method,) = route.methods or {"GET"}
    return Operation(
        route,
        method,
        frozenset(route.param_convertors),
        frozenset(_query(route.dependant)),
        method != "GET",
    )


def _query(dependant: Any) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for one in dependant.dependencies:
        yield from _query(one)


@dataclass(frozen=True, slots=True)
class Asked:
    """A partner's members, sorted into the parts of an operation's request."""

    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    request_id: str | None = None


def asked(operation: Operation, members: Mapping[str, Any], request_id: str | None) -> Asked:
    """Sort members into path, query and body.

    Raises:
        InvalidInput: a member of the path is missing.
    """
    lacking = [name for name in sorted(operation.in_path) if not _said(members.get(name))]
    if lacking:
        said = Text("缺少此项", "It is missing")
        raise InvalidInput(faults=[Fault(f"/{name}", "missing", said) for name in lacking])
    path = operation.route.path_format
    for name in operation.in_path:
        path = path.replace(f"{{{name}}}", str(members[name]))
    rest = {name: one for name, one in members.items() if name not in operation.in_path}
    if not operation.has_body:
        return Asked(path, {name: _word(one) for name, one in rest.items() if _said(one)})
    options = {name: _word(rest.pop(name)) for name in _OPTIONS if name in rest}
    return Asked(path, options, to_json(rest), request_id)


def _said(value: object) -> bool:
    return value is not None and value != ""


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_word(one) for one in value] if isinstance(value, list) else str(value)


@dataclass(frozen=True, slots=True)
class Answered:
    """An operation's answer, as its own path gives it."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def is_refusal(self) -> bool:
        """Whether it is a refusal."""
        return self.status >= _REFUSED_FROM

    def read(self) -> Any:
        """Return the parsed body; None: there is none."""
        return from_json(self.body) if self.body else None


async def carried_out(
    request: Request, operation: Operation, wanted: Asked, call: SignedCall
) -> Answered:
    """Run an operation as the key that a partner acts as, and return its answer."""
    scope = _scope(request, operation, wanted, call)
    # The body of the call was read, so only its disconnect can still be received.
    return await answered_by(operation.route, scope, wanted.body, afterwards=request.receive)


async def _never() -> Message:
    """Wait for ever, in place of a message from the client.

    A streaming response waits for a disconnect while it is sent, and would stop at one.
    """
    message: Message = await asyncio.get_running_loop().create_future()
    return message


async def answered_to(
    send: Send,
    route: APIRoute,
    scope: Scope,
    sent_body: bytes,
    *,
    afterwards: Receive = _never,
) -> None:
    """Run an operation's route on a request made here, and stream its response to `send`.

    `afterwards` is received after the body.

    Raises:
        InvalidInput: a member of the path is not possible there.
    """
    match, found = route.matches(scope)
    if match is not Match.FULL:
        # The only possible fault is a slash in a path parameter.
        raise InvalidInput(
            faults=[Fault("", "not-in-a-path", Text("路径参数有误", "A path holds none such"))]
        )
    scope.update(found)
    sent = iter([{"type": "http.request", "body": sent_body, "more_body": False}])

    async def receive() -> Message:
        return next(sent, None) or await afterwards()

    await route.handle(scope, receive, send)


async def answered_by(
    route: APIRoute, scope: Scope, sent_body: bytes, *, afterwards: Receive = _never
) -> Answered:
    """Return the answer of an operation's route to a request made here.

    `afterwards` is received after the body.

    Raises:
        InvalidInput: a member of the path is not possible there.
    """
    answered: list[Message] = []

    async def send(message: Message) -> None:
        answered.append(message)

    await answered_to(send, route, scope, sent_body, afterwards=afterwards)
    start, *rest = answered
    body = b"".join(one.get("body", b"") for one in rest)
    return Answered(start["status"], dict(start["headers"]), body)


def _scope(request: Request, operation: Operation, wanted: Asked, call: SignedCall) -> Scope:
    outer = request.scope
    headers = [one for one in outer["headers"] if one[0] in _KEPT_HEADERS]
    if operation.has_body:
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(wanted.body)).encode()))
        if wanted.request_id is not None:
            headers.append((b"idempotency-key", wanted.request_id.encode()))
    made = scope_of(request, operation.method, wanted.path, wanted.query, headers)
    context = context_of(made)
    context.signed, context.by_gateway = call, True
    return made


def scope_of(
    request: Request,
    method: str,
    asked_path: str,
    query: Mapping[str, Any],
    headers: Iterable[tuple[bytes, bytes]],
) -> Scope:
    """Return the scope of a request that is made here within another one."""
    outer, context = request.scope, context_of(request)
    path = outer.get("root_path", "") + asked_path
    made: Scope = {
        **{name: one for name, one in outer.items() if name in _KEPT_OF_SCOPE},
        "method": method,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": urlencode(query, doseq=True).encode(),
        "headers": list(headers),
    }
    begin_context(made, RequestContext(context.request_id, context.limited))
    return made


@dataclass(frozen=True, slots=True)
class Page:
    """The requested page of a list, from 1, and its number of rows."""

    number: int
    size: int


def page_of(members: dict[str, Any]) -> Page | None:
    """Take `page` and `pagesize` out of members; None: the list is paged by `page_token`.

    Raises:
        InvalidInput: they are not numbers, or out of range.
    """
    faults = []
    found = {"page": 0, "pagesize": 50}
    bounds = {"page": MOST_ROWS, "pagesize": _LONGEST_PAGE}
    for name, most in bounds.items():
        value = members.pop(name, None)
        if not _said(value):
            continue
        text = str(value)
        found[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0  # noqa: PLR2004
        if not 1 <= found[name] <= most:
            said = Text(f"应为 1 到 {most} 的整数", f"A whole number from 1 to {most}")
            faults.append(Fault(f"/{name}", "out-of-range", said, text[:60]))
    if not faults and found["page"] * found["pagesize"] > MOST_ROWS:
        said = Text(
            f"按页号至多读到第 {MOST_ROWS} 行；请改用 page_token 续读，或缩小范围",
            f"By number up to row {MOST_ROWS}: go on by page_token, or ask for less",
        )
        faults.append(Fault("/page", "page-too-far", said, found["page"]))
    if faults:
        raise InvalidInput(faults=faults)
    if not found["page"]:
        members.setdefault("page_size", found["pagesize"])
        return None
    return Page(found["page"], found["pagesize"])


async def read_page(
    request: Request, operation: Operation, wanted: Asked, call: SignedCall, page: Page
) -> Answered:
    """Return a page by its number, with the total, by reading the list from its start.

    Lists here are paged by cursor and have no total, so the preceding rows are read too: at most
    10,000, in steps that are each a request of its own to the list.
    """
    rows: list[Any] = []
    token: str | None = None
    while True:
        query = {**wanted.query, "page_size": str(_STEP)}
        if token is not None:
            query["page_token"] = token
        answer = await carried_out(request, operation, Asked(wanted.path, query), call)
        if answer.status != _OK:
            return answer
        said = answer.read()
        rows += said["items"]
        token = said.pop("next_page_token", None)
        if token is None or len(rows) >= MOST_ROWS:
            break
    first = (page.number - 1) * page.size
    shown = {
        **said,
        "items": rows[first : first + page.size],
        "total": len(rows),
        "total_is_more": token is not None,
        "page": page.number,
        "pagesize": page.size,
    }
    return Answered(answer.status, answer.headers, to_json(shown))


_OF_A_REPORT = frozenset({"index", "outcome", "errors"})
"""Members that every partner gets of its own rows, because they say which ones were refused."""


def with_members(data: Any, fields: Collection[str]) -> Any:
    """Return an answer with only the members that a partner may have; none given: all.

    In a list this filters the members of rows; those beside the rows stay. The outcome of rows that
    the partner wrote itself is always returned.
    """
    if not fields or not isinstance(data, dict):
        return data
    if isinstance(data.get("items"), list):
        rows = [
            _kept(one, {*fields, *_OF_A_REPORT} if _is_report(one) else fields)
            for one in data["items"]
        ]
        return {**data, "items": rows}
    return _kept(data, fields)


def _is_report(row: Any) -> bool:
    return isinstance(row, dict) and row.keys() >= _OF_A_REPORT


def _kept(row: Any, fields: Collection[str]) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: value for name, value in row.items() if name in fields}
