"""The examples of the contract are true: what is asked really works, what is answered fits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator

from services.core.kit.clock import Clock
from services.core.milestones.models import Milestone
from tests.contract.days_to_come import asked_now
from tests.support.api import XINMI, Door, a_preview, a_submission, open_door
from tests.support.assessments import an_appeal, assessment_of_a_year
from tests.support.board import a_board_link_id
from tests.support.calendar_tokens import a_calendar_token
from tests.support.connectors import connector_for
from tests.support.contract import BY_OTHERS, CONTRACT, resolved
from tests.support.device import a_conflict, a_milestone_conflict, a_row_conflict
from tests.support.duties import add, an_obligation
from tests.support.evidence import evidence_named
from tests.support.gateways import a_key as a_partners_key
from tests.support.gateways import a_partner_id
from tests.support.ignored import ignored
from tests.support.imports import an_import
from tests.support.milestones import a_milestone_in, an_extension
from tests.support.observed import an_observation, load_sources
from tests.support.papers import a_paper
from tests.support.people import a_provider, people_named, signed_in, somebody
from tests.support.registers import a_register_row

_SECURITY = """list_users create_user get_user edit_user invite_user unlink_user end_user erase_user
    list_posts create_post get_post hand_over_post list_sessions end_session
    list_sign_in_providers create_sign_in_provider get_sign_in_provider edit_sign_in_provider
    end_sign_in_provider"""
_ADMINISTRATOR = """create_api_key list_api_keys get_api_key edit_api_key rotate_api_key
    revoke_api_key create_partner list_partners get_partner edit_partner rotate_partner_secret
    revoke_partner get_partner_statistics create_connector edit_connector rotate_connector_secret
    try_connector enable_connector disable_connector end_connector"""
_REPORTER = """create_submission import_sheet edit_submission submit_submission
    withdraw_submission create_calendar_token request_obligation_extension"""
_PROMISING = """accept_milestone decide_milestone_conflict decline_milestone
    report_milestone_progress complete_milestone request_milestone_extension withdraw_extension
    add_milestone_evidence"""
CALLERS = {
    **dict.fromkeys(_SECURITY.split(), "security_admin"),
    **dict.fromkeys(_ADMINISTRATOR.split(), "administrator"),
    **dict.fromkeys(_REPORTER.split(), "reporter"),
    **dict.fromkeys(_PROMISING.split(), "reporter UN10"),
    "sign_out": "user",
    "list_audit": "audit_admin",
    "export_audit": "audit_admin",
    "assign_target": "superior",
}
"""Who asks, where it is not the office; a reporter of UN15 where no unit is named."""

BEFORE = {
    "get_assessment": "published",
    "get_assessment_history": "published",
    "list_assessment_revisions": "published",
    "create_appeal": "published",
    "return_assessment": "submitted",
    "confirm_assessment": "submitted",
    "publish_assessment": "confirmed",
    "edit_submission": "draft",
    "submit_submission": "draft",
    "withdraw_submission": "submitted",
    "approve_submission": "submitted",
    "return_submission": "submitted",
    "reopen_submission": "approved",
    "falsify_submission": "approved",
    "report_milestone_progress": "accepted",
    "complete_milestone": "in_progress",
    "add_submission_evidence": "draft",
    "add_milestone_evidence": "accepted",
    "close_milestone": "completed",
    "return_milestone": "completed",
    "reopen_milestone": "closed",
    "request_milestone_extension": "accepted",
}
"""The state that a submission or milestone must be in; any will do for the others."""

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
"""A day on which the dates of the examples lie as they are meant to."""

_months: Iterator[int] = count(1)


def faults(schema: dict[str, Any], value: object) -> list[str]:
    """Return what is wrong with a value by a schema of the contract."""
    whole = {**schema, "components": CONTRACT["components"]}
    checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


def answered_wrongly(shown: dict[str, Any], answer: httpx.Response) -> list[str]:
    """Return what is wrong with an answer by the response of the contract that shows it."""
    if "content" not in shown:
        return []
    media = shown["content"][answer.headers["Content-Type"].partition(";")[0]]
    value = answer.json() if "/json" in answer.headers["Content-Type"] else answer.text
    return faults(media["schema"], value)


def bodies() -> Iterator[Any]:
    """Yield every body of the contract that has examples, asked and answered."""
    for operations in CONTRACT["paths"].values():
        for operation in operations.values():
            name = operation["operationId"]
            asked = operation.get("requestBody", {}).get("content", {})
            for media_type, media in asked.items():
                yield pytest.param(media, id=f"{name}-{media_type}")
            for status, response in operation["responses"].items():
                for media in resolved(response).get("content", {}).values():
                    yield pytest.param(media, id=f"{name}-{status}")


@pytest.mark.parametrize("media", list(bodies()))
def test_an_example_fits_its_schema(media: dict[str, Any]) -> None:
    assert media["examples"]
    for name, example in media["examples"].items():
        assert faults(media["schema"], resolved(example)["value"]) == [], name


@pytest.mark.parametrize("kind", ["parameters", "headers"])
def test_an_example_of_a_header_or_parameter_fits(kind: str) -> None:
    components: dict[str, Any] = CONTRACT["components"][kind]
    assert [
        (name, faults(one["schema"], one["example"]))
        for name, one in components.items()
        if "example" in one and faults(one["schema"], one["example"])
    ] == []


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API at work, with one submission approved and counted."""
    async with open_door(module_database_url, offset=NOW - Clock.true_now()) as opened:
        await load_sources(opened)
        await a_submission_in(opened, "approved")
        await opened.react()
        yield opened


