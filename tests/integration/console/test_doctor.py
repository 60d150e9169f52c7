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
from services.core.kit.ids import first_id_at, new_id
from services.core.kit.partitions import CutTable, Span, parts_of


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


@pytest.mark.parametrize(
    ("lost", "good", "reminds", "seen"),
    [
        (0, True, False, "of all tables cut by time made until 20"),
        (2, True, True, "event has none after 20"),
        (3, False, False, "event has no part for today, its rows go to the rest"),
    ],
)
async def test_what_lacks_parts_is_told_before_it_matters(
    database: Database, settings: Settings, lost: int, seen: str, *, good: bool, reminds: bool
) -> None:
    async with database.sessions() as session:
        [event] = await parts_of(session, [CutTable("event", "id", Span.QUARTER)])
    for part in reversed(event.parts[len(event.parts) - lost :]):
        await database.pool.execute(f"DROP TABLE {part.name}")
    found = (await findings(settings))["parts"]
    assert (found.good, found.reminds) == (good, reminds)
    assert found.seen.startswith(seen)


async def test_rows_that_lie_in_no_part_of_their_time_are_told_of(
    database: Database, settings: Settings
) -> None:
    astray = first_id_at(Clock.true_now() + timedelta(days=4000))
    await database.pool.execute("INSERT INTO webhook_body VALUES ('410183', $1, 'x')", astray)
    found = (await findings(settings))["parts"]
    assert found.good
    assert found.reminds
    assert found.seen.startswith("rows of webhook_body lie in the part for the rest")
