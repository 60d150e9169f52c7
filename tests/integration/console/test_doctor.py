"""What the doctor says of a database and of those who work on it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.console.commands.doctor import Finding, examine
from services.console.settings import Settings
from services.core.events.service import beat
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.ids import new_id


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=1) as opened:
        yield opened


@pytest.fixture
def settings(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """What the console reads where nothing runs but a database of one's own."""
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    monkeypatch.setenv("WUFEI_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    return Settings.read()


async def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding async for finding in examine(settings)}


async def heard(database: Database, *ago: int) -> None:
    """Let so many workers have gone round so many seconds ago."""
    async with database.transaction() as session:
        for seconds in ago:
            now = Clock.true_now() - timedelta(seconds=seconds)
            await beat(session, worker_id=new_id(), now=now)


@pytest.mark.parametrize(
    ("ago", "good", "seen"),
    [
        ((), False, "no worker was ever at work here"),
        ((61, 300), False, "0 at work, the last sign of it 6"),
        ((300, 5), True, "1 at work, the last sign of it"),
        ((20, 5), True, "2 at work, the last sign of it"),
    ],
)
async def test_a_worker_that_lives_and_stands_still_is_a_fault(
    database: Database, settings: Settings, ago: tuple[int, ...], seen: str, *, good: bool
) -> None:
    await heard(database, *ago)
    found = (await findings(settings))["work goes on"]
    assert found.good is good
    assert found.seen.startswith(seen)


async def test_nothing_is_asked_of_another_schema(database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        await connection.exec_driver_sql("DROP TABLE worker_heartbeat")
    found = await findings(settings)
    assert not found["schema"].good
    assert "work goes on" not in found


_FULL = """
CREATE FUNCTION full_disk() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE EVENT TRIGGER full_disk ON ddl_command_start EXECUTE FUNCTION full_disk();
"""


async def test_a_full_disk_and_a_database_that_only_reads_are_told_apart(
    database: Database, settings: Settings
) -> None:
    assert (await findings(settings))["writes"] == Finding("writes", "takes writes")
    await database.pool.execute(_FULL)
    full = (await findings(settings))["writes"]
    assert not full.good
    assert "No space left on device: make room on its disk" in full.seen
    name = database.dsn.rsplit("/", 1)[1]
    await database.pool.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    only_reads = (await findings(settings))["writes"]
    assert not only_reads.good
    assert only_reads.seen.startswith("it only reads, as a standby does: promote it")


@pytest.mark.usefixtures("settings")
async def test_a_replica_that_is_none_or_does_not_answer_is_a_fault(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong, said in (
        (database.dsn, "is no replica, it takes writes"),
        ("postgresql://wufei@127.0.0.1:1/wufei", "readings go to the primary meanwhile"),
    ):
        monkeypatch.setenv("DATABASE_REPLICA_URL", wrong)
        found = (await findings(Settings.read()))["replica"]
        assert not found.good
        assert said in found.seen
