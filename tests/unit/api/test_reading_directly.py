"""What of an endpoint's signature is read directly, and what asks for too much."""

import json
from typing import Annotated, Any

import pytest
from fastapi import Body, Cookie, Depends, Header, Query, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.api.fast_parameters import FastParameters


class _Said(BaseModel):
    value: int


def _needed() -> None:
    """Need nothing."""


async def _reads(
    request: Request,
    plan: str,
    body: _Said,
    least: Annotated[int, Query()] = 1,
    most: Annotated[int, Query()] = 5,
    if_match: Annotated[str | None, Header()] = None,
) -> None:
    """Take something from everywhere."""


async def _depends(needed: Annotated[None, Depends(_needed)]) -> None:
    """Depend on something."""


async def _cookie(kept: Annotated[str, Cookie()] = "") -> None:
    """Take a cookie."""


async def _two(one: Annotated[_Said, Body()], other: Annotated[_Said, Body()]) -> None:
    """Take two bodies."""


@pytest.mark.parametrize("endpoint", [_depends, _cookie, _two])
def test_what_asks_for_more_than_is_read_directly_is_refused(endpoint: Any) -> None:
    route = APIRoute("/x", endpoint, methods=["POST"])
    with pytest.raises(TypeError, match="more than is read directly"):
        FastParameters(route)


def _request(body: object, query: str = "", **headers: str) -> Request:
    sent = json.dumps(body).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent, "more_body": False}

    given = {"content-length": str(len(sent)), "content-type": "application/json", **headers}
    return Request(
        {
            "type": "http",
            "method": "POST",
            "path_params": {"plan": "p"},
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items() if value],
        },
        receive,
    )


async def test_path_query_headers_body_and_request_are_read() -> None:
    reader = FastParameters(APIRoute("/x/{plan}", _reads, methods=["POST"]))
    request = _request({"value": 7}, "most=9", **{"if-match": '"1"'})
    found = await reader.arguments(request)
    assert found == {
        "request": request,
        "plan": "p",
        "body": _Said(value=7),
        "least": 1,
        "most": 9,
        "if_match": '"1"',
    }
    bare = await reader.arguments(_request({"value": 7}))
    assert bare is not None
    assert (bare["least"], bare["most"], bare["if_match"]) == (1, 5, None)
    unsaid = await reader.arguments(_request({"value": 7}, **{"content-type": ""}))
    assert unsaid is not None, "without a media type it is taken for JSON"


@pytest.mark.parametrize(
    ("body", "query", "headers"),
    [
        ({"value": "x"}, "", {}),
        ({}, "", {}),
        ({"value": 7}, "most=x", {}),
        ({"value": 7}, "moist=1", {}),
        ({"value": 7}, "", {"content-type": "text/plain"}),
    ],
)
async def test_what_is_not_in_order_is_left_to_the_general_way(
    body: object, query: str, headers: dict[str, str]
) -> None:
    reader = FastParameters(APIRoute("/x/{plan}", _reads, methods=["POST"]))
    assert await reader.arguments(_request(body, query, **headers)) is None
