"""The short way in and the general one: whichever a request takes, it hears the same."""

import json
from typing import Annotated

import pytest
from fastapi import Depends, Response

from services.api.routing import plan_access, versioned_router
from services.core.identity.rules import Permission
from tests.support.api import Door, a_submission

_PATH = "/plans/410183-2025/submissions"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=UTF-8", "application/vnd.wufei+json", None],
)
async def test_json_is_taken_whatever_its_type_is_called(
    door: Door, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    async with await door.as_("office") as office:
        made = await office.post(
            _PATH,
            params={"validate_only": "true"},
            content=json.dumps(a_submission()),
            headers=headers,
        )
    assert made.status_code == 201, made.text


@pytest.mark.parametrize(
    ("asked", "status", "code", "pointers"),
    [
        ({"params": {"validate_only": "perhaps"}}, 422, "invalid-input", ["/query/validate_only"]),
        (
            {"headers": {"Idempotency-Key": "k" * 256}},
            422,
            "invalid-input",
            ["/header/idempotency-key"],
        ),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "unsupported-media-type", []),
        ({"content": "{"}, 400, "malformed-body", []),
        ({"content": "[]"}, 422, "invalid-input", [""]),
    ],
)
async def test_what_is_not_in_order_is_told_by_its_place(
    door: Door, asked: dict[str, object], status: int, code: str, pointers: list[str]
) -> None:
    body = {"content": json.dumps(a_submission()), "headers": {"Content-Type": "application/json"}}
    async with await door.as_("office") as office:
        answer = await office.post(_PATH, **{**body, **asked})  # type: ignore[arg-type]
    problem = answer.json()
    told = [error["pointer"] for error in problem["errors"]]
    assert (answer.status_code, problem["code"], told) == (status, code, pointers)


async def test_a_list_is_narrowed_and_its_parameters_are_checked(door: Door) -> None:
    async with await door.as_("office") as office:
        some = await office.get(_PATH, params={"state": "approved", "page_size": 1})
        none = await office.get(_PATH, params={"state": "lost", "page_size": 501})
    assert some.status_code == 200
    assert {error["pointer"] for error in none.json()["errors"]} == {
        "/query/state",
        "/query/page_size",
    }


def test_a_hot_endpoint_with_dependencies_is_refused_at_the_start() -> None:
    async def given() -> int:
        return 1

    @plan_access(Permission.READ_PLAN)
    async def hot(_given: Annotated[int, Depends(given)]) -> Response:
        return Response()

    with pytest.raises(TypeError, match="hot asks for more"):
        versioned_router("test").get("/plans/{plan}/hot", response_model=None)(hot)
