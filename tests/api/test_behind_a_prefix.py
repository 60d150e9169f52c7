"""The API behind a path prefix, and answers compressed for those who ask."""

import gzip
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from services.api.outward import LARGE_BYTES, wants_compressed
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.pages import carried_by, loaded_by

PREFIX = "/ledger"


@pytest.fixture(scope="module")
async def prefixed(module_database_url: str) -> AsyncIterator[Door]:
    """The API that is told its prefix."""
    async with open_door(module_database_url, environment={"WUFEI_ROOT_PATH": PREFIX}) as opened:
        yield opened


@pytest.mark.parametrize("taken_off", [True, False])
async def test_whatever_names_a_path_names_it_with_the_prefix(
    prefixed: Door, *, taken_off: bool
) -> None:
    sent = "" if taken_off else PREFIX
    period = "2021-01" if taken_off else "2021-02"
    async with await prefixed.as_("reporter", "UN15") as unit:
        made = await unit.post(
            f"http://wufei.test{sent}/v1/plans/{XINMI}/submissions",
            json=a_submission(period=period),
            headers={"Idempotency-Key": period},
        )
        again = await unit.post(
            f"http://wufei.test{sent}/v1/plans/{XINMI}/submissions",
            json=a_submission(period=period),
            headers={"Idempotency-Key": period},
        )
        events = await unit.get(f"http://wufei.test{sent}/v1/events")
    location = f"{PREFIX}/v1/submissions/{made.json()['id']}"
    assert (made.status_code, made.headers["location"]) == (201, location)
    assert again.headers["location"] == location
    assert events.status_code in {200, 403}
    async with await prefixed.as_("office") as office:
        events = await office.get(f"http://wufei.test{sent}/v1/events")
        todo = await office.get(f"http://wufei.test{sent}/v1/me/todo")
        calendar = await office.post(
            f"http://wufei.test{sent}/v1/plans/{XINMI}/calendar-tokens",
            json={"name": "日历", "scope": "plan"},
        )
        shown = await office.get(f"http://wufei.test{calendar.json()['path']}")
    assert events.links["next"]["url"].startswith(f"{PREFIX}/v1/events?")
    assert {one["href"].split("/v1/")[0] for one in todo.json()["items"]} == {PREFIX}
    assert calendar.json()["path"].startswith(f"{PREFIX}/v1/plans/")
    assert shown.status_code == 200


async def test_the_docs_page_works_behind_a_prefix(prefixed: Door) -> None:
    async with prefixed.client(None) as client:
        page = await client.get("http://wufei.test/docs")
        for address in loaded_by(page.text):
            assert address.startswith(f"{PREFIX}/docs/assets/")
            taken_off = address.removeprefix(PREFIX)
            for path in (address, taken_off):
                assert (await client.get(f"http://wufei.test{path}")).status_code == 200
        contract = (await client.get("http://wufei.test/openapi.json")).json()
        chinese, english = re.findall(r'<a href="([^"]+)"', page.text)[:2]
        switched = await client.get(f"http://wufei.test{PREFIX}/docs{english}")
    assert [server["url"] for server in contract["servers"]] == [PREFIX]
    assert (chinese, switched.headers["Content-Language"]) == ("?language=zh-CN", "en")
    assert carried_by(page.text)["servers"][0]["url"] == PREFIX


async def _raw(client: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
    """Return an answer with its body as it was sent."""
    async with client.stream("GET", path, headers=headers) as answer:
        body = b"".join([piece async for piece in answer.aiter_raw()])
    return httpx.Response(
        answer.status_code,
        headers=[(n, v) for n, v in answer.headers.items() if n != "content-encoding"]
        + [("x-encoding", answer.headers.get("content-encoding", "none"))],
        content=body,
    )


async def test_a_large_answer_is_compressed_for_those_who_ask(prefixed: Door) -> None:
    path = f"/plans/{XINMI}/scoreboard?period=2025"
    async with await prefixed.as_("office") as office:
        await prefixed.react()
        plain = await _raw(office, path, **{"Accept-Encoding": "identity"})
        small = await _raw(office, "/me", **{"Accept-Encoding": "gzip"})
        packed = await _raw(office, path, **{"Accept-Encoding": "br, gzip;q=0.5"})
        refused = await _raw(office, path, **{"Accept-Encoding": "gzip;q=0, br"})
        tags = {plain.headers["etag"], packed.headers["etag"]}
        same = [await _raw(office, path, **{"If-None-Match": tag}) for tag in tags]
    assert len(plain.content) > LARGE_BYTES
    assert {one.headers["x-encoding"] for one in (plain, small, refused)} == {"none"}
    assert packed.headers["x-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert int(packed.headers["content-length"]) == len(packed.content) < len(plain.content) // 2
    assert gzip.decompress(packed.content) == plain.content
    assert len(tags) == 2
    assert [one.status_code for one in same] == [304, 304]


async def test_the_tag_of_a_compressed_body_names_the_version_for_a_change(prefixed: Door) -> None:
    async with await prefixed.as_("reporter", "UN15") as unit:
        long = a_submission(period="2021-03", draft=True, note="说明" * 900)
        made = await unit.post(f"/plans/{XINMI}/submissions", json=long)
        path = f"/submissions/{made.json()['id']}"
        got = await unit.get(path, headers={"Accept-Encoding": "gzip"})
        edited = await unit.patch(
            path, json={"note": "短"}, headers={"If-Match": got.headers["etag"]}
        )
    assert re.fullmatch(r'".*;gzip"', got.headers["etag"])
    assert edited.status_code == 200


async def test_an_answer_with_a_secret_is_never_compressed(prefixed: Door) -> None:
    async with prefixed.client(prefixed.admin_secret) as admin:
        body = {"name": "x", "role": "leader"}
        made = await admin.post("/api-keys", json=body, headers={"Accept-Encoding": "gzip"})
    assert made.json()["secret"]
    assert "content-encoding" not in made.headers
    asked = {b"accept-encoding": b"gzip"}
    assert [wants_compressed({"method": one}, asked) for one in ("GET", "POST", "PATCH")] == [
        True,
        False,
        False,
    ]
