"""The loop that does the work while the database is full, locked or away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.core.kit.database import connect
from services.core.scoring.service import READER
from services.worker.reactor import Reactor
from tests.integration.scoring.ledger import Ledger
from tests.support.owner import as_owner
from tests.unit.scoring.builders import a_document
from tests.worker.running import Relay, at_work, idle, shows, until


@pytest.mark.citus(but="a cluster has no triggers on its tables, and one stands for the disk")
async def test_a_full_disk_is_told_without_a_traceback_and_nothing_is_lost(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger.load(a_document())
    await Reactor(ledger.database, ledger.clock).react()
    await ledger.report(90)
    await as_owner(
        ledger.database.dsn,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT ON score_snapshot"
        " FOR EACH ROW EXECUTE FUNCTION full_disk()",
    )
    await Reactor(ledger.database, ledger.clock).react()
    (said,) = [each for each in caplog.records if each.name == "wufei.worker"]
    assert (said.levelname, said.exc_info) == ("WARNING", None)
    assert vars(said)["cause"] == "DiskFullError: No space left on device"
    await as_owner(ledger.database.dsn, "DROP TRIGGER full_disk ON score_snapshot")
    await Reactor(ledger.database, ledger.clock).react()
    assert (await ledger.row())["value"] == "90"


@pytest.mark.citus(but="who waits for a lock is found on the server where the lock is held")
async def test_a_lock_held_by_somebody_is_no_error(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger.load(a_document())
    await Reactor(ledger.database, ledger.clock).react()
    await ledger.execute("SELECT set_config('lock_timeout', '10s', false)")
    await ledger.report(90)
    holding = await asyncpg.connect(ledger.database.dsn)
    try:
        async with holding.transaction():
            await holding.execute("SELECT FROM reader_cursor WHERE reader = $1 FOR UPDATE", READER)
            await _canceled(ledger)
    finally:
        await holding.close()
    # Once for each try: on a slow machine the first pause may end before the other steps do.
    said = [each for each in caplog.records if each.name == "wufei.worker"]
    assert {(each.levelname, each.exc_info) for each in said} == {("WARNING", None)}
    await Reactor(ledger.database, ledger.clock).react()
    assert (await ledger.row())["value"] == "90"


async def _canceled(ledger: Ledger) -> None:
    """Let a reactor wait for a lock until an operator cancels its statement, both times."""
    reacting = asyncio.create_task(Reactor(ledger.database, ledger.clock).react())
    killer = await asyncpg.connect(ledger.database.dsn)
    try:
        while not reacting.done():
            await killer.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            await asyncio.sleep(0.02)
    finally:
        await killer.close()
    await reacting


async def test_an_outage_is_told_once_and_so_is_its_end(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger.load(a_document())
    caplog.set_level(logging.INFO, "wufei.worker")
    address = urlsplit(ledger.database.dsn)
    relay = Relay(str(address.hostname), int(address.port or 0))
    await relay.start()
    dsn = ledger.database.dsn.replace(f":{address.port}/", f":{relay.port}/")
    try:
        async with (
            connect(dsn, size=2) as database,
            at_work(Reactor(database, ledger.clock, look_every=0.02)),
        ):
            await until(lambda: idle(ledger))
            await relay.cut()
            await ledger.report(90)
            await until(_said(caplog, "database unavailable"))
            await asyncio.sleep(0.7)
            await relay.start()
            await until(_said(caplog, "database recovered"))
            await until(shows(ledger, "90"))
    finally:
        await relay.cut()
    said = [each for each in caplog.records if each.name == "wufei.worker"]
    assert [each.getMessage() for each in said] == ["database unavailable", "database recovered"]
    assert [each.exc_info for each in said] == [None, None]


def _said(caplog: pytest.LogCaptureFixture, words: str) -> Callable[[], Awaitable[bool]]:
    async def said() -> bool:
        return any(words in message for message in caplog.messages)

    return said
