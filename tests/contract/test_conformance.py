"""Schemathesis, run from the committed contract: the API answers as the contract says.

Every operation is asked what its schema covers, valid and invalid, and some more at random but
the same each time; once as the office, once as the administrator. The budget is bounded by
counts, not by time, so that a slow machine tests the same.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import hypothesis
import pytest
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from schemathesis import GenerationMode, Response
from schemathesis.checks import CheckContext, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.hypothesis.examples import generate_one
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from services.api.contract.__main__ import PATH
from tests.support.api import open_door
from tests.support.contract import ASKS_APPS, CONTRACT, GATEWAY_PATH, PROVED_IN_BODY, TOKEN_PATH
from tests.support.ground import Ground, body_of_today, prepare, who_may

schemathesis.serializer.alias("application/x-ndjson", "text/plain")

BIG = "POST /v1/plans"
"""Its body is a whole plan document, of which thousands of cases could be made."""

NDJSON = "application/x-ndjson"
EACH_BY_ITSELF = {
    "/v1/sync",
    "/v1/plans/{plan}/registers/{register}/rows/batch",
    "/v1/plans/{plan}/score-sheets/{sheet}/assessments/batch",
}
"""Of their items, as of lines of NDJSON, one of a wrong shape is refused by itself: it is a 200."""

MOST_COVERED = 240
MOST_COVERED_BIG = 60
"""Most cases, an operation, of those that the schemas cover."""

RANDOM = 8
RANDOM_BIG = 1
"""Random cases an operation, valid and invalid each."""

PLAIN = (
    *("GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/me", "GET /v1/plans"),
    *("GET /.well-known/jwks.json", "GET /.well-known/oauth-authorization-server"),
    "GET /.well-known/wufei-signing-keys.json",
)
"""Nothing that is sent to these can be wrong."""

LAST = ("close", "publish", "reopen_period", "revoke")
Message = MutableMapping[str, Any]


def _turn(operation_id: str) -> int:
    """Return when an operation is asked: what takes the ground from others comes last.

    Evidence is of a draft, which a batch may withdraw, so it comes first; and its removal after
    all that read it.
    """
    if "evidence" in operation_id:
        return 1 if operation_id.startswith("delete") else 0
    return 3 if operation_id.startswith(LAST) else 2


def _operations() -> list[str]:
    """Return `METHOD /path` of every operation, in the order in which they are asked."""
    paths: dict[str, Any] = CONTRACT["paths"]
    named = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path != GATEWAY_PATH
    }
    return sorted(named, key=lambda label: _turn(named[label]))


def problem_shape(_context: CheckContext, response: Response, case: Any) -> None:
    """Every refusal is a problem with a code, in the language that its header names."""
    ready = case.operation.path == "/readyz"
    if response.status_code < 400 or ready:
        return
    if case.operation.path == TOKEN_PATH and response.status_code in {400, 401}:
        assert response.json().keys() == {"error", "error_description"}
        assert response.headers["cache-control"] == ["no-store"]
        return
    assert response.headers["content-type"] == ["application/problem+json"], response.headers
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:wufei:problem:{problem['code']}"
    assert problem["code"] != "http-error", problem
    assert problem["instance"].endswith(response.headers["x-request-id"][0])
    assert response.headers["content-language"][0] in {"zh-CN", "en"}


def refused_by_itself(_context: CheckContext, response: Response, case: Any) -> None:
    """Of many items that are answered one by one, what is wrong with an item refuses that one."""
    body = case.meta and case.meta.components.get(ParameterLocation.BODY)
    if response.status_code == 207 and body and body.mode.is_negative:
        assert any(400 <= one["status"] < 500 for one in response.json()["items"])


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
    problem_shape,
    refused_by_itself,
]


@dataclass(frozen=True)
class Bridge:
    """The application, reached from whatever event loop; its own runs in the portal's thread."""

    app: FastAPI
    portal: BlockingPortal

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        asked = await receive()
        answer = self.portal.start_task_soon(self._collect, scope, asked)
        for message in await asyncio.wrap_future(answer):
            await send(message)

    async def _collect(self, scope: Message, asked: Message) -> list[Message]:
        answered: list[Message] = []
        said = iter([asked])

        async def receive() -> Message:
            for message in said:
                return message
            # Nobody goes away; whoever sends a file listens for that meanwhile.
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            answered.append(message)

        await self.app(scope, receive, send)
        return answered


def _wants_a_body(case: Any) -> bool:
    return bool(case.operation.definition.raw.get("requestBody", {}).get("required"))


