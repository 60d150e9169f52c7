"""What callers and operators are told while the database cannot do its work."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from typing_extensions import override

from services.api import write_health
from services.core.kit.clock import Clock
from services.core.kit.schema import WORKS_SINCE, SchemaBehind, expected_revision
from tests.simulation.wire import Link, OpenGate, Wire
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.owner import as_owner, owner_of

READYZ, METRICS = "http://wufei.test/readyz", "http://wufei.test/metrics"
SUBMISSIONS = f"/plans/{XINMI}/submissions"

_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON submission_history
    FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


@pytest.fixture
async def own_door(database_url: str) -> AsyncIterator[Door]:
    """The API on a database that this test alone may break."""
    async with open_door(database_url) as opened:
        yield opened


async def readiness(door: Door) -> tuple[int, dict[str, Any]]:
    async with door.client(None) as client:
        answer = await client.get(READYZ)
    said: dict[str, Any] = answer.json()
    return answer.status_code, said


def assert_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "database-unavailable"
    assert answer.headers["Retry-After"] == "1"


class Stuck(OpenGate):
    """A server that answers nothing until it `goes_on`, and refuses nothing either."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    @override
    async def sent(self, _link: Link) -> bool:
        await self.goes_on.wait()
        return True


async def test_health_checks_answer_while_the_database_hangs(database_url: str) -> None:
    """The answer comes before the database does; the timeout only ends a test that hangs too."""
    gate = Stuck()
    async with Wire(database_url).open() as wire:
        wire.gate = gate
        async with open_door(wire.url) as door, asyncio.timeout(60):
            assert (await readiness(door))[0] == 200
            gate.goes_on.clear()
            hung = await readiness(door)
            async with door.client(None) as client:
                figures = await client.get(METRICS)
            assert not gate.goes_on.is_set()
            gate.goes_on.set()
            again = await readiness(door)
    assert (hung[0], hung[1]["parts"]["postgres"]) == (503, "failed")
    assert "wufei_database_up 0.0" in figures.text
    assert again[0] == 200


async def test_a_full_disk_is_the_databases_trouble_and_shows_in_the_readiness(
    own_door: Door,
) -> None:
    async with await own_door.as_("office") as office:
        made = (await office.post(SUBMISSIONS, json=a_submission(draft=True))).json()
        before, _ = await readiness(own_door)
        await as_owner(own_door.held.database.dsn, _FULL)
        assert_unavailable(await office.post(SUBMISSIONS, json=a_submission(period="2024")))
        assert_unavailable(await office.post(f"/submissions/{made['id']}/submit"))
        assert (await office.get(f"/submissions/{made['id']}")).json()["state"] == "draft"
        full, said = await readiness(own_door)
    assert (before, full) == (200, 503)
    assert (said["parts"]["postgres"], said["parts"]["writes"]) == ("ok", "failed")


async def test_a_refused_write_is_remembered_for_a_while_only(own_door: Door) -> None:
    watch = own_door.held.writes
    assert not watch.refused_lately(Clock.true_now())
    watch.refused()
    assert watch.refused_lately(Clock.true_now())
    assert not watch.refused_lately(Clock.true_now() + write_health.REMEMBERED)


async def test_a_database_that_only_reads_is_not_ready_and_says_so(database_url: str) -> None:
    async with open_door(database_url) as door:
        secret = await door.new_key("office")
        name = database_url.rsplit("/", 1)[1]
        await as_owner(
            database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on"
        )
        await door.held.database.engine.dispose()
        await door.held.database.pool.expire_connections()
        async with door.client(secret) as office:
            status, said = await readiness(door)
            assert (status, said["parts"]["writes"]) == (503, "failed")
            assert_unavailable(await office.post(SUBMISSIONS, json=a_submission()))
            assert (await office.get(SUBMISSIONS)).status_code == 200


async def test_a_database_that_was_never_migrated_lacks_its_schema_and_nothing_else(
    own_door: Door,
) -> None:
    dsn = own_door.held.database.dsn
    await as_owner(dsn, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    status, said = await readiness(own_door)
    assert (status, said["status"]) == (503, "failed")
    assert (said["parts"]["postgres"], said["parts"]["schema"]) == ("ok", "failed")


async def test_another_revision_is_the_schemas_fault_alone(own_door: Door) -> None:
    dsn = own_door.held.database.dsn
    await as_owner(dsn, "UPDATE alembic_version SET version_num = '0000'")
    status, said = await readiness(own_door)
    failed = {name for name, part in said["parts"].items() if part == "failed"}
    assert (status, failed) == (503, {"schema"})


async def test_a_newer_schema_that_leaves_this_release_at_work_is_as_good_as_its_own(
    database_url: str,
) -> None:
    connection = await asyncpg.connect(owner_of(database_url))
    await connection.execute(
        "UPDATE alembic_version SET version_num = '9999'; COMMENT ON TABLE alembic_version IS NULL"
    )
    with pytest.raises(SchemaBehind, match="start a newer release"):
        async with open_door(database_url):
            pass
    await connection.execute(
        f"COMMENT ON TABLE alembic_version IS '{WORKS_SINCE}{expected_revision()}'"
    )
    await connection.close()
    async with open_door(database_url) as door:
        status, said = await readiness(door)
        assert (status, said["parts"]["schema"]) == (200, "ok")


async def test_a_worker_shows_in_readiness_and_metrics_until_it_is_silent(own_door: Door) -> None:
    database, now = own_door.held.database, Clock.true_now()
    never, said = await readiness(own_door)
    assert (never, said["parts"]["worker"], await silence(own_door)) == (200, "degraded", None)
    await own_door.react()
    going_on, said = await readiness(own_door)
    assert (going_on, said["parts"]["worker"]) == (200, "ok")
    assert 0 <= (await silence(own_door) or 0) < 60
    await database.pool.execute(
        "UPDATE worker_heartbeat SET beat_at = $1", now - timedelta(seconds=61)
    )
    silent, said = await readiness(own_door)
    assert (silent, said["parts"]["worker"]) == (200, "degraded")
    assert (await silence(own_door) or 0) >= 61


async def test_alerts_that_were_not_evaluated_for_half_an_hour_show_by_the_true_clock(
    database_url: str,
) -> None:
    async with open_door(database_url, offset=timedelta(days=-400)) as door:
        _, said = await readiness(door)
        assert said["parts"]["alerts"] == "ok", "the plan has only just come"
        await door.sweep()
        _, said = await readiness(door)
        assert said["parts"]["alerts"] == "ok"
        assert 0 <= (await metric(door, "wufei_alert_evaluation_age_seconds") or 0) < 600
        await door.held.database.pool.execute(
            "UPDATE alert_evaluation SET evaluated_at = $1",
            Clock.true_now() - timedelta(minutes=31),
        )
        status, said = await readiness(door)
        assert (status, said["parts"]["alerts"]) == (200, "degraded")
        assert (await metric(door, "wufei_alert_evaluation_age_seconds") or 0) >= 31 * 60


async def silence(door: Door) -> float | None:
    """How long no worker was heard of, as the metrics say it."""
    return await metric(door, "wufei_worker_silence_seconds")


async def metric(door: Door, name: str) -> float | None:
    """Return what the metrics say under a name; None: it is not known."""
    async with door.client(None) as client:
        metrics = (await client.get("http://wufei.test/metrics")).text
    (found,) = re.findall(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    return None if found == "NaN" else float(found)
