"""`GET /v1/audit` and its export: for the auditor alone, and what is exported proves itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.core.audit import linking
from services.core.audit.lines import verify_lines
from services.core.kit.clock import Clock
from services.core.kit.signatures import Signer
from tests.support.api import NEIGHBOUR, Door, neighbour, open_door


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """A ledger with a second plan beside it, whose chain is up to date."""
    async with open_door(module_database_url) as opened:
        await opened.load(neighbour())
        for role in ("office", "leader"):
            await opened.new_key(role)
        opened.auditor = await opened.new_key("audit_admin")  # type: ignore[attr-defined]
        await opened.react()
        await opened.sweep()
        yield opened


@pytest.fixture
async def auditor(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with door.client(door.auditor) as client:  # type: ignore[attr-defined]
        yield client


async def _items(client: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get("/audit", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_entries_are_listed_the_newest_first_each_with_its_place_in_the_chain(
    auditor: httpx.AsyncClient,
) -> None:
    items = await _items(auditor, action="key.created")
    assert [one["data"]["role"] for one in items[:3]] == ["audit_admin", "leader", "office"]
    assert all(one["number"] and len(one["digest"]) == 64 for one in items)
    made = items[0]
    assert made["actor"]["role"] == "system_admin"
    assert made["actor"]["request_id"]
    numbers = [one["number"] for one in items]
    assert numbers == sorted(numbers, reverse=True)


async def test_entries_are_narrowed_by_what_who_and_when(auditor: httpx.AsyncClient) -> None:
    newest, *_ = await _items(auditor, action="key.created")
    one = f"api_key/{newest['subject_id']}"
    assert [each["id"] for each in await _items(auditor, subject=one)] == [newest["id"]]
    assert await _items(auditor, subject="webhook_endpoint") == []
    assert len(await _items(auditor, subject="api_key")) >= 4
    by = newest["actor"]["id"]
    assert {each["actor"]["id"] for each in await _items(auditor, credential_id=by)} == {by}
    now = Clock.true_now()
    assert await _items(auditor, **{"from": (now + timedelta(hours=1)).isoformat()}) == []
    assert await _items(auditor, to=(now - timedelta(hours=1)).isoformat()) == []
    assert await _items(auditor, action="nothing") == []


async def test_pages_hold_every_entry_once(auditor: httpx.AsyncClient) -> None:
    whole = [one["id"] for one in await _items(auditor, page_size=500)]
    found, token = [], None
    while True:
        asked = {"page_size": 2} | ({"page_token": token} if token else {})
        page = (await auditor.get("/audit", params=asked)).json()
        found += [one["id"] for one in page["items"]]
        token = page["next_page_token"]
        if token is None:
            break
    assert found == whole


async def test_the_list_can_be_had_as_a_table(auditor: httpx.AsyncClient) -> None:
    answer = await auditor.get("/audit.csv", headers={"Accept-Language": "zh-CN"})
    assert answer.status_code == 200
    first, *rows = answer.content.decode("utf-8-sig").splitlines()
    assert "链中编号" in first
    assert len(rows) == len(await _items(auditor, page_size=500))


async def _refused(door: Door, secret: str) -> None:
    async with door.client(secret) as client:
        for path in ("/audit", "/audit/export"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


@pytest.mark.parametrize("role", ["office", "leader", "system_admin", "security_admin"])
async def test_nobody_but_the_auditor_reads_it(door: Door, role: str) -> None:
    await _refused(door, await door.new_key(role))


@pytest.mark.parametrize(
    "bound",
    [{"scopes": []}, {"plan": NEIGHBOUR}, {"organization_code": "UN15"}],
    ids=["no-scope", "of-a-plan", "of-a-unit"],
)
async def test_an_auditor_of_less_than_the_city_does_not_read_it(
    door: Door, bound: dict[str, Any]
) -> None:
    async with door.client(door.admin_secret) as admin:
        body = {"name": "auditor", "role": "audit_admin", **bound}
        secret = (await admin.post("/api-keys", json=body)).json()["secret"]
    await _refused(door, secret)


async def test_the_export_proves_itself_and_is_in_the_audit(
    door: Door, auditor: httpx.AsyncClient
) -> None:
    await door.sweep()
    answer = await auditor.get("/audit/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    seal = door.held.seal
    assert seal is not None
    trusted = frozenset(Signer(seal, linking.PURPOSE).public_keys)
    lines = answer.content.splitlines(keepends=True)
    chain, breach = verify_lines(lines, trusted=trusted)
    assert breach is None
    assert chain.last_signed is not None
    position = await door.held.database.pool.fetchval("SELECT max(position) FROM event_position")
    assert chain.position == position
    noted, *_ = await _items(auditor, action="audit.exported")
    assert noted["data"] == {"after": 0, "upto": chain.number}
    rest = await auditor.get("/audit/export", params={"after": chain.number - 1})
    assert verify_lines(rest.content.splitlines(keepends=True), trusted=trusted)[1] is None


async def test_an_export_after_what_is_not_there_is_refused(auditor: httpx.AsyncClient) -> None:
    answer = await auditor.get("/audit/export", params={"after": 10**9})
    assert (answer.status_code, answer.json()["code"]) == (422, "link-not-there")
    before = len(await _items(auditor, action="audit.exported"))
    assert (await auditor.head("/audit/export")).status_code == 200
    assert len(await _items(auditor, action="audit.exported")) == before
