"""Strange plans, tokens, credentials, paths and methods: never a 500, always a problem."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from services.api.main import create_contract_app
from tests.support.api import Door
from tests.support.hostile import JSON, LONG, PLAN, YAML, refused

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
