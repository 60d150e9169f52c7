"""Refuses query parameters and bodies that a route would silently ignore.

A misspelt `validate_only` would write, a misspelt filter would return everything, an empty
one nothing. So every route knows, from its signature, the names of its query parameters and whether
it takes a body.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from copy import copy
from dataclasses import replace
from typing import Any, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from typing_extensions import override

from services.api.deferred_faults import DeferredFaults
from services.api.request_context import context_of
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.faults import echo, faults_of, pointer
from services.core.kit.nearest import with_nearest
from services.core.kit.said import trimmed
from services.core.kit.text import Text

_SAYS_NOTHING = (b"", b"{}", b"null")
_OF_A_BODY = {b"content-length", b"transfer-encoding"}

_TWICE = Text("该参数只能出现一次", "It can be given once only")
_NO_MEMBER = Text("没有这一项：此操作不接受任何内容", "There is no such member: it takes none")
_NO_BODY = Text("此操作不接受请求体，请去掉", "The operation takes no body: leave it out")
_NO_PARAMETERS = Text(
    "没有这个查询参数：此操作不接受任何查询参数",
    "There is no such query parameter: the operation takes none",
)
BLANK = "blank-parameter"
"""The code of a query parameter that was given without a value."""

_BLANK = Text("请填写该参数的值，不需要时去掉该参数", "Give it a value, or leave the parameter out")
_UNKNOWN = Text("没有这个查询参数", "There is no such query parameter")
_MORE = Text(
    "另有 {more} 个没有的查询参数",
    "{more} more query parameters were given that do not exist",
)
_NOT_IN_AN_EXPORT = Text(
    "CSV 和 XLSX 无法表示已离开列表的条目；增量请用 JSON 读取，或去掉该参数",
    "CSV and XLSX cannot say what left the list: read changes as JSON, or leave it out",
)
_CHANGES = "changed_after"
_MOST_TOLD = 20
"""At most this many unknown names are listed: each costs a search for the nearest, and a line."""


class Signature:
    """The inputs that a route reads: its query parameters by name, and whether it takes a body."""

    def __init__(self, route: APIRoute) -> None:
        parameters = list(_query(route.dependant))
        self._known = sorted({field.alias for field in parameters})
        self._repeated = {field.alias for field in parameters if _is_list(field)}
        shown = route.openapi_extra or {}  # documents a body that the endpoint reads by itself
        self._takes_body = route.body_field is not None or "requestBody" in shown

    async def unread(self, request: Request) -> list[Fault]:
        """Return the inputs of a request that its route does not read, as faults.

        Raises:
            MalformedBody: the caller disconnected while it was still sending.
        """
        faults = []
        if request.scope["query_string"]:
            faults = self._unread_query(request)
        if not self._takes_body and _has_body(request):
            faults += await _unread_body(request)
        return faults

    def _unread_query(self, request: Request) -> list[Fault]:
        said = request.query_params
        times = Counter(name for name, _ in said.multi_items())
        unknown = [name for name in times if name not in self._known]
        faults = [
            Fault(pointer(("query", name)), "given-twice", _TWICE, echo(said[name]))
            for name in self._known
            if name not in self._repeated and times[name] > 1
        ]
        faults += [
            Fault(pointer(("query", name)), BLANK, _BLANK)
            for name in sorted({name for name, value in said.multi_items() if not trimmed(value)})
            if name in self._known
        ]
        if _CHANGES in times and context_of(request).form is not None:
            place = pointer(("query", _CHANGES))
            faults.append(Fault(place, "not-in-an-export", _NOT_IN_AN_EXPORT, echo(said[_CHANGES])))
        for name in unknown[:_MOST_TOLD]:
            place = pointer(("query", str(echo(name))))
            faults.append(Fault(place, "unknown-parameter", self._nearest(name), echo(said[name])))
        if (more := len(unknown) - _MOST_TOLD) > 0:
            faults.append(Fault("/query", "unknown-parameter", _MORE.format(more=more)))
        return faults

    def _nearest(self, name: str) -> Text:
        if not self._known:
            return _NO_PARAMETERS
        return with_nearest(_UNKNOWN, name, self._known)


class HeardRoute(APIRoute):
    """A route that refuses unread inputs, together with every other fault of the request."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        signature = Signature(self)
        # The same route with another endpoint: dependencies still check permission and existence,
        # then it refuses.
        judging = copy(self)
        judging.dependant = replace(
            self.dependant,
            call=_refuse,
            request_param_name=self.dependant.request_param_name or "request",
        )
        judge = APIRoute.get_route_handler(judging)

        async def answer(request: Request) -> Response:
            unread = await signature.unread(request)
            if not unread:
                return await handle(request)
            context_of(request).unread = unread
            return await judge(request)

        return answer


async def _refuse(**arguments: Any) -> None:
    """Stand in for an endpoint whose request has unread inputs.

    Raises:
        InvalidInput: always, with the faults of the body's shape too.
    """
    found = arguments.values()
    request = next(one for one in found if isinstance(one, Request))
    shape = [
        fault for one in found if isinstance(one, DeferredFaults) for fault in faults_of(one.errors)
    ]
    raise InvalidInput(faults=[*shape, *context_of(request).unread])


def _query(dependant: Dependant) -> Iterator[Any]:
    """Yield the query parameters of an endpoint and of all its dependencies."""
    yield from dependant.query_params
    for one in dependant.dependencies:
        yield from _query(one)


def _is_list(field: Any) -> bool:
    return get_origin(field.field_info.annotation) in {list, tuple, set, frozenset}


def _has_body(request: Request) -> bool:
    return any(name in _OF_A_BODY and value != b"0" for name, value in request.scope["headers"])


async def _unread_body(request: Request) -> list[Fault]:
    """Return the unread content of a body; `{}` and null count as empty."""
    try:
        body = (await request.body()).strip()
    except ClientDisconnect:
        raise MalformedBody from None
    if body in _SAYS_NOTHING:
        return []
    try:
        said = read_json(body)
    except MalformedBody:
        return [Fault("", "no-body-taken", _NO_BODY)]
    if not isinstance(said, dict):
        return [Fault("", "no-body-taken", _NO_BODY, echo(said))]
    return [
        Fault(pointer((name,)), "extra-forbidden", _NO_MEMBER, echo(value))
        for name, value in said.items()
    ]
