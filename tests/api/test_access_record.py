"""What changes nothing is in the audit too: refusals, uses of keys, tokens, files sent."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.api.access_record import AccessRecord
from services.core.kit.clock import Clock
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.owner import as_owner

INDICATORS = f"/plans/{XINMI}/indicators"


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    environment = {"WUFEI_LIMITS": "1", "WUFEI_LIMIT_HEAVY": "3"}
    async with open_door(module_database_url, environment=environment) as opened:
        yield opened


async def recorded(door: Door) -> list[dict[str, Any]]:
    """Write what was met, and return what the auditor then reads that is no change of a key."""
    await door.held.access.write(door.held.database, everything=True)
    rows = await door.held.database.pool.fetch(
        "SELECT action, subject_kind, subject_id, actor->>'id' AS who, data::text AS data,"
        " (SELECT count(*) FROM audit_pending p WHERE p.entry_id = e.id) AS waits"
        " FROM audit_entry e WHERE action NOT LIKE 'key.created' ORDER BY id"
    )
    assert all(row["waits"] for row in rows), "each waits for its link"
    return [dict(row) for row in rows]


async def forget(door: Door) -> None:
    """Let nothing be known of what came before."""
    door.held.access._tally.take(Clock.true_now(), everything=True)


async def id_of(door: Door, key: str) -> str:
    """Return the id of the key with a secret."""
    return str((await door.held.keys.presented(key, "127.0.0.1")).actor.credential_id)


def of(rows: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["action"] == action]


async def test_refusals_are_counted_by_who_and_code(door: Door) -> None:
    async with door.client(None) as nobody:
        for _ in range(5):
            assert (await nobody.get("/me")).status_code == 401
    async with door.client("wufei_410183_nope_nope") as wrong:
        assert (await wrong.get(INDICATORS)).status_code == 401
    key = await door.new_key("leader")
    async with door.client(key) as leader:
        for _ in range(2):
            assert (await leader.get("/audit")).status_code == 403
        for _ in range(4):
            last = await leader.get(f"{INDICATORS}.csv")
        assert last.status_code == 429
        who = await id_of(door, key)
    refused = of(await recorded(door), "request.refused")
    counted = {(row["subject_kind"], row["subject_id"], *_said(row)): row for row in refused}
    assert ("address", "127.0.0.1", 401, "unauthenticated", 5) in counted
    assert ("address", "127.0.0.1", 401, "unauthenticated", 1) in counted, "of the city named"
    assert ("api_key", who, 403, "forbidden", 2) in counted
    assert ("api_key", who, 429, "rate-limited", 1) in counted
    assert {row["who"] for row in refused if row["subject_kind"] == "api_key"} == {who}


def _said(row: dict[str, Any]) -> tuple[int, str, int]:
    data = json.loads(row["data"])
    return data["status"], data["code"], data["count"]


async def test_a_key_that_is_refused_for_its_network_is_named(door: Door) -> None:
    key = await door.new_key("leader", allowed_networks=["198.51.100.0/24"])
    async with door.client(key) as elsewhere:
        assert (await elsewhere.get("/me")).status_code == 403
    last = of(await recorded(door), "request.refused")[-1]
    assert (last["subject_kind"], _said(last)[1]) == ("api_key", "network-not-allowed")


async def test_what_is_taken_out_as_a_file_is_recorded_and_a_page_of_json_is_not(
    door: Door,
) -> None:
    await forget(door)
    async with door.client(await door.new_key("office")) as office:
        for path in (f"{INDICATORS}.csv", f"{INDICATORS}.xlsx", INDICATORS):
            assert (await office.get(path)).status_code == 200
        assert (await office.head(f"{INDICATORS}.csv")).status_code == 200
    said = [json.loads(row["data"]) for row in of(await recorded(door), "file.downloaded")]
    found = Counter((one["path"], one["form"].split(";")[0]) for one in said)
    assert len(found) == 2, found


async def test_the_first_use_of_a_day_is_written_once_by_all_processes(door: Door) -> None:
    await forget(door)
    key = await door.new_key("leader")
    async with door.client(key) as leader:
        for _ in range(3):
            assert (await leader.get("/me")).status_code == 200
    who = await id_of(door, key)
    uses = [row for row in of(await recorded(door), "key.used") if row["subject_id"] == who]
    assert len(uses) == 1
    assert '"network": "127.0.0.0/24"' in uses[0]["data"]
    other = AccessRecord(Clock.true_now)
    actor = (await door.held.keys.presented(key, "127.0.0.1")).actor
    other.used(actor, "127.0.0.1")
    await other.write(door.held.database)
    uses = [row for row in of(await recorded(door), "key.used") if row["subject_id"] == who]
    assert len(uses) == 1


async def test_each_token_has_an_entry(door: Door) -> None:
    async with door.client(door.admin_secret) as admin:
        key = (await admin.post("/api-keys", json={"name": "k", "role": "leader"})).json()
    async with door.client(None) as client:
        for _ in range(2):
            auth = httpx.BasicAuth(key["id"], key["secret"])
            form = {"grant_type": "client_credentials"}
            assert (await client.post("/oauth/token", data=form, auth=auth)).status_code == 200
        wrong = httpx.BasicAuth(key["id"], "wufei_410183_a_b")
        assert (await client.post("/oauth/token", data=form, auth=wrong)).status_code == 401
    rows = await recorded(door)
    issued = [row for row in of(rows, "token.issued") if row["subject_id"] == key["id"]]
    assert len(issued) == 2
    assert '"seconds": 600' in issued[0]["data"]
    assert key["secret"] not in str(rows)
    assert _said(of(rows, "request.refused")[-1])[1] == "invalid_client"


async def test_what_cannot_be_written_is_kept_and_written_later(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    record = AccessRecord(Clock.true_now)
    actor = (await door.held.keys.presented(door.admin_secret, "192.0.2.1")).actor
    record.issued(actor, "192.0.2.1", scopes=["plan:read"], life=61)
    dsn = door.held.database.dsn
    await as_owner(dsn, "REVOKE INSERT ON audit_entry FROM wufei_service")
    await record.write(door.held.database)
    await as_owner(dsn, "GRANT INSERT ON audit_entry TO wufei_service")
    assert "access not recorded" in caplog.text
    await record.write(door.held.database)
    assert '"seconds": 61' in str(await recorded(door))


async def test_a_write_of_the_plan_writes_nothing_of_the_audit(door: Door) -> None:
    """Its event comes into the chain by the worker: no caller waits for that."""
    count = (
        "SELECT (SELECT count(*) FROM audit_entry) + (SELECT count(*) FROM audit_pending)"
        " + (SELECT count(*) FROM audit_link) + (SELECT count(*) FROM audit_head)"
    )
    async with await door.as_("reporter", "UN15") as unit:
        await recorded(door)
        before = await door.held.database.pool.fetchval(count)
        events = await door.held.database.pool.fetchval("SELECT count(*) FROM event")
        answer = await unit.post(f"/plans/{XINMI}/submissions", json=a_submission())
        assert answer.status_code == 201, answer.text
    assert await door.held.database.pool.fetchval("SELECT count(*) FROM event") == events + 1
    assert await door.held.database.pool.fetchval(count) == before