async def a_submission_in(door: Door, state: str) -> httpx.Response:
    """Return the newest answer about a submission of the reporter in a state."""
    year, month = divmod(next(_months), 12)
    body = a_submission(
        period=f"{2022 + year}-{month + 1:02}",
        value=None,
        numerator="8.52",
        denominator="21.10",
        draft=state == "draft",
    )
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        made = await unit.post(f"/plans/{XINMI}/submissions", json=body)
        assert made.status_code == 201, made.text
        if state == "approved":
            made = await office.post(f"/submissions/{made.json()['id']}/approve")
    return made


MOVED = {
    ("reopen_period", True): "close",
    ("reopen_period", False): "publish",
    ("get_scoreboard_changes", True): "publish",
    ("get_scoreboard_comparison", True): "publish",
}
"""What befell the period of the examples before an operation, by whether that has no body."""


NAMED_TWICE = {
    "get_scoreboard": "publication",
    "get_indicator_score": "publication",
    "get_rankings": "publication",
    "get_indicator_table": "publication",
    "get_scoreboard_changes": "to",
    "get_scoreboard_comparison": "to",
}
"""Parameters that are left out where others of the examples say the same."""


async def ensure_period(door: Door, wanted: str) -> None:
    """Bring the period of the examples into a state."""
    path = f"/plans/{XINMI}/periods"
    async with await door.as_("office") as office:
        states = {one["period"]: one["state"] for one in (await office.get(path)).json()["items"]}
        state = states.get("2025")
        if state is None:
            await office.post(f"{path}/2025/open", json={"due_date": "2027-01-31"})
        elif state != "open":
            again = await office.post(f"{path}/2025/reopen", json={"reason": "更正"})
            assert again.status_code == 200, again.text
        if wanted != "open":
            done = await office.post(f"{path}/2025/{wanted}")
            assert done.status_code == 200, done.text
            await door.react()


async def a_key(door: Door) -> str:
    async with door.client(door.admin_secret) as admin:
        made = await admin.post("/api-keys", json={"name": "示例", "role": "leader"})
    return str(made.json()["id"])


