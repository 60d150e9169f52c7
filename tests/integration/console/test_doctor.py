"""What the doctor says of a database and of those who work on it: what is wrong, what to do."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from services.console.commands.doctor import run
from services.console.doctor.examination import examine
from services.console.doctor.findings import Finding
from services.console.doctor.processes import disk
from services.console.ports import free_port
from services.console.settings import Settings
from services.core.events.service import NewEvent, beat, begin_log, record
from services.core.followers import READERS
from services.core.identity.actor import system
from services.core.identity.service import create_first_key
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.ids import first_id_at, new_id
from services.core.kit.operations import Operation
from services.core.kit.partitions import CutTable, TimeSpan, parts_of
from services.core.kit.text import Text
from services.core.plan.loading import load_plan
from tests.support.api import xinmi
from tests.support.owner import as_owner
from tests.support.planted import CITY, Planted
from tests.support.reports import places, reports_of

URL = "https://receiver.test/"


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
    found = {finding.what: finding async for finding in examine(settings)}
    for each in found.values():
        assert each.good or each.todo is not None, f"{each.what} says what to do"
        for said in (each.seen, each.todo):
            if said is not None:
                assert not re.search(r"[\u4e00-\u9fff]", said.en), said
                assert re.search(r"[\u4e00-\u9fff]", said.zh), f"{each.what} says it in Chinese too"
    return found


async def heard(database: Database, *ago: int) -> None:
    """Let so many workers have gone round so many seconds ago."""
    async with database.transaction() as session:
        for seconds in ago:
            now = Clock.true_now() - timedelta(seconds=seconds)
            await beat(session, worker_id=new_id(), now=now)


async def executed(database: Database, statement: str, **given: Any) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement), given)


async def happened(database: Database) -> None:
    """Let a city have a log with one event, which has no number yet."""
    async with database.transaction() as session:
        await begin_log(session, CITY)
        now = Clock.true_now()
        await record(
            session,
            NewEvent(CITY, None, "calendar.changed", "calendar", "CN", None, {}, {}, now),
        )


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
    assert found.seen.en.startswith(seen)


async def test_nothing_is_asked_of_another_schema(database: Database, settings: Settings) -> None:
    older = "UPDATE alembic_version SET version_num = '0001'; DROP TABLE worker_heartbeat"
    await as_owner(database.dsn, older)
    found = await findings(settings)
    assert not found["schema"].good
    assert "wufei migrate" in str(found["schema"].todo)
    assert "work goes on" not in found


async def test_a_database_that_is_newer_needs_another_program(
    database: Database, settings: Settings
) -> None:
    await as_owner(database.dsn, "UPDATE alembic_version SET version_num = '9999'")
    assert (await findings(settings))["schema"].good, "it says that it works for this program too"
    await as_owner(database.dsn, "COMMENT ON TABLE alembic_version IS 'works since 9999'")
    found = (await findings(settings))["schema"]
    assert not found.good
    assert "wufei migrate" not in str(found.todo)


async def test_a_database_that_was_never_migrated(database: Database, settings: Settings) -> None:
    await as_owner(database.dsn, "DROP TABLE alembic_version")
    found = (await findings(settings))["schema"]
    assert (found.good, found.seen.zh) == (False, "还没有建表")


async def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hunter2@127.0.0.1:{free_port()}/none")
    monkeypatch.setenv("WUFEI_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    found = await findings(Settings.read())
    assert {what: each.good for what, each in found.items()} == {"database": False, "redis": False}
    assert "DATABASE_URL" in str(found["database"].todo)
    assert "only the doorbell" in str(found["redis"].todo)
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("ahead", "good", "reminds"), [(0.4, True, False), (-30, True, True), (400, False, True)]
)
async def test_a_clock_that_differs(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    ahead: float,
    *,
    good: bool,
    reminds: bool,
) -> None:
    true_now = Clock.true_now
    monkeypatch.setattr(
        Clock, "true_now", staticmethod(lambda: true_now() + timedelta(seconds=ahead))
    )
    found = (await findings(settings))["clock"]
    assert (found.good, found.reminds) == (good, reminds)
    assert (found.todo is None) is not reminds


async def test_the_clock_of_a_worker_on_another_machine(
    database: Database, settings: Settings
) -> None:
    await heard(database, 5)
    await executed(database, "UPDATE worker_heartbeat SET clock_ahead_seconds = 12")
    found = (await findings(settings))["clock"]
    assert (found.good, found.reminds) == (True, True)
    assert found.seen.en == "a worker's clock is 12.0 s before the database's"


async def test_who_is_behind_the_log_and_since_when(database: Database, settings: Settings) -> None:
    assert (await findings(settings))["log"].good
    began = Clock.true_now() - timedelta(minutes=7)
    await happened(database)
    await executed(database, "UPDATE event_pending SET event_id = :id", id=first_id_at(began))
    found = (await findings(settings))["log"]
    assert not found.good
    assert found.seen.en == f"behind: numbering since {began:%Y-%m-%d %H:%M} UTC"
    assert "reader stuck" in str(found.todo)


async def test_a_reader_that_is_behind_is_named(database: Database, settings: Settings) -> None:
    await happened(database)
    long_ago = first_id_at(Clock.true_now() - timedelta(hours=2))
    await executed(database, "DELETE FROM event_pending")
    await executed(
        database, "INSERT INTO event_position VALUES (:city, 1, :id)", city=CITY, id=long_ago
    )
    await executed(database, "UPDATE log_head SET position = 1")
    await executed(
        database,
        "INSERT INTO reader_cursor SELECT :city, unnest(CAST(:readers AS text[])), 1",
        city=CITY,
        readers=[one for one in READERS if one != "scoring"],
    )
    found = (await findings(settings))["log"]
    assert found.seen.en.startswith("behind: scoring since ")


async def test_deliveries_that_nobody_attends_to_and_endpoints_that_are_disabled(
    database: Database, settings: Settings
) -> None:
    planted = Planted(database)
    well = await planted.endpoint(URL)
    found = await findings(settings)
    assert found["deliveries"].good
    assert not found["endpoints"].reminds
    closed = await planted.endpoint(URL, state="disabled", state_reason="failing")
    due = Clock.true_now() - timedelta(minutes=5)
    await planted.deliveries(well, number=3, next_attempt_at=due)
    found = await findings(settings)
    assert not found["deliveries"].good
    assert found["deliveries"].seen.en.startswith("3 wait, 3 of them are due; the longest for 30")
    assert (found["endpoints"].good, found["endpoints"].reminds) == (True, True)
    assert str(closed) in found["endpoints"].seen.en
    assert str(well) not in found["endpoints"].seen.en


async def test_reports_to_superiors_and_that_none_is_provisioned(
    database: Database, settings: Settings
) -> None:
    found = await findings(settings)
    said = "0 connectors; no superior's platform is provisioned, Zhengzhou's neither"
    assert found["reports"].seen.en == said
    async with reports_of(database) as reports:
        await reports.connector("http://127.0.0.1:1", mapping={"indicators": {}})
        await reports.approve(*places(2))
    found = await findings(settings)
    assert found["reports"].seen.en.startswith("1 connectors, 0 of them unprovisioned; 0 wait, 2")
    assert (found["reports"].good, found["reports"].reminds) == (True, True)
    refused = (
        "name = 'Henan', secret_refused_since = '2026-01-01T00:00Z', secret_refused_at = now()"
    )
    await executed(database, f"UPDATE connector SET {refused}")
    told = (await findings(settings))["reports"]
    assert told.seen.en.endswith("; the new secret is refused: Henan since 2026-01-01 00:00 UTC")
    assert told.reminds


async def test_work_that_was_begun_long_ago_and_keys_that_expire_soon(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        now = Clock.true_now()
        await load_plan(session, document=xinmi(), actor=system("test"), now=now)
        await create_first_key(session, city_code=CITY, actor=system("test"), now=now)
        old = first_id_at(now - timedelta(hours=3))
        session.add_all(
            Operation(
                city_code=CITY,
                id=identifier,
                credential_id=new_id(),
                kind="webhook-replay",
                state=state,
                request={},
                progress={},
                result=None,
                errors=[],
                created_at=now,
                updated_at=now,
            )
            for identifier, state in ((old, "running"), (new_id(), "running"))
        )
    found = await findings(settings)
    assert not found["keys"].reminds
    assert found["operations"].reminds
    assert found["operations"].seen.en.startswith("1 begun over an hour ago and unfinished")
    assert str(old) in found["operations"].seen.en
    await executed(
        database, "UPDATE api_key SET expires_at = now() + interval '3 days', name = 'the desk'"
    )
    found = await findings(settings)
    assert found["keys"].reminds
    assert found["keys"].seen.en.startswith("1 expire soon: the desk (system_admin, 410183)")
    await executed(database, "UPDATE api_key SET revoked_at = now()")
    assert not (await findings(settings))["keys"].reminds


@pytest.mark.parametrize(
    ("free", "good", "reminds"), [(50, True, False), (8, True, True), (2, False, True)]
)
def test_a_disk_that_fills(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, *, good: bool, reminds: bool
) -> None:
    room = SimpleNamespace(free=free << 30, total=100 << 30)
    monkeypatch.setattr("shutil.disk_usage", lambda _: room)
    found = disk(tmp_path)
    assert (found.good, found.reminds) == (good, reminds)
    assert f"{free}.0 GiB" in found.seen.en


def test_a_finding_is_told_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WUFEI_DATA_DIR", str(tmp_path))
    assert run(SimpleNamespace(language="en")) == 1  # type: ignore[arg-type]
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("FAULT  processes       no `wufei up` is running on")
    assert second == "       → run `make run`, or let DATABASE_URL name your database"
    assert run(SimpleNamespace(language="zh-CN")) == 1  # type: ignore[arg-type]
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("故障  进程：")
    assert "运行 make run" in second
    well = Finding("redis", Text("有应答", "answers"))
    assert well.lines("en") == ["ok     redis           answers"]
    assert well.lines("zh-CN") == ["正常  Redis：有应答"]


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
    assert (await findings(settings))["writes"].seen.en == "takes writes"
    await as_owner(database.dsn, _FULL)
    full = (await findings(settings))["writes"]
    assert not full.good
    assert "No space left on device: make room on its disk" in full.seen.en
    name = database.dsn.rsplit("/", 1)[1]
    read_only = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    await as_owner(database.dsn, read_only)
    only_reads = (await findings(settings))["writes"]
    assert not only_reads.good
    assert only_reads.seen.en == "the database is set to read only"


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
        assert said in found.seen.en


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
        [event] = await parts_of(session, [CutTable("event", "id", TimeSpan.QUARTER)])
    for part in reversed(event.parts[len(event.parts) - lost :]):
        await as_owner(database.dsn, f"DROP TABLE {part.name}")
    found = (await findings(settings))["parts"]
    assert (found.good, found.reminds) == (good, reminds)
    assert found.seen.en.startswith(seen)
    assert (found.todo is None) == (lost == 0)


async def test_rows_that_lie_in_no_part_of_their_time_are_told_of(
    database: Database, settings: Settings
) -> None:
    astray = first_id_at(Clock.true_now() + timedelta(days=4000))
    await database.pool.execute("INSERT INTO webhook_body VALUES ('410183', $1, 'x')", astray)
    found = (await findings(settings))["parts"]
    assert found.good
    assert found.reminds
    assert found.seen.en == "rows lie in the parts for the rest: webhook_body_rest"
