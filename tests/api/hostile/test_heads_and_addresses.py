"""Strange input at every endpoint: never a 500, always a problem with a code, nothing stored."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.hostile import JSON, address, answered, operations, refused

pytestmark = pytest.mark.usefixtures("things")


each_operation = pytest.mark.parametrize(("method", "path", "operation"), list(operations()))

ODD_HEADERS: Mapping[str, Mapping[str, str | bytes]] = {
    "If-Match garbage": {"If-Match": '"', "If-None-Match": ',,;"W/"'},
    "If-Match of control characters": {"If-Match": b"\x01\x7f\xff", "If-None-Match": b"\xff"},
    "If-Match very long": {"If-Match": '"' + "x" * 9000 + '"'},
    "If-None-Match of 5000 tags": {"If-None-Match": ", ".join(f'"{n}"' for n in range(5000))},
    "language garbage": {"Accept-Language": "*;q=,;;q=2,zh-;q=nan,en;q=-1," + "x," * 3000},
    "language of odd bytes": {"Accept-Language": b"\xff\xfe;q=\x80"},
    "key of odd characters": {"Idempotency-Key": "键".encode()},
    "key of control characters": {"Idempotency-Key": b"a\x01b\x7f"},
    "key with NUL": {"Idempotency-Key": b"a\x00b"},
    "key empty": {"Idempotency-Key": ""},
    "key very long": {"Idempotency-Key": "k" * 9000},
    "request id of odd bytes": {"X-Request-Id": b"\xff\x00\r"},
    "request id very long": {"X-Request-Id": "r" * 9000},
    "a type that is none": {"Content-Type": ";;;", "Accept": "nothing/at-all"},
    "a type of odd bytes": {"Content-Type": b"application/\xff\x00json; charset=\xfe"},
    "an unknown charset": {"Content-Type": "application/json; charset=utf-9"},
    "a length that is none": {"Content-Length": "-5"},
    "a length of many digits": {"Content-Length": "9" * 400},
    "forwarded from anywhere": {"X-Forwarded-For": "'; DROP TABLE plan; --", "Forwarded": "for=x"},
    "a range": {"Range": "bytes=0-5"},
    "an unknown encoding": {"Content-Encoding": "gzip", "Transfer-Encoding": "chunked"},
}


@each_operation
async def test_odd_headers_are_borne(
    office: httpx.AsyncClient,
    submission_id: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    query = {} if method == "get" else {"validate_only": "true"}
    body: dict[str, Any] = {"content": b"{}"} if "requestBody" in operation else {}
    for headers in ODD_HEADERS.values():
        raw: Any = list({**JSON, **headers}.items())
        answered(
            await office.request(
                method, address(path, submission_id), params=query, headers=raw, **body
            )
        )


@each_operation
async def test_repeated_headers_are_borne(
    office: httpx.AsyncClient,
    submission_id: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    twice = ("Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Accept-Language")
    raw = [(name, value) for name in twice for value in ("a", "b")]
    raw += [("X-Request-Id", "one"), ("X-Request-Id", "two")]
    query = {} if method == "get" else {"validate_only": "true"}
    body: dict[str, Any] = {"content": b"{}"} if "requestBody" in operation else {}
    answered(
        await office.request(
            method, address(path, submission_id), params=query, headers=raw, **body
        )
    )


ODD_QUERIES = {
    "huge": "q=" + "x" * 60_000,
    "many": "&".join(f"p{n}={n}" for n in range(5000)),
    "bad UTF-8": "period=%ff%fe&basis=%c0%80&page_token=%ed%a0%80&types=%f5&state=%80",
    "half an escape": "period=%&basis=%z&page_token=%1",
    "repeated": "period=2025&period=2024&page_size=1&page_size=2&basis=x&basis=approved",
    "empty": "period=&basis=&page_token=&page_size=&after=&limit=&wait=&as_of=&changed_after=",
    "huge numbers": "page_size=1000000000&after=99999999999999999999&limit=1e9&wait=1e400",
    "negative": "page_size=-1&after=-1&limit=-1&wait=-1&changed_after=-1",
    "not a number": "page_size=NaN&after=inf&limit=0x10&wait=NaN&changed_after=%D9%A1",
    "digits without end": f"page_size={'9' * 5000}&after={'1' * 5000}&changed_after={'1' * 5000}",
    "instants": "as_of=0&validate_only=2",
    "instant out of reach": "as_of=9999-12-31T23:59:59-14:00",
    "instant before all": "as_of=0001-01-01T00:00:00%2B14:00",
    "instant without offset": "as_of=2025-01-01T00:00:00",
    "brackets": "period[]=2025&page_size[a]=1",
    "SQL": "indicator_code=%27%3B--&organization_code=%22&types=%27)%3B--",
    "surrogates": "indicator_code=\\ud800&organization_code=%5Cud800",
}


@each_operation
async def test_odd_queries_are_borne(
    office: httpx.AsyncClient,
    submission_id: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    preview = "" if method == "get" else "&validate_only=true"
    body: dict[str, Any] = {"json": {}} if "requestBody" in operation else {}
    for query in ODD_QUERIES.values():
        where = f"{address(path, submission_id)}?{query}{preview}"
        answered(await office.request(method, where, **body))


ODD_NAMES = [
    "%ff%fe",
    "%ed%a0%80",
    "%2e%2e%2f",
    "%c3%28",
    "a%0d%0ab",
    "%F0%9F%97%91",
    "-1",
    "0",
    "2025-13",
    "99999999999999999999999999",
    "1e400",
    "NaN",
    "null",
    "{}",
    "%7B%7D",
    "'%3B--",
    "x" * 5000,
    "%E9%95%BF" * 500,
    "%20",
    "410183-2025%20",
    "410183-2025%2F..",
    "*",
]


@each_operation
async def test_odd_names_in_the_path_are_not_found_or_refused(
    office: httpx.AsyncClient,
    submission_id: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    query = {} if method == "get" else {"validate_only": "true"}
    body: dict[str, Any] = {"json": {}} if "requestBody" in operation else {}
    names = re.findall(r"{(\w+)}", path)
    for name in names:
        for odd in ODD_NAMES:
            where = address(path, submission_id, **{name: odd})
            answer = await office.request(method, where, params=query, **body)
            assert refused(answer), where


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{}", 200),
        ("{upper}", 200),
        ("{hex}", 200),
        ("urn:uuid:{}", 200),
        ("%7B{}%7D", 200),
        ("{} ", 422),
        ("{}0", 422),
        ("00000000-0000-0000-0000-000000000000", 404),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 404),
        ("zzzzzzzz-0000-7000-8000-000000000000", 422),
        ("1", 422),
    ],
)
async def test_ids_in_odd_forms_name_the_same_or_nothing(
    office: httpx.AsyncClient, submission_id: str, form: str, status: int
) -> None:
    written = form.format(submission_id, upper=submission_id.upper(), hex=UUID(submission_id).hex)
    for place in ("", "/history"):
        answer = await office.get(f"/v1/submissions/{written}{place}")
        assert answer.status_code == status, written
        if status != 200:
            refused(answer)
