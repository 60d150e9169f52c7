"""The route classes: authentication, exact JSON numbers, and idempotent POSTs.

A malformed body is remembered, not raised, so that 401, 403 and 404 come before it.
"""

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, params
from starlette.datastructures import Headers
from typing_extensions import override

from services.api.exports.answering import Export
from services.api.fast_parameters import FastParameters
from services.api.limiting import Limits
from services.api.plan_cache import PlanCache
from services.api.quotas import Sort
from services.api.reading import choose_server
from services.api.request_context import Access, context_of
from services.api.second_try import tried_again
from services.api.security import address_of, authenticate, require
from services.api.unread import HeardRoute
from services.api.write_options import may_be_key, read_write_options
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.idempotency import KEPT, KeptReply, RequestKey, find_reply, keep


class Replay(Exception):
    """Raised inside a request whose response is already known."""

    def __init__(self, reply: KeptReply) -> None:
        super().__init__()
        self.reply = reply


_UNREADABLE = object()
"""Stands for a body that could not be parsed; no schema accepts it."""


_SAYS_NOTHING = (b"", b"null")
"""POST bodies that are equivalent to `{}`."""

LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
"""Media types of JSON lines: an empty body is no line, and not a line that is `{}`."""


class ExactRequest(Request):
    """A request whose JSON numbers stay exact.

    An empty body of a POST is `{}`, and so is null, in every media type but those of lines.
    """

    _untyped: Headers | None = None

    @property
    @override
    def headers(self) -> Headers:
        return self._untyped or super().headers

    @override
    async def body(self) -> bytes:
        sent = await super().body()
        if sent.strip() not in _SAYS_NOTHING or self.method != "POST" or self._has_lines():
            return sent
        # Some clients send a Content-Type with every POST, even without a body.
        named = self.scope["headers"]
        self._untyped = Headers(raw=[one for one in named if one[0] != b"content-type"])
        return b"{}"

    def _has_lines(self) -> bool:
        named = super().headers.get("content-type", "")
        return named.partition(";")[0].strip().lower() in LINES

    @override
    async def json(self) -> Any:
        try:
            return self.read(await self.body())
        except MalformedBody as error:
            context_of(self).malformed = error
            return _UNREADABLE

    def read(self, body: bytes) -> Any:
        """Return the parsed body.

        Raises:
            MalformedBody: it cannot be parsed.
        """
        return read_json(body)


async def digest_of(request: Request) -> bytes:
    """Return a digest of a whole request: its method, its address, its body."""
    scope = request.scope
    asked = hashlib.sha256(f"{scope['method']} {scope['path']}\n".encode() + scope["query_string"])
    # A streamed body is no longer in memory; its digest stands for it.
    asked.update(context_of(request).body_digest or await request.body())
    return asked.digest()


_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def plan_access(permission: Permission) -> Callable[[_Endpoint], _Endpoint]:
    """Mark a hot endpoint below `/plans/{plan}` that returns a complete response.

    Its route authorises first and stores `access_of`, because a dependency costs several times as
    much, and reads the parameters of an ordinary request directly.
    """

    def mark(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _PERMISSION, permission)
        return endpoint

    return mark


_PERMISSION = "plan_access_permission"


def heavy(endpoint: _Endpoint) -> _Endpoint:
    """Mark an endpoint of which one request is the work of many: a batch, an import, a form."""
    setattr(endpoint, _HEAVY, True)
    return endpoint


_HEAVY = "heavy_endpoint"


def access_of(request: Request) -> Access:
    """Return the caller and plan that the route of a marked endpoint found."""
    access = context_of(request).access
    if access is None:
        raise LookupError("its endpoint is not marked")
    return access


class ExactRoute(HeardRoute):
    """Admits known callers only, passes on `ExactRequest`s, stores the reply of a claimed key."""

    request_class: ClassVar[type[ExactRequest]] = ExactRequest

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        dependencies: Sequence[params.Depends] | None = None,
        **more: Any,
    ) -> None:
        first = [Depends(read_write_options)] if _writes(endpoint, methods) else []
        wanted = [*first, *(dependencies or ())]
        super().__init__(path, endpoint, methods=methods, dependencies=wanted, **more)

    @property
    def permission(self) -> Permission | None:
        """The permission that a marked endpoint requires."""
        return getattr(self.endpoint, _PERMISSION, None)

    @property
    def sort(self) -> Sort:
        """The quota sort of its requests; a request for a table is heavy whatever this says."""
        if hasattr(self.endpoint, _HEAVY):
            return "heavy"
        return "reads" if "GET" in (self.methods or ()) else "writes"

    @property
    def export(self) -> Export | None:
        """How its response becomes a table; None: it is not a list."""
        return Export.of(self)

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        permission, sort = self.permission, self.sort
        reader = None if permission is None else FastParameters(self)

        async def answer(request: Request) -> Response:
            exact, context = self.request_class(request.scope, request.receive), context_of(request)
            # A retry has claimed nothing: the transaction of its first try was rolled back.
            context.claimed = None
            actor = context.actor = await authenticate(exact)
            await admit(exact, actor.credential_id, sort)
            await choose_server(exact, actor)
            if permission is not None:
                require(exact, permission)
                plans: PlanCache = request.app.state.resources.plans
                plan = await plans.get(exact.path_params["plan"], actor)
                context.access = Access(actor, plan)
            arguments = None if reader is None else await reader.arguments(exact)
            try:
                if arguments is None:
                    response = await handle(exact)
                else:
                    response = await self.endpoint(**arguments)
            except Replay as replay:
                context.is_replayed = True
                return replayed(replay.reply)
            except DomainError as refused:
                context.refused_under = await _asked_under(exact, actor, refused)
                raise
            # Store the reply in the transaction of the work itself: a repeat finds a reply that was
            # lost in transit, and none of work that was rolled back.
            if context.claimed is not None:
                session, key = context.claimed
                kept = context.kept_reply
                await keep(
                    session,
                    key,
                    status=response.status_code,
                    body=bytes(response.body) if kept is None else kept,
                    etag=response.headers.get("etag"),
                    location=response.headers.get("location"),
                )
            return response

        export = self.export
        served = _repeated(tried_again(answer))
        return served if export is None else export.served(served)


