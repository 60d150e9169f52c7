"""Limits over the wire: told with every answer, and what is beyond them is 429 with what to do."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from services.core.evidence.links import EvidenceLink
from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door, a_submission, open_door

READS, WRITES, HEAVY, TOKENS, AT_ONCE = 8, 4, 2, 3, 3


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API with small quotas, each process counting for itself."""
    environment = {
        "WUFEI_LIMITS": "1",
        "WUFEI_LIMIT_READS": str(READS),
        "WUFEI_LIMIT_WRITES": str(WRITES),
        "WUFEI_LIMIT_HEAVY": str(HEAVY),
        "WUFEI_LIMIT_TOKENS": str(TOKENS),
        "WUFEI_LIMIT_AT_ONCE": str(AT_ONCE),
    }
    async with open_door(module_database_url, environment=environment) as opened:
        yield opened


async def a_caller(door: Door, role: str = "office") -> httpx.AsyncClient:
    """Return a client with a key of its own, made by an administrator of its own."""
    async with door.client(await _administrator(door)) as admin:
        made = await admin.post("/api-keys", json={"name": "k", "role": role})
    return door.client(made.json()["secret"])


async def _administrator(door: Door) -> str:
    """Return the secret of another administrator: the first one's quota is small too."""
    limits = door.held.limits
    assert limits is not None
    limits._buckets.clear()
    return await door.new_key("system_admin")


def refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 429, answer.text
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, 429)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "retry_after" not in problem


async def test_an_answer_that_is_kept_counts_as_one_that_is_made(door: Door) -> None:
    async with await a_caller(door) as caller:
        board = f"/plans/{XINMI}/scoreboard?period=2025"
        answers = [await caller.get(board) for _ in range(READS)]
        over = await caller.get(board)
    left = [one.headers["RateLimit"].partition(";t=")[0] for one in answers]
    assert left == [f'"reads";r={READS - 1 - number}' for number in range(READS)]
    refused(over, "rate-limited")


async def test_every_answer_tells_the_quota_and_one_too_many_is_refused(door: Door) -> None:
    async with await a_caller(door) as caller:
        answers = [await caller.get("/me") for _ in range(READS)]
        over = await caller.get("/me")
        other = await caller.post(f"/plans/{XINMI}/submissions", json=a_submission(value="x"))
        not_there = await caller.get("/plans/nonsense")
    left = [one.headers["RateLimit"].partition(";t=")[0] for one in answers]
    assert left == [f'"reads";r={READS - 1 - number}' for number in range(READS)]
    assert {one.headers["RateLimit-Policy"] for one in answers} == {f'"reads";q={READS};w=60'}
    for answer in (over, not_there):
        refused(answer, "rate-limited")
    assert str(READS) in over.json()["detail"]
    assert over.headers["RateLimit"].startswith('"reads";r=0;t=')
    assert other.status_code == 422
    assert other.headers["RateLimit"].startswith(f'"writes";r={WRITES - 1};'), "refusals count"
    async with await a_caller(door) as neighbour:
        assert (await neighbour.get("/me")).status_code == 200


async def test_who_is_not_known_hears_of_no_quota(door: Door) -> None:
    async with door.client("wufei_410183_x_y") as nobody:
        answer = await nobody.get("/me")
    assert answer.status_code == 401
    assert "RateLimit" not in answer.headers


_KEY = """
INSERT INTO api_key
    (city_code, id, name, role, scopes, every_city, prefix, secret_digest, created_at)
VALUES ('410183', $1, 'k', 'leader', '{}', false, 'p', int8send($2), now())
"""


async def test_a_table_counts_once_among_what_is_heavy_however_many_pages_it_reads(
    door: Door,
) -> None:
    keys = [(f"019aafc0-0000-7000-8000-{number:012}", number) for number in range(600)]
    await door.held.database.pool.executemany(_KEY, keys)
    path = "/api-keys.csv"
    async with door.client(await _administrator(door)) as caller:
        tables = [await caller.get(path) for _ in range(HEAVY)]
        over = await caller.get(path)
        read = await caller.get("/me")
    assert [one.status_code for one in tables] == [200] * HEAVY, tables[0].text
    assert len(tables[0].text.splitlines()) > 600, "more than one page"
    assert tables[0].headers["RateLimit"].startswith(f'"heavy";r={HEAVY - 1};')
    refused(over, "rate-limited")
    assert read.status_code == 200


async def test_a_long_poll_counts_once_and_takes_a_place_until_it_is_answered(door: Door) -> None:
    async with await a_caller(door) as caller:
        last = (await caller.get("/events?limit=500")).json()["last_position"]
        who = UUID((await caller.get("/me")).json()["credential_id"])
        waiting = [
            asyncio.create_task(caller.get(f"/events?after={last}&wait=30")) for _ in range(AT_ONCE)
        ]
        limits = door.held.limits
        assert limits is not None
        async with asyncio.timeout(30):
            while limits.places.under_way(who) < AT_ONCE:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        over = await caller.get("/me")
        refused(over, "too-many-at-once")
        async with door.client(door.admin_secret) as admin:
            assert (await admin.get("/me")).status_code == 200, "others have places of their own"
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        async with asyncio.timeout(30):
            while limits.places.under_way(who):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        again = await caller.get("/me")
    assert again.status_code == 200
    assert again.headers["RateLimit"].startswith(f'"reads";r={READS - 4 - AT_ONCE};')


async def test_an_address_that_is_a_credential_has_a_quota_of_its_own(door: Door) -> None:
    body = {"name": "大屏", "scope": "plan"}
    async with await a_caller(door) as maker:
        calendar = (await maker.post(f"/plans/{XINMI}/calendar-tokens", json=body)).json()["path"]
        link = f"/v1/evidence-content?link={await a_link(door, maker)}"
        transport = httpx.ASGITransport(door.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test") as anybody:
            for path, sort, most in ((calendar, "heavy", HEAVY), (link, "reads", READS)):
                answers = [await anybody.get(path) for _ in range(most)]
                assert {one.headers["RateLimit-Policy"] for one in answers} == {
                    f'"{sort}";q={most};w=60'
                }
                refused(await anybody.get(path), "rate-limited")
        assert (await maker.get("/me")).headers["RateLimit"].startswith(f'"reads";r={READS - 2};')


async def a_link(door: Door, maker: httpx.AsyncClient) -> str:
    """Return a link of a maker to a file that there is not."""
    seal = door.held.seal
    assert seal is not None
    who = UUID((await maker.get("/me")).json()["credential_id"])
    until = door.held.clock.true_now() + timedelta(minutes=5)
    return EvidenceLink("410183", new_id(), who, until).token(seal)


async def test_requests_for_tokens_are_counted_by_address(door: Door) -> None:
    async def asked(address: str) -> httpx.Response:
        transport = httpx.ASGITransport(door.app, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test/v1") as one:
            body = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
            return await one.post("/oauth/token", data=body)

    answers = [await asked("203.0.113.9") for _ in range(TOKENS)]
    assert {one.status_code for one in answers} == {401}
    refused(await asked("203.0.113.9"), "rate-limited")
    assert (await asked("203.0.113.10")).status_code == 401
