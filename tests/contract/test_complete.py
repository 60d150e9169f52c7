"""The contract says everything that a caller needs, of every operation."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis

from services.api.contract.__main__ import PATH
from services.api.contract.problem_codes import problem_codes
from tests.support.contract import BY_OTHERS, CONTRACT, PROVED_IN_BODY, TOKEN_PATH, resolved

COMPONENTS = CONTRACT["components"]
PUBLIC = {
    *("healthz", "readyz", "metrics"),
    *("read_authorization_server", "read_public_keys", "read_signing_keys"),
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, method, operation in operations()
]

each_operation = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)


def parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in map(resolved, operation["parameters"])}


def test_it_is_a_valid_openapi_document() -> None:
    assert CONTRACT["openapi"].startswith("3.1")
    schemathesis.openapi.from_path(PATH).validate()


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r"\$ref: '?(#/[^'\s]+)", PATH.read_text(encoding="utf-8")))
    assert len(references) > 100
    for reference in references:
        resolved({"$ref": reference})


def test_nothing_is_shared_that_nobody_uses() -> None:
    text = PATH.read_text(encoding="utf-8")
    unused = [
        f"{kind}/{name}"
        for kind, members in COMPONENTS.items()
        for name in members
        if kind != "securitySchemes" and f"#/components/{kind}/{name}'" not in text
    ]
    assert unused == []


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids)) > 35


def test_every_tag_is_described_and_used() -> None:
    received = [methods["post"] for methods in CONTRACT["webhooks"].values()]
    everything = [*received, *(operation for _, _, operation in operations())]
    used = {tag for operation in everything for tag in operation["tags"]}
    assert used == {tag["name"] for tag in CONTRACT["tags"]}
    assert all(tag["description"] for tag in CONTRACT["tags"])


@each_operation
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert path
    assert method
    assert operation["summary"]
    assert operation["description"].startswith(operation["summary"])
    for name, parameter in parameters(operation).items():
        assert parameter["description"], name
        if parameter["in"] == "path":
            assert "example" in parameter, name


@each_operation
def test_an_operation_says_who_may_call_it(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert method
    public = operation["operationId"] in PUBLIC or path in PROVED_IN_BODY
    ours = path.startswith(("/v1/", "/gw/v1/"))
    assert public is (not ours or path in PROVED_IN_BODY)
    assert (operation["security"] == []) is public
    if not public:
        (scheme,) = operation["security"][0]
        named = {
            "read_calendar": "calendar_token",
            "read_evidence_link": "evidence_link",
            "give_token": "client",
            "call_by_gateway": "signature",
        }
        assert scheme == named.get(operation["operationId"], "bearer")


@each_operation
def test_an_operation_shows_what_is_asked_and_answered(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert path
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    bodies += [
        response
        for status, response in operation["responses"].items()
        if status.startswith("2") and status != "204"
    ]
    assert bodies or method == "delete"
    for body in bodies:
        for media in body["content"].values():
            assert media["schema"]
            assert media["examples"]


@each_operation
def test_an_operation_names_its_refusals(path: str, method: str, operation: dict[str, Any]) -> None:
    assert path
    answers = set(operation["responses"])
    given = parameters(operation)
    assert "400" in answers
    if operation["security"]:
        assert {"401", "503"} <= answers
    if operation["security"] and operation["security"][0].get("bearer"):
        assert "403" in answers
    if "requestBody" in operation:
        assert {"413", "415", "422"} <= answers
    if method in {"patch", "put"}:
        assert {"412", "428", "409"} <= answers
    assert ("304" in answers) is ("If-None-Match" in given)
    assert ("412" in answers) is ("If-Match" in given)
    for status in answers:
        if status.startswith(("4", "5")) and operation["security"]:
            content = resolved(operation["responses"][status])["content"]
            own = path == TOKEN_PATH and status in {"400", "401"}
            assert list(content) == ["application/json" if own else "application/problem+json"]


@each_operation
def test_a_write_can_be_tried_and_a_post_repeated(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    given = parameters(operation)
    writes = method != "get" and path not in BY_OTHERS
    assert ("validate_only" in given) is writes
    assert ("Idempotency-Key" in given) is (writes and method == "post")
    assert {"Accept-Language", "X-Request-Id"} <= set(given)


@each_operation
def test_an_answer_names_its_headers(path: str, method: str, operation: dict[str, Any]) -> None:
    assert method
    for status, response in operation["responses"].items():
        headers = resolved(response)["headers"]
        assert resolved(headers["X-Request-Id"])["required"]
        if status.startswith("4") and "ProblemOut" in str(resolved(response)["content"]):
            assert resolved(headers["Content-Language"])["required"]
        if status == "201":
            assert "Location" in headers
        if status == "200":
            in_a_language = operation["operationId"] == "get_indicator_score"
            assert ("Content-Language" in headers) is ("Vary" in headers) is in_a_language
        if status == "200" and "If-None-Match" in parameters(operation):
            assert "ETag" in headers
        if status == "200" and path.startswith("/v1/submissions/{submission_id}/"):
            assert ("ETag" in headers) is (method == "post")


def test_every_verb_honours_if_match() -> None:
    verbs = [
        operation
        for path, method, operation in operations()
        if path and method == "post" and "201" not in operation["responses"]
        # What is of many things has no version of its own; each item may name the one it means.
        if "207" not in operation["responses"]
        and "/batch" not in path
        and path not in BY_OTHERS
        and path != "/v1/sign-out"  # of the session that asks, whichever version of it
        and not path.endswith(
            (
                *("/sync", "/imports", "/rows/sheet", "/dry-run", "/evidence-archives"),
                "/papers",
                "/reminders",  # of every unit that has not reported
            )
        )
    ]
    assert len(verbs) > 8
    assert all("If-Match" in parameters(verb) for verb in verbs)


@pytest.mark.parametrize("name", COMPONENTS["schemas"])
def test_a_schema_is_described_with_its_members(name: str) -> None:
    schema = COMPONENTS["schemas"][name]
    assert schema["description"]
    silent = [
        member for member, one in schema.get("properties", {}).items() if "description" not in one
    ]
    assert silent == []
    if name.endswith(("In", "Patch")):
        assert schema["additionalProperties"] is False


def test_every_problem_code_is_listed_once_with_its_status() -> None:
    codes = {one["code"]: one for one in CONTRACT["x-problem-codes"]}
    assert len(codes) == len(CONTRACT["x-problem-codes"])
    assert codes["submission-exists"]["status"] == 409
    assert codes["submission-exists"]["title_zh"] == "该指标、单位、周期已有填报"
    assert {"no-such-path", "malformed-address", "body-too-large", "stale-version"} <= set(codes)
    for one in codes.values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one["code"])
        assert one["title"]
        assert one["title_zh"]


def named_in_the_contract() -> set[str]:
    """Everything that a caller knows by name: members, parameters and headers."""
    members = {
        member
        for schema in COMPONENTS["schemas"].values()
        for member in schema.get("properties", ())
    }
    headers = {"Allow", "Content-Type", "ETag", "Retry-After"}
    return members | headers | {name for _, _, one in operations() for name in parameters(one)}


@pytest.mark.parametrize("problem", problem_codes(), ids=lambda problem: str(problem["code"]))
def test_a_problem_code_is_explained_to_a_caller_in_a_sentence(problem: dict[str, Any]) -> None:
    meaning = problem["description"]
    assert re.fullmatch(r"[A-Z].{20,}\.", meaning)
    assert meaning.rstrip(".") != problem["title"], "it says no more than its title"
    assert set(re.findall(r"`([^`]+)`", meaning)) <= named_in_the_contract()
    plain = re.sub(r"`[^`]+`", "", meaning)
    inner = re.findall(r"\w*_\w*|[A-Za-z]*[a-z][A-Z][a-z]\w*|\b(?:None|True|False)\b", plain)
    assert inner == [], "names of the program"
