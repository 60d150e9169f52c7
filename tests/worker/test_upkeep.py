"""The worker keeps the parts of tables cut by time; what it cannot do holds up nothing else."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.partitions import parts_of
from services.core.partitions import cut_tables
from services.worker.reactor import Reactor
from services.worker.settings import WorkerSettings
from services.worker.upkeep import tend_tables
from tests.support.owner import as_owner


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=2) as opened:
        yield opened


async def names(database: Database) -> list[list[str]]:
    async with database.sessions() as session:
        found = await parts_of(session, cut_tables())
    return [[part.name for part in parts.parts] for parts in found]


async def lose_the_newest(database: Database) -> None:
    for parts in await names(database):
        await as_owner(database.dsn, f"DROP TABLE {parts[-1]}")


async def test_a_sweep_makes_the_parts_that_are_lacking(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    before = await names(database)
    await lose_the_newest(database)
    with caplog.at_level(logging.INFO, "wufei.worker"):
        await Reactor(database, Clock()).sweep()
    assert await names(database) == before
    told = [line for line in caplog.records if line.message == "parts kept"]
    assert len(told) == len(before)
    caplog.clear()
    await Reactor(database, Clock()).sweep()
    assert "parts kept" not in caplog.text


async def test_a_worker_that_may_not_make_parts_says_so_and_goes_on(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await lose_the_newest(database)
    before = await names(database)
    make = "FUNCTION make_part(text, text, uuid, uuid, int)"
    await as_owner(database_url, f"REVOKE EXECUTE ON {make} FROM wufei_service")
    await tend_tables(database, cut_tables(), Clock.true_now())
    told = [line for line in caplog.records if line.message == "parts not kept"]
    assert len(told) == len(before)
    assert all("permission denied" in line.__dict__["cause"] for line in told)
    assert await names(database) == before


def test_the_audit_is_kept_for_three_years_unless_the_setting_says_how_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1/none")
    audit, event, history, *_ = cut_tables(audit_kept=WorkerSettings().audit_kept)
    assert (audit.kept, event.kept, history.kept) == (timedelta(days=3 * 366), None, None)
    monkeypatch.setenv("WUFEI_AUDIT_KEPT_DAYS", "200")
    audit, event, history, *_ = cut_tables(audit_kept=WorkerSettings().audit_kept)
    assert (audit.kept, event.kept, history.kept) == (timedelta(days=200), None, None)
