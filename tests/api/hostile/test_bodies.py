"""Strange bodies at every endpoint: never a 500, always a problem with a code, nothing stored."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from tests.support.api import Door
from tests.support.hostile import JSON, LONG, address, answered, operations, refused

pytestmark = pytest.mark.usefixtures("things")


ODD_BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "a blank": b"  \n",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"text"',
    "a number": b"7",
    "true": b"true",
    "not json": b"{",
    "two values": b"{}{}",
    "a trailing comma": b'{"reason": "x",}',
    "a comment": b"{} // x",
    "single quotes": b"{'reason': 'x'}",
    "not UTF-8": b'{"reason": "\xff"}',
    "UTF-16": '{"reason": "x"}'.encode("utf-16"),
    "two byte order marks": b'\xef\xbb\xbf\xef\xbb\xbf{"reason": "x"}',
    "a byte order mark within": b'{\xef\xbb\xbf"reason": "x"}',
    "a NUL": b'{"reason": "a\x00b"}',
    "an escaped NUL": b'{"reason": "a\\u0000b"}',
    "a lone surrogate": b'{"reason": "\\ud800"}',
    "a lone surrogate in a name": b'{"\\ud800": 1}',
    "a NUL in a name": b'{"a\\u0000": 1}',
    "a name twice": b'{"reason": "x", "reason": "y"}',
    "an empty name": b'{"": 1}',
    "names like paths": b'{"a/b": 1, "~": 2, "__proto__": 3}',
    "NaN": b'{"value": NaN, "reason": NaN}',
    "infinity": b'{"value": -Infinity}',
    "1e400": b'{"value": 1e400, "reason": 1e400}',
    "a number of 5000 digits": b'{"value": ' + b"9" * 5000 + b"}",
    "an exponent without end": b'{"value": 1e' + b"9" * 5000 + b"}",
    "deep lists": b"[" * 50_000 + b"]" * 50_000,
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "deep inside": b'{"reason":' + b"[" * 100 + b"]" * 100 + b"}",
    "unclosed": b"[" * 100_000,
    "10,000 elements": b"[" + b"1," * 9_999 + b"1]",
    "10,000 members": b"{" + ",".join(f'"m{n}":{n}' for n in range(10_000)).encode() + b"}",
    "10,000 elements in a member": b'{"scopes": [' + b'"x",' * 9_999 + b'"x"]}',
    "all null": json.dumps(
        dict.fromkeys(
            [
                "name", "role", "kind", "value", "text", "document_number", "document_date",
                "decision", "indicator_code", "organization_code", "period", "data_status",
                "draft", "on_behalf_of", "reason", "scopes", "level", "numerator", "denominator",
                "not_applicable_reason", "note", "source", "format", "code",
            ]
        )
    ).encode(),
    "all of the wrong type": json.dumps(
        {name: {"a": [1]} for name in ["name", "role", "kind", "value", "reason", "decision"]}
    ).encode(),
    "a long text": json.dumps({"reason": LONG * 10, "name": LONG}).encode(),
}  # fmt: skip


Asker = Callable[[str], httpx.AsyncClient]

WITH_BODY = [
    one
    for one in operations()
    # A file is judged by what is in it.
    if "application/json" in one.values[2].get("requestBody", {}).get("content", {})
]


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY)
async def test_odd_bodies_are_refused(
    door: Door,
    asker: Asker,
    submission_id: str,
    endpoint_id: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    client = asker(path)
    where = address(path, submission_id, code="R01", endpoint_id=endpoint_id)
    optional = not operation["requestBody"]["required"]
    before = await door.held.database.pool.fetchval("SELECT count(*) FROM event")
    for name, body in ODD_BODIES.items():
        answer = await client.request(
            method, where, content=body, headers=JSON, params={"validate_only": "true"}
        )
        if optional and name in {"nothing", "a blank", "null", "all null"}:
            answered(answer)
            continue
        # A verb may be refused for its state, a change for lack of If-Match, before its body is.
        refused(answer, 400, 403, 409, 422, *([428] if method == "patch" else []))
    assert await door.held.database.pool.fetchval("SELECT count(*) FROM event") == before


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY)
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/octet-stream",
        "application",
        "/",
        "json",
    ],
)
async def test_a_body_of_another_type_is_refused(
    asker: Asker,
    submission_id: str,
    endpoint_id: str,
    media_type: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    assert operation
    client = asker(path)
    answer = await client.request(
        method,
        address(path, submission_id, code="R01", endpoint_id=endpoint_id),
        content=b'{"reason": "x"}',
        headers={"Content-Type": media_type},
        params={"validate_only": "true"},
    )
    # Whoever has no right to a unit's verb hears that before the body is looked at.
    named = ("{milestone_id}", "{milestone_conflict_id}", "{obligation_id}")
    of_a_unit = any(thing in path for thing in named)
    of_a_unit = of_a_unit or path.endswith("{extension_id}/withdraw")
    units = answer.status_code == 403 and of_a_unit
    assert refused(answer, 403 if units else 415) in {"forbidden", "unsupported-media-type"}


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8", ";;", ""]
)
async def test_nothing_is_nothing_whatever_type_it_is_said_to_be(
    office: httpx.AsyncClient, submission_id: str, media_type: str
) -> None:
    verbs = f"/v1/submissions/{submission_id}"
    headers = {"Content-Type": media_type}
    preview = {"validate_only": "true"}
    submitted = await office.post(f"{verbs}/submit", headers=headers, params=preview)
    without_reason = await office.post(f"{verbs}/return", headers=headers, params=preview)
    assert submitted.json()["state"] == "submitted"
    assert refused(without_reason, 422) == "invalid-input"