async def _asked_under(
    request: ExactRequest, actor: Actor, refused: DomainError
) -> RequestKey | None:
    """Return the idempotency key of a refused request, if it may have been answered before.

    A caller that has lost its permission is still refused.
    """
    key, context = request.headers.get("idempotency-key"), context_of(request)
    if request.method != "POST" or refused.kind is not RefusalKind.INVALID:
        return None
    if key is None or not may_be_key(key) or "validate_only" in request.query_params:
        return None
    half_read = context.is_streamed and context.body_digest is None
    if half_read or context.claimed is not None:
        return None
    access = context.access
    city_code = actor.city_code if access is None else access.plan.city_code
    return RequestKey(city_code, actor.credential_id, key, await digest_of(request))


def _repeated(
    handle: Callable[[Request], Coroutine[Any, Any, Response]],
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Return a handler that answers a repeat as the first time although it would be refused now.

    A request is validated before its key is claimed, and against a plan and rows that may have
    changed since. The stored reply is looked up once the request's own connection has been given
    back.
    """

    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except DomainError:
            context = context_of(request)
            asked = context.refused_under
            if asked is None:
                raise
            resources = request.app.state.resources
            async with resources.database.sessions() as session:
                since = resources.clock.true_now() - KEPT
                earlier = await find_reply(session, asked, since=since)
            if earlier is None:
                raise
            context.is_replayed = True
            return replayed(earlier)

    return answer


async def admit(request: Request, who: UUID | str, sort: Sort) -> None:
    """Count a request against the limits of its credential, once, however often it is tried.

    It takes one of the places of `who` until its answer is sent.

    Raises:
        RateLimited: the quota of the minute is used up.
        TooManyAtOnce: so many of its requests are under way, as may be.
    """
    limits: Limits | None = request.app.state.resources.limits
    context = context_of(request)
    limited = context.limited
    if limits is None or limited.counted:
        return
    limited.counted = True
    await limits.admit(limited.told, who, sort if context.form is None else "heavy")
    await limits.places.begin(who)
    limited.begun = limits, who


class PublicRoute(HeardRoute):
    """Admits anybody; the endpoint validates and rate-limits what its address holds."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return tried_again(super().get_route_handler())


class ProofRoute(PublicRoute):
    """Admits anybody with a body that authenticates; rate-limited by address."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = HeardRoute.get_route_handler(self)

        async def answer(request: Request) -> Response:
            exact = ExactRequest(request.scope, request.receive)
            limits: Limits | None = request.app.state.resources.limits
            limited = context_of(request).limited
            if limits is not None and not limited.counted:
                limited.counted = True
                await limits.admit(limited.told, address_of(exact) or "socket", "sign_ins")
            return await handle(exact)

        return tried_again(answer)


def _writes(endpoint: Callable[..., Any], methods: set[str] | list[str] | None) -> bool:
    """Return whether a route writes, and leaves its write options to us."""
    return "GET" not in (methods or {"GET"}) and not hasattr(endpoint, _PERMISSION)


def versioned_router(tag: str, *, route_class: type[ExactRoute] = ExactRoute) -> APIRouter:
    """Return a router for paths below `/v1`, all of which need a credential."""
    return APIRouter(
        prefix="/v1",
        route_class=route_class,
        tags=[tag],
        strict_content_type=False,
        generate_unique_id_function=lambda route: route.name,
    )


def replayed(reply: KeptReply) -> Response:
    """Return the stored response of an earlier request with the same key."""
    headers = {"Idempotency-Replayed": "true"}
    if reply.etag:
        headers["ETag"] = reply.etag
    if reply.location:
        headers["Location"] = reply.location
    return Response(reply.body, reply.status, headers, "application/json")