async def an_endpoint(door: Door, *, disabled: bool = False) -> str:
    async with await door.as_("office") as office:
        made = await office.post("/webhook-endpoints", json={"url": "https://example.org/"})
        if disabled:
            await office.post(f"/webhook-endpoints/{made.json()['id']}/disable")
    return str(made.json()["id"])


async def a_delivery(door: Door) -> str:
    endpoint_id = await an_endpoint(door)
    async with await door.as_("office") as office:
        tested = await office.post(f"/webhook-endpoints/{endpoint_id}/test")
        await door.react()
        listed = await office.get(tested.headers["Location"].removeprefix("/v1"))
    return str(listed.json()["items"][0]["id"])


async def an_operation(door: Door) -> str:
    endpoint_id = await an_endpoint(door)
    since = (door.held.clock.now() - timedelta(hours=1)).isoformat()
    async with await door.as_("office") as office:
        begun = await office.post(f"/webhook-endpoints/{endpoint_id}/replay", json={"since": since})
    return str(begun.json()["id"])


async def an_alert(door: Door) -> str:
    """Return an alert that is open: of a milestone just found overdue."""
    day = date(2026, 11, 20)
    await add(door.held.database, Milestone, due_date=day, original_due_date=day)
    await door.held.database.pool.execute("UPDATE alert_evaluation SET evaluated_for = NULL")
    await door.react()
    await door.sweep()
    async with await door.as_("office") as office:
        found = await office.get(f"/plans/{XINMI}/alerts?page_size=1&rule=milestone_due&state=open")
    return str(found.json()["items"][0]["id"])


async def make_what_is_named(door: Door, operation_id: str, named: dict[str, Any]) -> str | None:
    """Make the thing that a path names, in the state that an operation needs; return its ETag."""
    present: httpx.Response | None = None
    made: Mapping[str, Callable[[Door], Awaitable[str]]] = {
        "key_id": a_key,
        "partner_id": a_partner_id,
        "provider_id": a_provider,
        "connector_id": partial(connector_for, operation_id),
        "alert_id": an_alert,
        "obligation_id": an_obligation,
        "conflict_id": a_conflict,
        "milestone_conflict_id": a_milestone_conflict,
        "register_row_conflict_id": a_row_conflict,
        "observation_id": an_observation,
        "preview_id": a_preview,
        "link_id": a_board_link_id,
        "row_id": a_register_row,
        "appeal_id": an_appeal,
        "assessment_id": partial(assessment_of_a_year, BEFORE.get(operation_id)),
        "paper_id": a_paper,
    }
    for name in made.keys() & named.keys():
        named[name] = await made[name](door)
    if "token_id" in named:
        named["token_id"] = (await a_calendar_token(door))["id"]
    if {"user_id", "post_id", "session_id"} & named.keys():
        named |= await people_named(door, next(_months), left=operation_id == "erase_user")
    if "submission_id" in named:
        present = await a_submission_in(door, BEFORE.get(operation_id, "submitted"))
        named["submission_id"] = present.json()["id"]
    if "milestone_id" in named:
        state = BEFORE.get(operation_id, "assigned")
        present = await a_milestone_in(door, state, due_date="2026-10-31", evidence_rule="document")
        named["milestone_id"] = present.json()["id"]
    if "extension_id" in named:
        present = await an_extension(door, due_date="2026-10-31")
        named["extension_id"] = present.json()["id"]
    if "import_id" in named:
        async with await as_caller(door, operation_id) as client:
            named["import_id"] = await an_import(door, client, marked="marked" in operation_id)
    return None if present is None else present.headers["ETag"]


async def secrets_named(door: Door, name: str, named: dict[str, Any]) -> dict[str, str]:
    """Return what an address says in place of a key; evidence that is named is made first."""
    if name == "read_calendar":
        return {"token": (await a_calendar_token(door))["path"].split("token=")[1]}
    if "evidence" not in name:
        return {}
    draft = (await a_submission_in(door, "draft")).json()
    return await evidence_named(door, name, named, draft["id"])


