"""What has to be true of every answer, however strange the request was."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI
from tests.support.contract import BY_OTHERS, CONTRACT

PLAN = f"/v1/plans/{XINMI}"
JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}
LONG = "长" * 4000


def refused(answer: httpx.Response, *statuses: int) -> str:
    """Return the code of a refusal that is a proper problem."""
    assert answer.status_code in (statuses or range(400, 500)), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"] != "http-error"
    assert answer.headers["Content-Language"] in {"zh-CN", "en"}
    assert answer.headers["X-Request-Id"] in problem["instance"]
    assert len(answer.content) < 20_000
    return str(problem["code"])


def answered(answer: httpx.Response) -> None:
    """Accept any answer that is no error of ours; a refusal must be a proper problem."""
    if answer.status_code >= 400:
        refused(answer)
    else:
        assert answer.status_code in {200, 201, 202, 204, 304}


def operations() -> Iterator[Any]:
    """Yield each operation of the contract: method, path, and what is said of it."""
    for path, methods in CONTRACT["paths"].items():
        if path in BY_OTHERS:
            continue  # its refusals are another's; tests of tokens and partners are hostile to it
        for method, operation in methods.items():
            yield pytest.param(method, path, operation, id=operation["operationId"])


THINGS = (
    *("key_id", "endpoint_id", "delivery_id", "operation_id", "token_id"),
    *("partner_id", "connector_id", "provider_id"),
    *("milestone_id", "extension_id", "obligation_id", "alert_id"),
    *("user_id", "post_id", "session_id"),
    *("conflict_id", "milestone_conflict_id", "register_row_conflict_id"),
    *("observation_id", "preview_id", "import_id", "evidence_id", "archive_id"),
    *("row_id", "link_id", "paper_id", "assessment_id", "appeal_id"),
)
"""Things of which none is there, unless `MADE` holds one; the submission is there."""

MADE: dict[str, str] = {}


def address(path: str, submission: str, **named: str) -> str:
    """Return a path with everything named in it."""
    return path.format(
        **{
            "plan": XINMI,
            "register": "GREEN-FACTORY",
            "sheet": "TOWN",
            "code": "U08",
            "year": "2025",
            "number": "14",
            "period": "2022",
            "question_id": "T01",
            "name": "indicators",
            "format": "docx",
            "kind": "bulletin",
            **dict.fromkeys(THINGS, "019aafc0-0000-7000-8000-000000000000"),
            **MADE,
            "submission_id": submission,
            **named,
        }
    )
