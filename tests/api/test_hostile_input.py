"""Strange input at every endpoint: never a 500, always a problem with a code, nothing stored."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.api.contract.__main__ import PATH
from services.api.main import create_contract_app
from services.core.kit.exact_yaml import read_yaml
from services.core.milestones.models import Milestone
from tests.support.api import XINMI, Door, a_submission
from tests.support.duties import add
from tests.support.milestones import a_milestone_in, an_extension

CONTRACT: Any = read_yaml(PATH.read_bytes())
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
    """A draft that can be changed."""
    async with await door.as_("office") as client:
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
    """What a verb finds before it reads its body: a milestone, an extension, an alert."""
    _made["milestone_id"] = str((await a_milestone_in(door, "assigned")).json()["id"])
    _made["extension_id"] = str((await an_extension(door)).json()["id"])
    _made["alert_id"] = await _an_alert(door)
    yield
    _made.clear()


async def _an_alert(door: Door) -> str:
    day = door.held.clock.today("Asia/Shanghai") - timedelta(days=4)
    await add(door.held.database, Milestone, due_date=day, original_due_date=day)
    await door.sweep()
    async with await door.as_("office") as client:
        found = await client.get(f"/plans/{XINMI}/alerts?rule=milestone_due&state=open")
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
    media_type: str,
    method: str,
    path: str,
    operation: dict[str, Any],
) -> None:
    assert operation
    client = admin if path == "/v1/api-keys" else office
    answer = await client.request(
        method,
        address(path, submission_id, code="R01"),
        content=b'{"reason": "x"}',
        headers={"Content-Type": media_type},
        params={"validate_only": "true"},
    )
    # Whoever has no right to a unit's verb hears that before the body is looked at.
    of_a_unit = "{milestone_id}" in path or path.endswith("{extension_id}/withdraw")
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


ODD_YAML: Mapping[str, bytes] = {
    "nothing": b"",
    "a blank": b"\n\n",
    "a scalar": b"plan",
    "a list": b"- a\n- b\n",
    "a tab": b"a:\n\t- b",
    "unclosed": b"a: [1, 2",
    "an alias": b"a: &x [1]\nb: *x\n",
    "a bomb": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
    "a merge": b"a: &a {x: 1}\nb: {<<: *a}\n",
    "a name twice": b"format: a\nformat: b\n",
    "deep flow": b"[" * 10_000 + b"]" * 10_000,
    "deep unclosed flow": b"[" * 10_000,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(300)),
    "a python object": b"!!python/object/apply:os.system ['true']",
    "an unknown tag": b"!thing {a: 1}",
    "binary": b"!!binary aGVsbG8=",
    "a set": b"!!set {a, b}",
    "not UTF-8": b"format: \xff",
    "UTF-16": "format: x".encode("utf-16"),
    "a NUL": b"format: a\x00b",
    "an escaped NUL": b'format: "a\\0b"',
    "a surrogate": b'format: "\\ud800"',
    "two documents": b"a: 1\n---\nb: 2\n",
    "a directive": b"%YAML 9.9\n---\na: 1\n",
    "numbers of all sorts": b"format: .nan\ncode: .inf\ntitle: 0x1F\ncity: 1_000\nspan: 1:30:00\n",
    "a number of 10,000 digits": b"format: " + b"9" * 10_000,
    "an exponent without end": b"format: 1.0e+" + b"9" * 5000,
    "days": b"span: {start: 2025-13-45, end: 2025-02-30}\n",
    "keys that are no text": b"1: a\n[a, b]: c\n{a: b}: d\nnull: e\n",
    "a key that is a list": b"? [a, b]\n: c\n",
    "10,000 elements": b"indicators:\n" + b"- x\n" * 10_000,
    "10,000 bad indicators": b"indicators:\n" + b"- {code: x}\n" * 10_000,
    "10,000 names": b"".join(f"m{n}: {n}\n".encode() for n in range(10_000)),
    "a long text": f"title: {LONG * 20}\n".encode(),
}


@pytest.mark.parametrize("body", ODD_YAML.values(), ids=ODD_YAML.keys())
async def test_an_odd_plan_document_is_refused(admin: httpx.AsyncClient, body: bytes) -> None:
    answer = await admin.post("/v1/plans", content=body, headers=YAML)
    assert answer.status_code in {400, 422}, answer.text[:500]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] in {"malformed-body", "invalid-plan"}


async def test_every_member_of_a_plan_may_be_of_the_wrong_type(
    office: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    whole = (await office.get(PLAN)).json()["document"]
    small = {**whole, "indicators": whole["indicators"][:2], "tasks": whole["tasks"][:1]}
    assert small["organizations"]
    for name in small:
        odd: Any
        for odd in (None, [], {}, 0, -1, True, "x", LONG, [None], [{}], [[]], {"a": None}):
            answer = await admin.post(
                "/v1/plans", json={**small, name: odd}, params={"validate_only": "true"}
            )
            if answer.status_code >= 400:
                assert answer.status_code == 422, (name, odd, answer.text[:300])
                assert answer.json()["code"] == "invalid-plan"


ODD_TOKENS = [
    "x",
    "====",
    "e30",
    "W10",
    "bnVsbA",
    "WzFd",
    "W251bGxd",
    "/w==",
    "%ff",
    "A" * 1000,
    "W" * 999,
    "WyJhIiwiYiJd",
]


@pytest.mark.parametrize(
    "path",
    ["/v1/api-keys", "/v1/organizations", f"{PLAN}/submissions", f"{PLAN}/indicators/U08/series"],
)
async def test_a_page_token_of_another_make_is_refused(
    admin: httpx.AsyncClient, office: httpx.AsyncClient, path: str
) -> None:
    client = admin if path == "/v1/api-keys" else office
    for token in ODD_TOKENS:
        answer = await client.get(path, params={"page_token": token})
        assert refused(answer, 400) == "bad-page-token"
    long = await client.get(path, params={"page_token": "A" * 1001})
    assert refused(long, 422) == "invalid-input"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer a b c",
        "Bearer " + "x" * 100_000,
        "Bearer wufei_410183_x_" + "é" * 10,
        "Bearer wufei_%00_x_y",
        "Bearer wufei_410183_\x01_y",
        "bearer wufei__x_y",
        b"Bearer \xff\xfe",
        b"Bearer wufei_\x00_x_y",
        b"Bearer wufei_'; DROP TABLE api_key; --_x_y",
    ],
)
async def test_a_credential_that_is_none_is_401(door: Door, authorization: str | bytes) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(door.app, raise_app_exceptions=False),
        base_url="http://wufei.test",
    ) as nobody:
        value = authorization if isinstance(authorization, bytes) else authorization.encode()
        answer = await nobody.get("/v1/me", headers=[(b"Authorization", value)])
    assert refused(answer, 401) == "unauthenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v2/me", "/v1/me/", "/v1//me", "/v1/ME", "/%2e%2e/v1/me", "//"]
)
async def test_a_path_that_is_none_is_not_found(office: httpx.AsyncClient, path: str) -> None:
    answer = await office.get(f"http://wufei.test{path}")
    assert refused(answer, 404) == "no-such-path"


@pytest.mark.parametrize("method", ["PUT", "TRACE", "OPTIONS", "HEAD", "BREW", "get", "CONNECT"])
async def test_a_method_that_is_not_there_names_those_that_are(
    office: httpx.AsyncClient, method: str
) -> None:
    answer = await office.request(method, f"{PLAN}/submissions")
    if method in {"get", "HEAD"}:  # httpx writes the first one large
        assert answer.status_code == 200
        return
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert refused(answer, 405) == "method-not-allowed"


async def test_the_envelopes_own_refusals_speak_the_callers_language(
    office: httpx.AsyncClient,
) -> None:
    chinese = {"Accept-Language": "zh-CN"}
    nul = await office.get("/v1/plans/%00")
    nul_zh = await office.get("/v1/plans/%00", headers=chinese)
    large = await office.post("/v1/plans", content=b" " * 9_000_000, headers=chinese)
    assert refused(nul, 400) == refused(nul_zh, 400) == "malformed-address"
    assert (nul.headers["Content-Language"], nul_zh.headers["Content-Language"]) == ("en", "zh-CN")
    assert nul_zh.json()["title"] == "地址含有空字符"
    assert refused(large, 413) == "body-too-large"
    assert large.json()["title"] == "请求体超过 8 MiB"


async def test_a_language_is_found_in_spite_of_blanks(office: httpx.AsyncClient) -> None:
    answer = await office.get("/v1/x", headers={"Accept-Language": "fr , en ; q=0.9 , zh ;q=0.1"})
    assert answer.headers["Content-Language"] == "en"


async def test_an_error_of_ours_is_a_problem_with_the_requests_id() -> None:
    nothing_behind = httpx.ASGITransport(create_contract_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=nothing_behind, base_url="http://wufei.test") as client:
        answer = await client.get("/v1/me", headers={"Authorization": "Bearer a_b_c_d"})
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "internal-error"
    assert answer.headers["X-Request-Id"] in answer.json()["instance"]
    assert "resources" not in answer.text


async def test_a_mountain_of_faults_is_not_made(
    office: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    flat = b"{" + ",".join(f'"m{n:x}":1' for n in range(150_000)).encode() + b"}"
    many = b'{"a":[' + b"1," * 500_000 + b"1]}"
    member = "{" + ",".join(f'"m{n}":1' for n in range(900)) + "}"
    nested = ('{"indicators":[' + ",".join([member] * 20) + "]}").encode()
    answers = [
        await office.post(f"{PLAN}/submissions", content=flat, headers=JSON),
        await office.post(f"{PLAN}/submissions", content=many, headers=JSON),
        await admin.post("/v1/plans", content=flat, headers=YAML),
        await admin.post("/v1/plans", content=many, headers=YAML),
    ]
    listed = await admin.post("/v1/plans", content=nested, headers=JSON)
    assert [refused(answer, 400) for answer in answers] == ["malformed-body"] * 4
    assert listed.status_code == 422
    assert len(listed.json()["errors"]) == 1000
    assert listed.json()["more_errors"] > 17_000
    assert len(listed.content) < 200_000
