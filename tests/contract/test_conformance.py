"""Schemathesis, run from the committed contract: the API answers as the contract says.

Every operation is asked what its schema covers, valid and invalid, and some more at random but
the same each time; once as the office, once as the administrator. The budget is bounded by
counts, not by time, so that a slow machine tests the same.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import hypothesis
import pytest
import schemathesis
import yaml
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
from services.core.kit.clock import Clock
from services.core.milestones.models import Milestone
from tests.support.api import IN_TIME, XINMI, Door, a_submission, open_door
from tests.support.duties import add
from tests.support.milestones import a_milestone_in, an_extension

BIG = "POST /v1/plans"
"""Its body is a whole plan document, of which thousands of cases could be made."""

MOST_COVERED = 240
MOST_COVERED_BIG = 60
"""Most cases, an operation, of those that the schemas cover."""

RANDOM = 8
RANDOM_BIG = 1
"""Random cases an operation, valid and invalid each."""

PLAIN = ("GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/me", "GET /v1/plans")
"""Nothing that is sent to these can be wrong."""

OF_UNIT = (
    "/accept",
    "/decline",
    "/{milestone_id}/progress",
    "/complete",
    "/{milestone_id}/extensions",
    "/{obligation_id}/extensions",
    "/{extension_id}/withdraw",
)
"""The verbs of the unit that promised or owes something; ours is UN10."""

LAST = ("close", "publish", "reopen_period", "revoke")
Message = MutableMapping[str, Any]


def _operations() -> list[str]:
    """Return `METHOD /path` of every operation; what takes the ground from others comes last."""
    paths: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))["paths"]
    named = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    return sorted(named, key=lambda label: named[label].startswith(LAST))


def problem_shape(_context: CheckContext, response: Response, case: Any) -> None:
    """Every refusal is a problem with a code, in the language that its header names."""
    ready = case.operation.path == "/readyz"
    if response.status_code < 400 or ready:
        return
    assert response.headers["content-type"] == ["application/problem+json"], response.headers
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:wufei:problem:{problem['code']}"
    assert problem["code"] != "http-error", problem
    assert problem["instance"].endswith(response.headers["x-request-id"][0])
    assert response.headers["content-language"][0] in {"zh-CN", "en"}


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

        async def receive() -> Message:
            return asked

        async def send(message: Message) -> None:
            answered.append(message)

        await self.app(scope, receive, send)
        return answered


@dataclass
class Stage:
    """The API with things to ask about, and what it has answered."""

    bridge: Bridge
    secrets: dict[str, str]
    keys: list[str]
    submissions: dict[str, str]
    obligation: str
    milestones: dict[str, str]
    extensions: dict[str, str]
    webhooks: dict[str, str]
    endpoints: dict[str, str]
    calendar_secret: str
    numbers: Iterator[int] = field(default_factory=count)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    def ask(self, case: Any, *, fair: bool = False) -> None:
        """Send a case and hold the answer against the contract.

        Most name what exists, most come from the one who may; those that are `fair` all do.
        """
        number = next(self.numbers)
        if fair or number % 3:
            self._aim(case, fair=fair)
        if fair:
            case.headers.pop("Idempotency-Key", None)  # it was another operation's too
        if (fair or number % 2) and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        if "wait" in case.query:
            case.query["wait"] = 0
        if fair:
            _bring_up_to_date(case)
        if case.operation.label.endswith(".ics") and fair:
            case.query["token"] = self.calendar_secret
        caller = _who_may(case.operation.label)
        if not fair and number % 5 == 0:
            caller = "office" if caller == "administrator" else "administrator"
        headers = {"Authorization": f"Bearer {self.secrets[caller]}"}
        response = case.call(headers=headers)
        self.answers[case.operation.label, response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS, headers=headers)
        except FailureGroup as found:
            for failure in found.exceptions:
                self.failures.setdefault(f"{failure}", str(found))

    def _aim(self, case: Any, *, fair: bool) -> None:
        """Name things that exist, so that not every answer is a 404."""
        meta = case.meta
        assert meta is not None
        path = meta.components.get(ParameterLocation.PATH)
        if not fair and (path is None or path.mode.is_negative):
            return
        named = case.path_parameters
        real = {
            "plan": XINMI,
            "submission_id": self.submissions[case.operation.label.rsplit("/", 1)[-1]],
            "milestone_id": self.milestones[case.operation.label.rsplit("/", 1)[-1]],
            "extension_id": self.extensions[case.operation.label.rsplit("/", 1)[-1]],
            "key_id": self.keys[0],
            "period": "2025",
            "obligation_id": self.obligation,
            **self.webhooks,
        }
        # Each that alters an endpoint for the others has one of its own.
        real["endpoint_id"] = self.endpoints.get(
            case.operation.definition.raw["operationId"], self.webhooks["endpoint_id"]
        )
        if case.operation.method == "put":
            real["code"] = "R01"  # the superior assigns its target
        for name in named.keys() & real.keys():
            named[name] = real[name]


def _bring_up_to_date(case: Any) -> None:
    """Put days into bodies whose examples grow old."""
    now = Clock.true_now()
    soon = (now + timedelta(days=2)).date().isoformat()
    bodies = {
        "/replay": {"since": now.isoformat()},
        "/acknowledge": {"note": "设备已到场", "promised_date": soon},
        "/snooze": {"until": soon, "reason": "等待批复"},
    }
    for end, body in bodies.items():
        if case.operation.label.endswith(end):
            case.body = body


def _who_may(label: str) -> str:
    """Return who may do what an operation does."""
    if "api-keys" in label:
        return "administrator"
    return "unit" if label.endswith(OF_UNIT) else "office"


async def _prepare(door: Door, bridge: Bridge) -> Stage:
    """Make keys of each sort, and a submission in the state that each verb begins from."""
    secrets = {
        "office": await door.new_key("office"),
        "administrator": door.admin_secret,
        "unit": await door.new_key("reporter", "UN10"),
    }
    states = {
        "submit": "draft",
        "withdraw": "submitted",
        "approve": "submitted",
        "return": "submitted",
        "reopen": "approved",
        "falsify": "approved",
        "history": "approved",
        "{submission_id}": "draft",
    }
    made: dict[str, str] = {}
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as reviewer:
        for month, (place, state) in enumerate(states.items(), start=1):
            body = a_submission(period=f"2025-{month:02}", draft=state == "draft")
            answer = await unit.post(f"/plans/{XINMI}/submissions", json=body)
            made[place] = answer.json()["id"]
            if state == "approved":
                await reviewer.post(f"/submissions/{made[place]}/approve")
        await reviewer.post(f"/plans/{XINMI}/periods/2024/open", json=IN_TIME)
        owed = await reviewer.get(f"/plans/{XINMI}/obligations?page_size=1&organization_code=UN10")
        asked = {"name": "日历", "scope": "plan"}
        tokens = [
            (await reviewer.post(f"/plans/{XINMI}/calendar-tokens", json=asked)).json()
            for _ in range(2)
        ]
    async with door.client(door.admin_secret) as admin:
        spare = await admin.post("/api-keys", json={"name": "spare", "role": "leader"})
    before = {
        "progress": "accepted",
        "complete": "accepted",
        "close": "completed",
        "return": "completed",
        "reopen": "closed",
        "extensions": "accepted",
    }
    ends = {label.rsplit("/", 1)[-1] for label in _operations()}
    due = "2026-10-31"  # before what the contract's examples ask for and grant
    milestones = {
        end: (await a_milestone_in(door, before.get(end, "assigned"), due_date=due)).json()["id"]
        for end in ends
    }
    extensions = {end: (await an_extension(door, due_date=due)).json()["id"] for end in ends}
    await door.react()
    alert_id = await _alert(door)
    # The last, for a pass of the worker would bring its operation to an end.
    named, altered = await _webhooks(door, secrets["office"])
    named |= {"alert_id": alert_id, "token_id": tokens[0]["id"]}
    return Stage(
        bridge,
        secrets,
        [spare.json()["id"]],
        dict.fromkeys(ends, made["history"]) | made,
        owed.json()["items"][0]["id"],
        milestones,
        extensions,
        named,
        altered,
        tokens[1]["path"].split("token=")[1],
    )


async def _alert(door: Door) -> str:
    """Let the engine find a milestone that fell due a little while ago."""
    day = (Clock.true_now() - timedelta(days=4)).date()
    await add(door.held.database, Milestone, due_date=day, original_due_date=day)
    await door.held.database.pool.execute("UPDATE alert_evaluation SET evaluated_for = NULL")
    await door.sweep()
    async with await door.as_("office") as office:
        found = await office.get(f"/plans/{XINMI}/alerts?page_size=1&rule=milestone_due&state=open")
    return str(found.json()["items"][0]["id"])


async def _webhooks(door: Door, office: str) -> tuple[dict[str, str], dict[str, str]]:
    """Make an endpoint with a delivery and an operation, and those that are to be altered."""
    path = "/webhook-endpoints"
    async with door.client(office) as client:

        async def made() -> str:
            answer = await client.post(path, json={"url": "https://example.org/"})
            return str(answer.json()["id"])

        altered = {
            f"{verb}_webhook_endpoint": await made() for verb in ("enable", "disable", "delete")
        }
        await client.post(f"{path}/{altered['enable_webhook_endpoint']}/disable")
        endpoint_id = await made()
        await client.post(f"{path}/{endpoint_id}/test")
        await door.react()
        listed = (await client.get(f"{path}/{endpoint_id}/deliveries")).json()["items"]
        since = {"since": door.held.clock.now().isoformat()}
        begun = await client.post(f"{path}/{endpoint_id}/replay", json=since)
    named = {
        "endpoint_id": endpoint_id,
        "delivery_id": listed[0]["id"],
        "operation_id": begun.json()["id"],
    }
    return named, altered


@pytest.fixture(scope="module")
def stage(module_database_url: str) -> Iterator[Stage]:
    """The API in a thread of its own, which the synchronous tests of this module may wait for."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_door(module_database_url)) as door,
    ):
        yield portal.call(_prepare, door, Bridge(door.app, portal))


@pytest.fixture(scope="module")
def contract(stage: Stage) -> Any:
    """The contract as schemathesis reads it; we bring the credential ourselves."""
    config = schemathesis.Config.from_dict(
        {
            "generation": {"with-security-parameters": False},
            # 412 tells of the present representation, and may come before a fault of the body.
            "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
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
    assert succeeded, {status: n for (asked, status), n in stage.answers.items() if asked == label}
