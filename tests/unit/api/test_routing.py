"""What a route of ours is made of, and what of a request it has not read."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, Query, Request
from fastapi.routing import APIRoute

from services.api.request_context import RequestContext, begin_context
from services.api.routing import ExactRequest, ExactRoute, plan_access, versioned_router
from services.api.unread import Signature
from services.api.write_options import read_write_options
from services.core.identity.rules import Permission


async def _nothing() -> None:
    """Take nothing and do nothing."""


async def _guard() -> None:
    """Depend on nothing."""


async def _several(kind: Annotated[list[str], Query()], one: str = "") -> None:
    """Take one parameter that may come several times, and one that may not."""


async def _body(body: dict[str, Any]) -> None:
    """Take a body."""


class _OwnRequest(ExactRequest):
    """A request of another kind."""


class _OwnRoute(ExactRoute):
    """A route of another kind."""

    request_class = _OwnRequest


def _dependencies(route: APIRoute) -> list[Any]:
    return [each.dependency for each in route.dependencies]


def test_a_router_is_of_version_1_with_our_routes_named_as_their_functions() -> None:
    router = versioned_router("things", route_class=_OwnRoute)
    router.get("/nothing")(_nothing)
    (route,) = router.routes
    assert isinstance(route, _OwnRoute)
    assert (route.path, route.tags, route.unique_id) == ("/v1/nothing", ["things"], "_nothing")
    assert router.strict_content_type is False, "a body of any type is read as JSON"
    plain = versioned_router("things")
    plain.get("/nothing")(_nothing)
    assert type(plain.routes[0]) is ExactRoute


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_route_that_writes_reads_its_options_before_all_else(method: str) -> None:
    route = ExactRoute("/x", _nothing, methods=[method], dependencies=[Depends(_guard)])
    assert (route.path, route.endpoint, route.methods) == ("/x", _nothing, {method})
    assert _dependencies(route) == [read_write_options, _guard]
    assert _dependencies(ExactRoute("/x", _nothing, methods={method})) == [read_write_options]


@pytest.mark.parametrize("methods", [["GET"], {"GET"}, None])
def test_a_route_that_reads_has_no_options(methods: list[str] | None) -> None:
    route = ExactRoute("/x", _nothing, methods=methods, dependencies=[Depends(_guard)], name="it")
    assert (route.methods, route.name) == ({"GET"}, "it")
    assert _dependencies(route) == [_guard]
    assert route.permission is None


def test_a_marked_endpoint_has_its_permission_and_reads_its_options_by_itself() -> None:
    async def hot() -> None:
        """Return a ready response."""

    assert plan_access(Permission.READ_PLAN)(hot) is hot
    route = ExactRoute("/x", hot, methods=["POST"])
    assert route.permission is Permission.READ_PLAN
    assert _dependencies(route) == []


def _request(query: str = "", body: bytes = b"") -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-length", str(len(body)).encode())] if body else []
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "query_string": query.encode(),
        "headers": headers,
    }
    begin_context(scope, RequestContext("r-1"))
    return Request(scope, receive)


async def _codes(route: APIRoute, request: Request) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in await Signature(route).unread(request)]


async def test_a_parameter_may_come_twice_only_where_a_list_is_taken() -> None:
    route = APIRoute("/x", _several)
    assert await _codes(route, _request("kind=a&kind=b")) == []
    assert await _codes(route, _request("one=a&one=b")) == [("/query/one", "given-twice")]
    assert await _codes(route, _request("onne=a")) == [("/query/onne", "unknown-parameter")]


async def test_a_body_is_left_unread_only_where_none_is_taken() -> None:
    said = b'{"a": 1}'
    assert await _codes(APIRoute("/x", _body, methods=["POST"]), _request(body=said)) == []
    by_itself = APIRoute("/x", _nothing, methods=["POST"], openapi_extra={"requestBody": {}})
    assert await _codes(by_itself, _request(body=said)) == []
    for takes_none in (
        APIRoute("/x", _nothing, methods=["POST"]),
        APIRoute("/x", _nothing, methods=["POST"], openapi_extra={"x-other": {}}),
    ):
        assert await _codes(takes_none, _request(body=said)) == [("/a", "extra-forbidden")]