async def make_webhooks_named(door: Door, operation_id: str, named: dict[str, Any]) -> None:
    """Make the endpoint, the delivery or the operation that a path names."""
    if "endpoint_id" in named:
        named["endpoint_id"] = await an_endpoint(
            door, disabled=operation_id == "enable_webhook_endpoint"
        )
    if "delivery_id" in named:
        named["delivery_id"] = await a_delivery(door)
    if "operation_id" in named:
        named["operation_id"] = await an_operation(door)


async def as_caller(door: Door, operation_id: str) -> httpx.AsyncClient:
    caller = CALLERS.get(operation_id, "office")
    if caller == "administrator":
        return door.client(door.admin_secret)
    if caller == "user":
        one = await somebody(door, f"asks{next(_months)}", "reporter", "UN15")
        return await signed_in(door, one)
    role, _, unit = caller.partition(" ")
    return await door.as_(role, unit or ("UN15" if role == "reporter" else None))


def requests() -> Iterator[Any]:
    """Yield every operation with each body that the contract shows of it."""
    for path, operations in CONTRACT["paths"].items():
        for method, operation in operations.items():
            name = operation["operationId"]
            content = operation.get("requestBody", {}).get("content", {})
            if path in BY_OTHERS:
                continue  # it shows what is nobody's; tests of tokens and partners ask it
            if not operation.get("requestBody", {}).get("required", False):
                yield pytest.param(path, method, operation, None, None, id=name)
            for media_type, media in content.items():
                for shown, example in media["examples"].items():
                    value = resolved(example)["value"]
                    yield pytest.param(
                        path, method, operation, media_type, value, id=f"{name}-{shown}"
                    )


@pytest.mark.parametrize(("path", "method", "operation", "media_type", "body"), list(requests()))
async def test_what_the_contract_shows_really_works_and_nothing_beside_it_is_ignored(
    door: Door, path: str, method: str, operation: dict[str, Any], media_type: str | None, body: Any
) -> None:
    name = operation["operationId"]
    parameters = [resolved(one) for one in operation["parameters"]]
    named = {one["name"]: one["example"] for one in parameters if one["in"] == "path"}
    query = {
        one["name"]: one["example"]
        for one in parameters
        if one["in"] == "query" and "example" in one
    }
    headers = {"Content-Type": media_type} if media_type else {}
    if method != "get":
        query["validate_only"] = "true"
    await ensure_period(door, MOVED.get((name, body is None), "open"))
    body = asked_now(name, named, body)
    # Two of these name a scoreboard in two ways, and what is shown was of March 2026.
    query.pop(NAMED_TWICE.get(name, ""), None)
    query |= await secrets_named(door, name, named)
    if name == "create_partner":
        body = {**body, "key_id": await a_partners_key(door)}
    if name == "replay_webhook_events":
        body = {"since": (door.held.clock.now() - timedelta(days=1)).isoformat()}
    etag = await make_what_is_named(door, name, named)
    await make_webhooks_named(door, name, named)
    if method == "patch" or name in {"change_alert_rules", "change_paper_texts"}:
        headers["If-Match"] = etag or "*"
    sent: dict[str, Any] = {"json": body}
    if media_type == "application/yaml":
        sent = {"content": yaml.safe_dump(body, allow_unicode=True)}
    if media_type in {"text/csv", "application/octet-stream"}:
        sent = {"content": body.encode()}
    address = f"http://wufei.test{path.format(**named)}"
    asked: dict[str, Any] = {"params": query, "headers": headers, **sent}
    async with await as_caller(door, name) as client:
        assert await ignored(client, method, address, asked, reads=operation) == []
        answer = await client.request(method, address, **asked)

    # Without Redis and a worker the system is degraded, and still ready.
    shown = operation["responses"][str(answer.status_code)]
    assert answer.status_code < 300, answer.text
    assert answered_wrongly(shown, answer) == []
