"""Every operation of the contract refuses in the published order: 401; 404 and 403; 400 and 422;
409, 412 and 428.

Each is asked with everything wrong at once, and with one thing less wrong each time: what comes
first in the order has to be what is told.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.support.api import Door, open_door
from tests.support.contract import CONTRACT, PROVED_IN_BODY, TOKEN_PATH
from tests.support.ground import Ground, body_of_today, prepare, who_may

NOBODY = "019aafc0-0000-7000-8000-00000000ffff"
UNKNOWN = {
    "plan": "410183-1999",
    "code": "ZZ99",
    "number": "99999",
    "question_id": "T999",
    "register": "NONE",
    "sheet": "NONE",
}
"""What names nothing; every other parameter of a path that names a thing is an id."""

NAMES_NO_THING = {"period", "year", "kind", "format"}
"""A period that was never opened is planned, every year is one, and kinds are known words."""

ONE_S_OWN = {"get_operation", "cancel_operation"}
"""Long work is not there for who did not start it; who did may lack a scope that it had then."""

NEW_CALENDAR = "PUT /v1/calendars/{code}"
"""A city may keep another calendar beside those there are: no code is unknown."""

LOADING = "POST /v1/plans"
"""All that is wrong with a document is told by itself: reading one is the work of the request."""

FIRST_NEEDS_NONE = {
    "PUT /v1/plans/{plan}/indicators/{code}/targets/{year}",
    "PUT /v1/calendars/{code}",
}
"""What is written for the first time is based on nothing; a later one names what it replaces."""


@dataclass(frozen=True)
class Operation:
    """An operation as the contract shows it."""

    method: str
    path: str
    name: str
    parameters: frozenset[str]
    refusals: frozenset[int]
    permitted: bool
    example: Any
    takes_a_file: bool

    @property
    def label(self) -> str:
        """How it is called: `POST /v1/plans`."""
        return f"{self.method} {self.path}"

    @property
    def takes_a_body(self) -> bool:
        """Whether the contract shows a body of it."""
        return self.example is not None

    def unknown(self, real: Mapping[str, str]) -> Iterator[str]:
        """Yield its addresses with one name each that names nothing."""
        for name in re.findall(r"{(\w+)}", self.path):
            if name not in NAMES_NO_THING:
                yield self.address({**real, name: UNKNOWN.get(name, NOBODY)})

    def address(self, names: Mapping[str, str]) -> str:
        """Return its path with names in it."""
        return self.path.removeprefix("/v1").format_map(names)


def _operations() -> list[Operation]:
    return [
        _operation(method.upper(), path, said)
        for path, methods in CONTRACT["paths"].items()
        for method, said in methods.items()
        if path.startswith("/v1/") and path not in {TOKEN_PATH, *PROVED_IN_BODY}
    ]


def _operation(method: str, path: str, said: Mapping[str, Any]) -> Operation:
    content = said.get("requestBody", {}).get("content", {}).get("application/json")
    example = None
    if content is not None:
        (named, *_) = content["examples"].values()
        example = CONTRACT["components"]["examples"][named["$ref"].rpartition("/")[2]]["value"]
    return Operation(
        method=method,
        path=path,
        name=said["operationId"],
        parameters=frozenset(
            one["name"] if "name" in one else one["$ref"].rpartition("/")[2]
            for one in said.get("parameters", [])
        ),
        refusals=frozenset(int(status) for status in said["responses"] if status > "399"),
        permitted="403" in said["responses"],
        example=example,
        takes_a_file="requestBody" in said and content is None,
    )


OPERATIONS = _operations()
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)


@dataclass
class Caller:
    """Asks operations with the faults that a test wants."""

    door: Door
    ground: Ground
    secrets: dict[str, str] = field(default_factory=dict)

    def names(self, operation: Operation) -> dict[str, str]:
        """Return the names of things that there are, and that the operation is about."""
        fixed = {"number": "14", "question_id": "T01", "year": "2025", "code": "U08"}
        named = {**fixed, **self.ground.named(operation.path, operation.name)}
        if operation.method == "PUT":
            named["code"] = "R01"
        if "calendars" in operation.path:
            named["code"] = "CN"
        if "organizations" in operation.path:
            named["code"] = "UN15"
        return named

    async def ask(
        self,
        operation: Operation,
        secret: str | None,
        address: str,
        *,
        query: Mapping[str, str] | None = None,
        **sent: Any,
    ) -> httpx.Response:
        """Return the answer to a request."""
        asked = dict(query or {})
        if operation.path.endswith(".ics"):
            asked["token"] = self.ground.calendar_secret if secret else "none"
        if operation.path.endswith("/evidence-content"):
            asked["link"] = self.ground.evidence["link"] if secret else "none"
        if operation.label == NEW_CALENDAR:
            asked = {"year": "2027", **asked}
        if operation.path.endswith(("/changes", "/comparison")):
            asked = {"from": "1", **asked}
        async with self.door.client(secret) as client:
            return await client.request(operation.method, address, params=asked, **sent)


def all_wrong(operation: Operation) -> dict[str, Any]:
    """Return what is wrong with a request wherever something can be: address, headers, body."""
    query = {"nonsense": "1"}
    wrong = {"ValidateOnly": "validate_only", "PageSize": "page_size", "PageToken": "page_token"}
    query |= {name: "!" for shown, name in wrong.items() if shown in operation.parameters}
    query |= dict.fromkeys(operation.parameters & {"section", "period", "organization"}, "!" * 600)
    headers = {"If-Match": 'W/"x"', "Idempotency-Key": "\x7f"}
    body = {"content": b"{"} if operation.method != "GET" else {}
    return {"query": query, "headers": headers, **body}


@pytest.fixture(scope="module")
async def caller(module_database_url: str) -> AsyncIterator[Caller]:
    async with open_door(module_database_url) as door:
        ground = await prepare(door, [one.label for one in OPERATIONS])
        yield Caller(door, ground, ground.secrets)


@every_operation
async def test_who_is_not_known_hears_that_first(caller: Caller, operation: Operation) -> None:
    address = operation.address(caller.names(operation))
    answer = await caller.ask(operation, None, address, **all_wrong(operation))
    assert answer.status_code == 401, answer.text


@every_operation
async def test_who_may_not_hears_that_before_what_is_wrong(
    caller: Caller, operation: Operation
) -> None:
    if not operation.permitted:
        assert 403 not in operation.refusals
        return
    address = operation.address(caller.names(operation))
    # Each of these two may do next to nothing, and not what the other may.
    secret = caller.secrets["security" if "/audit" in operation.label else "auditor"]
    answer = await caller.ask(operation, secret, address, **all_wrong(operation))
    assert answer.status_code == (404 if operation.name in ONE_S_OWN else 403), answer.text


@every_operation
async def test_what_is_not_there_is_told_before_what_is_wrong(
    caller: Caller, operation: Operation
) -> None:
    if operation.label == NEW_CALENDAR:
        return
    secret = caller.secrets[who_may(operation.label)]
    for address in operation.unknown(caller.names(operation)):
        answer = await caller.ask(operation, secret, address, **all_wrong(operation))
        assert answer.status_code == 404, (address, answer.text)


@every_operation
async def test_what_cannot_be_read_is_told_before_what_stands_in_the_way(
    caller: Caller, operation: Operation
) -> None:
    address = operation.address(caller.names(operation))
    secret = caller.secrets[who_may(operation.label)]
    stale = {"If-Match": '"stale"'}
    if operation.takes_a_body:
        unread = await caller.ask(operation, secret, address, content=b"{", headers=stale)
        assert unread.status_code == 400, unread.text
    elif operation.method != "GET":
        unread = await caller.ask(operation, secret, address, content=b"{", headers=stale)
        assert unread.status_code == 422, unread.text
    named = await caller.ask(operation, secret, address, query={"nonsense": "1"}, headers=stale)
    assert named.status_code == 422, named.text
    if operation.label == LOADING:
        return
    assert "/query/nonsense" in {one["pointer"] for one in named.json()["errors"]}


@every_operation
async def test_no_operation_takes_a_member_that_it_does_not_know(
    caller: Caller, operation: Operation
) -> None:
    address = operation.address(caller.names(operation))
    secret = caller.secrets[who_may(operation.label)]
    body = {"nonsense": 1}
    stale = {"If-Match": '"stale"'}
    answer = await caller.ask(operation, secret, address, json=body, headers=stale)
    assert answer.status_code == 422, answer.text
    if operation.takes_a_file:
        return  # what is no such file is refused as a whole
    assert "/nonsense" in {one["pointer"] for one in answer.json()["errors"]}


@every_operation
async def test_what_is_right_but_stale_is_told_last(caller: Caller, operation: Operation) -> None:
    if "IfMatch" not in operation.parameters:
        assert not operation.refusals & {412, 428}
        return
    address = operation.address(caller.names(operation))
    secret = caller.secrets[who_may(operation.label)]
    body = body_of_today(operation.label, operation.example)
    sent = {} if body is None else {"json": body}
    stale = await caller.ask(operation, secret, address, headers={"If-Match": '"stale"'}, **sent)
    assert stale.status_code == 412, stale.text
    assert {"current", "code"} <= stale.json().keys()
    if 428 in operation.refusals:
        preview = {"validate_only": "true"}
        bare = await caller.ask(operation, secret, address, query=preview, **sent)
        assert bare.status_code == (200 if operation.label in FIRST_NEEDS_NONE else 428), bare.text