@dataclass
class Stage:
    """The API with things to ask about, and what it has answered."""

    bridge: Bridge
    ground: Ground
    numbers: Iterator[int] = field(default_factory=count)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    """How a fair case was refused last, by operation."""

    def ask(self, case: Any, *, fair: bool = False) -> None:
        """Send a case and hold the answer against the contract.

        Most name what exists, most come from the one who may; those that are `fair` all do.
        """
        number = next(self.numbers)
        if fair or number % 3:
            self._aim(case, fair=fair)
        if (fair or number % 2) and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        if "wait" in case.query:
            case.query["wait"] = 0
        if fair:
            self._make_fair(case)
        caller = who_may(case.operation.label)
        if not fair and number % 5 == 0:
            caller = "office" if caller == "administrator" else "administrator"
        headers = {"Authorization": f"Bearer {self.ground.secrets[caller]}"}
        if fair and case.operation.path == TOKEN_PATH:
            headers, case.body = {}, {**case.body, **self.ground.client}
        response = case.call(headers=headers)
        self.answers[case.operation.label, response.status_code] += 1
        if fair and response.status_code >= 400:
            self.refusals[case.operation.label] = response.text
        unsaid = case.body is None and not _wants_a_body(case)  # null where a body may be left out
        each = case.media_type == NDJSON or case.operation.path in EACH_BY_ITSELF
        excused = unsaid or (each and response.status_code == 200)
        checks = [one for one in CHECKS if not (excused and one is negative_data_rejection)]
        try:
            case.validate_response(response, checks=checks, headers=headers)
        except FailureGroup as found:
            for failure in found.exceptions:
                self.failures.setdefault(f"{failure}", str(found))

    def _make_fair(self, case: Any) -> None:
        """Ask for what can be had today, of things as they are."""
        if case.operation.path in PROVED_IN_BODY:
            case.body = dict(self.ground.people.proofs[case.operation.path])
            return
        label = case.operation.label
        case.headers.pop("Idempotency-Key", None)  # it was another operation's too
        case.body = body_of_today(label, case.body)
        if label == "POST /v1/partners":
            case.body = {**case.body, "key_id": self.ground.keys[1]}
        if label.endswith(".ics"):
            case.query["token"] = self.ground.calendar_secret
        if label.endswith("/evidence-content"):
            case.query["link"] = self.ground.evidence["link"]
        if label.endswith("/open"):
            case.headers.pop("If-Match", None)  # there is nothing yet that it could match
        if label.endswith(("/changes", "/comparison")):
            case.query = {"from": "1", "period": "2025"}

    def _aim(self, case: Any, *, fair: bool) -> None:
        """Name things that exist, so that not every answer is a 404."""
        meta = case.meta
        assert meta is not None
        path = meta.components.get(ParameterLocation.PATH)
        if not fair and (path is None or path.mode.is_negative):
            return
        real = self.ground.named(case.operation.label, case.operation.definition.raw["operationId"])
        for name in case.path_parameters.keys() & real.keys():
            case.path_parameters[name] = real[name]


@pytest.fixture(scope="module")
def stage(module_database_url: str) -> Iterator[Stage]:
    """The API in a thread of its own, which the synchronous tests of this module may wait for."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_door(module_database_url)) as door,
    ):
        yield Stage(Bridge(door.app, portal), portal.call(prepare, door, _operations()))


@pytest.fixture(scope="module")
def contract(stage: Stage) -> Any:
    """The contract as schemathesis reads it; we bring the credential ourselves."""
    config = schemathesis.Config.from_dict(
        {
            "generation": {"with-security-parameters": False},
            # 412 tells of the present representation, and may come before a fault of the body.
            # Of many items each is answered by itself (`refused_by_itself`).
            "checks": {"negative_data_rejection": {"expected-statuses": ["4xx", "207"]}},
        }
    )
    schema = schemathesis.openapi.from_path(PATH, config=config)
    schema.app = stage.bridge
    return schema


def _covered(contract: Any, operation: Any) -> list[Any]:
    """Return what its schemas cover: the edges of every type and bound, on both sides."""
    cases = list(
        contract.iter_coverage_cases(
            operation,
            generation_modes=list(GenerationMode),
            generation_config=contract.config.generation,
        )
    )
    most = MOST_COVERED_BIG if operation.label == BIG else MOST_COVERED
    return cases[:: -(-len(cases) // most)]


def _ask_at_random(operation: Any, ask: Callable[[Any], None]) -> None:
    """Ask what hypothesis makes of the schemas: the same each time."""
    for mode in GenerationMode:
        wanted = hypothesis.settings(
            max_examples=RANDOM_BIG if operation.label == BIG else RANDOM,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        cases = operation.as_strategy(generation_mode=mode)
        wanted(hypothesis.given(case=cases)(_asking(ask)))()


def _asking(ask: Callable[[Any], None]) -> Callable[[Any], None]:
    def once(case: Any) -> None:
        ask(case)

    return once


@pytest.mark.parametrize("label", _operations())
def test_an_operation_answers_as_the_contract_says(stage: Stage, contract: Any, label: str) -> None:
    operation = contract.find_operation_by_label(label)
    stage.failures.clear()
    shown = [generate_one(cases) for cases in operation.get_strategies_from_examples()]
    for case in shown:
        stage.ask(case, fair=True)
    for case in _covered(contract, operation):
        stage.ask(case)
    if label not in PLAIN:
        _ask_at_random(operation, stage.ask)
    assert not stage.failures, "\n\n".join(stage.failures.values())
    succeeded = [status for asked, status in stage.answers if asked == label and status < 300]
    asks_apps = label.endswith(tuple(ASKS_APPS))  # of which none is at hand
    assert succeeded or asks_apps, stage.refusals.get(label)
