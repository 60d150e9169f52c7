"""What has to be true of every answer, however strange the request was."""

from typing import Any

import httpx

from tests.support.api import XINMI

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
        assert answer.status_code in {200, 201, 204, 304}
