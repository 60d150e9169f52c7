"""What a browser is told with every answer, and which pages of other sites may read one."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from services.api.main import create_contract_app
from services.api.settings import ApiSettings
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.reported import a_period
from tests.support.serving import exchanged, served
from tests.support.wire import a_get, echo, many_headers

BOARD = "https://board.example.gov.cn"
TOLD = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "If-Match"}


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API as it is by default."""
    async with open_door(module_database_url) as opened:
        yield opened


async def _answers(door: Door) -> dict[str, httpx.Response]:
    """Return an answer of each kind, by what is asked for."""
    async with await door.as_("office") as office, door.client(None) as nobody:
        made = await office.post(
            f"/plans/{XINMI}/submissions", json=a_submission(period=a_period(), draft=True)
        )
        one = f"/submissions/{made.json()['id']}"
        shown = await office.get(one)
        key = await door.client(door.admin_secret).post(
            "/api-keys", json={"name": "一", "role": "office"}
        )
        answers = {
            "made": made,
            "shown": shown,
            "not modified": await office.get(one, headers={"If-None-Match": shown.headers["etag"]}),
            "head": await office.head(one),
            "a list": await office.get(f"/plans/{XINMI}/submissions"),
            "a table": await office.get(f"/plans/{XINMI}/submissions.csv"),
            "compressed": await office.get(f"/plans/{XINMI}", headers={"Accept-Encoding": "gzip"}),
            "a secret": key,
            "nobody": await nobody.get("/me"),
            "no such thing": await office.get("/submissions/none"),
            "no such path": await office.get("http://wufei.test/none"),
            "no such method": await office.delete("/me"),
            "too long": await office.post(
                f"/plans/{XINMI}/submissions", content=b" " * (9 * 1024 * 1024)
            ),
            "health": await nobody.get("http://wufei.test/healthz"),
            "metrics": await nobody.get("http://wufei.test/metrics"),
            "the contract": await nobody.get("http://wufei.test/openapi.json"),
            "the front": await nobody.get("http://wufei.test/"),
            "docs": await nobody.get("http://wufei.test/docs"),
            "a file": await nobody.get("http://wufei.test/docs/assets/swagger-ui.css"),
        }
    assert {one.status_code for one in answers.values()} >= {200, 201, 304, 307, 401, 404, 405, 413}
    return answers


async def test_every_answer_tells_a_browser_to_run_frame_and_guess_nothing(door: Door) -> None:
    for name, answer in (await _answers(door)).items():
        told = {header: answer.headers.get_list(header) for header in TOLD}
        expected = {header: [value] for header, value in TOLD.items()}
        if name == "docs":
            told.pop("content-security-policy")
            expected.pop("content-security-policy")
        assert told == expected, name
        assert "server" not in answer.headers, name


async def test_nothing_without_a_version_is_kept(door: Door) -> None:
    for name, answer in (await _answers(door)).items():
        kept = answer.headers.get("cache-control", "")
        versioned = name == "a file" and "etag" in answer.headers
        assert kept in {"no-store", "private, no-cache"} or versioned, (name, kept)


async def test_what_a_change_answers_is_never_kept(door: Door) -> None:
    answers = await _answers(door)
    for name in ("made", "a secret"):
        assert answers[name].headers["cache-control"] == "no-store"


async def test_what_never_becomes_a_request_is_answered_with_the_same_headers() -> None:
    async with served(echo) as port:
        received = await exchanged(port, a_get(*many_headers(70_000)))
    lines = received.partition(b"\r\n\r\n")[0].decode().splitlines()[1:]
    headers = dict(line.split(": ", 1) for line in lines)
    assert TOLD.items() <= headers.items()
    assert "server" not in headers


