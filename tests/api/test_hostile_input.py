"""Strange input at every endpoint: never a 500, always a problem with a code, nothing stored."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.core.milestones.models import Milestone
from tests.support.api import XINMI, Door, a_submission
from tests.support.contract import CONTRACT
from tests.support.duties import add
from tests.support.hostile import JSON, LONG, answered, refused
from tests.support.milestones import a_milestone_in, an_extension


@pytest.fixture
async def office(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with await door.as_("office") as client:
        client.base_url = httpx.URL("http://wufei.test")
        yield client


@pytest.fixture
async def admin(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with door.client(door.admin_secret) as client:
        client.base_url = httpx.URL("http://wufei.test")
        yield client


@pytest.fixture(scope="module")
async def submission_id(door: Door) -> str:
    """A draft that can be changed; the office, which did not write it, may review it."""
    async with await door.as_("reporter", "UN15") as client:
        made = await client.post(
            f"/plans/{XINMI}/submissions", json=a_submission(period="2023", draft=True)
        )
    return str(made.json()["id"])


@pytest.fixture(scope="module")
async def endpoint_id(door: Door) -> str:
    """A webhook endpoint that can be changed."""
    async with await door.as_("office") as client:
        made = await client.post("/webhook-endpoints", json={"url": "https://example.org/"})
    return str(made.json()["id"])


def operations() -> Iterator[Any]:
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(method, path, operation, id=operation["operationId"])


each_operation = pytest.mark.parametrize(("method", "path", "operation"), list(operations()))


_THINGS = (
    *("key_id", "endpoint_id", "delivery_id", "operation_id", "token_id"),
    *("milestone_id", "extension_id", "obligation_id", "alert_id"),
)
"""Things of which none is there, unless `_made` holds one; the submission is there."""

_made: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
async def things(door: Door) -> AsyncIterator[None]:
    """What a verb finds before it reads its body: of every kind whose verbs have one."""
    _made["milestone_id"] = str((await a_milestone_in(door, "assigned")).json()["id"])
    _made["extension_id"] = str((await an_extension(door)).json()["id"])
    _made["alert_id"] = await _an_alert(door)
    _made["obligation_id"] = await _an_obligation(door)
    yield
    _made.clear()


async def _an_alert(door: Door) -> str:
    day = door.held.clock.today("Asia/Shanghai") - timedelta(days=4)
    await add(door.held.database, Milestone, due_date=day, original_due_date=day)
    await door.sweep()
    async with await door.as_("office") as client:
        found = await client.get(f"/plans/{XINMI}/alerts?rule=milestone_due&state=open")
    return str(found.json()["items"][0]["id"])


async def _an_obligation(door: Door) -> str:
    due = (door.held.clock.today("Asia/Shanghai") + timedelta(days=30)).isoformat()
    async with await door.as_("office") as client:
        await client.post(f"/plans/{XINMI}/periods/2024/open", json={"due_date": due})
        found = await client.get(f"/plans/{XINMI}/obligations?page_size=1")
    return str(found.json()["items"][0]["id"])


def address(path: str, submission: str, **named: str) -> str:
    """Return a path with everything named in it."""
    return path.format(
        **{
            "plan": XINMI,
            "code": "U08",
            "year": "2025",
            "number": "14",
            "period": "2022",
            "question_id": "T01",
            **dict.fromkeys(_THINGS, "019aafc0-0000-7000-8000-000000000000"),
            **_made,
            "submission_id": submission,
            **named,
        }
    )


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
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
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


WITH_BODY = [one for one in operations() if "requestBody" in one.values[2]]


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY)
async def test_odd_bodies_are_refused(
    door: Door,
    office: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    submission_id: str,
    endpoint_id: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    client = admin if path == "/v1/api-keys" else office
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
    office: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    submission_id: str,
    endpoint_id: str,
    media_type: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    assert operation
    client = admin if path == "/v1/api-keys" else office
    answer = await client.request(
        method,
        address(path, submission_id, code="R01", endpoint_id=endpoint_id),
        content=b'{"reason": "x"}',
        headers={"Content-Type": media_type},
        params={"validate_only": "true"},
    )
    # Whoever has no right to a unit's verb hears that before the body is looked at.
    of_a_unit = any(thing in path for thing in ("{milestone_id}", "{obligation_id}"))
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
