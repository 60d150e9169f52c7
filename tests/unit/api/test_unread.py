"""What of a request a route does not read, and what is said of it."""

from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from fastapi import Query, Request
from fastapi.routing import APIRoute

from services.api.request_context import RequestContext, begin_context
from services.api.table_forms import Form
from services.api.unread import Signature
from services.core.kit.errors import Fault


async def _list(
    period: str = "",
    kind: Annotated[list[str] | None, Query()] = None,
    changed_after: str = "",
) -> None:
    """Take three parameters, one of which may come several times."""


async def _nothing() -> None:
    """Take nothing."""


LIST, NOTHING = APIRoute("/x", _list), APIRoute("/x", _nothing, methods=["POST"])


async def _unread(
    route: APIRoute, query: str = "", body: bytes = b"", form: Form | None = None
) -> Sequence[Fault]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-length", str(len(body)).encode())] if body else []
    said: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "query_string": query.encode(),
        "headers": headers,
    }
    begin_context(said, RequestContext("r-1", form=form))
    return await Signature(route).unread(Request(said, receive))


async def _told(
    route: APIRoute, query: str = "", body: bytes = b"", form: Form | None = None
) -> list[tuple[str, str, object]]:
    return [(one.pointer, one.code, one.value) for one in await _unread(route, query, body, form)]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", []),
        ("period=2025", []),
        ("period=2025&period=2026", [("/query/period", "given-twice", "2026")]),
        ("period=2025&changed_after=", [("/query/changed_after", "blank-parameter", None)]),
        ("period=%E3%80%80", [("/query/period", "blank-parameter", None)]),
        ("periode=", [("/query/periode", "unknown-parameter", "")]),
        ("periode=2025", [("/query/periode", "unknown-parameter", "2025")]),
    ],
)
async def test_each_parameter_that_is_not_read_is_told_with_what_was_said(
    query: str, told: list[tuple[str, str, object]]
) -> None:
    assert await _told(LIST, query) == told


async def test_the_nearest_name_is_offered_where_there_is_one() -> None:
    (near,) = await _unread(LIST, "periode=1")
    assert near.detail.en.endswith("did you mean period?")
    (none,) = await _unread(NOTHING, "periode=1")
    assert none.detail.en.endswith("the operation takes none")


async def test_changes_are_read_as_json_alone() -> None:
    changed = "changed_after=p1"
    assert await _told(LIST, changed) == []
    assert await _told(LIST, "period=1", form=Form.CSV) == []
    refused = [("/query/changed_after", "not-in-an-export", "p1")]
    assert await _told(LIST, changed, form=Form.CSV) == refused


@pytest.mark.parametrize(("more", "told"), [(0, []), (1, ["1 more"]), (2, ["2 more"])])
async def test_of_many_unknown_names_twenty_are_told_and_the_others_counted(
    more: int, told: list[str]
) -> None:
    found = await _unread(LIST, "&".join(f"a{number}=1" for number in range(20 + more)))
    assert [one.pointer for one in found[:20]] == [f"/query/a{number}" for number in range(20)]
    assert [one.detail.en[:6] for one in found[20:]] == told
    assert {one.code for one in found} == {"unknown-parameter"}
    assert {one.pointer for one in found[20:]} <= {"/query"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{}", []),
        (b" null ", []),
        (b'{"a": "b", "c": 1}', [("/a", "extra-forbidden", "b"), ("/c", "extra-forbidden", "1")]),
        (b'"a"', [("", "no-body-taken", "a")]),
        (b"{", [("", "no-body-taken", None)]),
    ],
)
async def test_each_member_of_a_body_that_is_not_taken_is_told_with_what_it_says(
    body: bytes, told: list[tuple[str, str, object]]
) -> None:
    assert await _told(NOTHING, "", body) == told


async def test_what_is_wrong_of_query_and_body_is_told_together() -> None:
    told = [("/query/a", "unknown-parameter", "1"), ("/b", "extra-forbidden", "2")]
    assert await _told(NOTHING, "a=1", b'{"b": 2}') == told


@pytest.mark.parametrize("length", [None, b"0"])
async def test_a_body_that_was_not_announced_is_not_waited_for(length: bytes | None) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError

    headers = [(b"host", b"h"), *([] if length is None else [(b"content-length", length)])]
    said: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "query_string": b"",
        "headers": headers,
    }
    assert await Signature(NOTHING).unread(Request(said, receive)) == []