async def test_an_answer_over_the_wire_names_no_server(door: Door) -> None:
    async with served(door.app) as port:
        received = await exchanged(port, a_get(b"Connection: close"))
    names = {line.split(b":")[0].lower() for line in received.split(b"\r\n\r\n")[0].splitlines()}
    assert names.isdisjoint({b"server", b"x-powered-by", b"via"})


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_docs_page_runs_its_own_scripts_only(door: Door, language: str) -> None:
    async with door.client(None) as nobody:
        page = await nobody.get("http://wufei.test/docs", params={"language": language})
    policy = dict(
        one.strip().split(" ", 1) for one in page.headers["content-security-policy"].split(";")
    )
    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inline]
    assert len(inline) == 1
    assert policy["script-src"].split() == ["'self'", *(f"'sha256-{one}'" for one in digests)]
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert re.search(r"\son[a-z]+=", page.text.split("<script", 1)[0]) is None


async def test_no_page_of_another_site_reads_an_answer_unless_it_is_named(door: Door) -> None:
    async with await door.as_("office") as office:
        read = await office.get("/me", headers={"Origin": BOARD})
        asked = await office.options("/me", headers={"Origin": BOARD, **PREFLIGHT})
    for answer in (read, asked):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_named_site_reads_answers_and_refusals_and_another_does_not(
    database_url: str,
) -> None:
    async with (
        open_door(
            database_url, environment={"WUFEI_CORS_ORIGINS": f"{BOARD}, http://10.20.0.5:8080"}
        ) as opened,
        await opened.as_("office") as office,
    ):
        asked = await office.options("/me", headers={"Origin": BOARD, **PREFLIGHT})
        other = {"Origin": "https://board.example.gov.cn.evil.example", **PREFLIGHT}
        refused = await office.options("/me", headers=other)
        read = await office.get("/me", headers={"Origin": BOARD})
        wrong = await office.get("/none", headers={"Origin": "http://10.20.0.5:8080"})
        long = await office.post(
            "/plans", content=b" " * (9 * 1024 * 1024), headers={"Origin": BOARD}
        )
    assert (asked.status_code, refused.status_code) == (200, 400)
    assert asked.headers["access-control-allow-origin"] == BOARD
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in refused.headers
    assert read.headers["access-control-allow-origin"] == BOARD
    assert "Origin" in read.headers["vary"]
    assert "ETag" in read.headers["access-control-expose-headers"]
    assert wrong.headers["access-control-allow-origin"] == "http://10.20.0.5:8080"
    assert long.status_code == 413
    assert long.headers["access-control-allow-origin"] == BOARD
    for answer in (asked, read, wrong, long):
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "board.example.gov.cn",
        f"{BOARD}/",
        f"{BOARD}/app",
        "https://User@board.example.gov.cn",
        "https://Board.example.gov.cn",
        "null",
        "file://",
        "https://",
    ],
)
def test_a_site_that_no_browser_would_name_ends_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is no site"):
        ApiSettings.model_validate(
            {"database_url": "postgresql://h/d", "WUFEI_CORS_ORIGINS": f"{BOARD},{wrong}"}
        )


async def test_the_docs_can_be_switched_off(database_url: str) -> None:
    async with (
        open_door(database_url, environment={"WUFEI_DOCS": "0"}) as opened,
        opened.client(None) as nobody,
    ):
        answers = [
            await nobody.get(f"http://wufei.test{path}")
            for path in ("/", "/docs", "/docs/assets/swagger-ui.css", "/openapi.json")
        ]
        health = await nobody.get("http://wufei.test/healthz")
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "no-such-path")}
    assert health.status_code == 200


async def test_the_contract_is_kept_and_others_are_served_while_it_is_made() -> None:
    transport = httpx.ASGITransport(create_contract_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test") as client:
        making = [asyncio.create_task(client.get("/openapi.json")) for _ in range(2)]
        await asyncio.sleep(0)
        assert (await client.get("/")).status_code == 307
        assert not any(one.done() for one in making)
        first, second = await asyncio.gather(*making)
        again = await client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
        asked = await client.get("/openapi.json?languge=en")
    assert first.content == second.content
    assert (again.status_code, again.content) == (304, b"")
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/query/languge")
