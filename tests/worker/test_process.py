"""The worker as it really runs: a process told to stop, killed, and left without its servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGINT, SIGKILL, SIGTERM

import asyncpg

from services.api.doorbell import Doorbell as Bell
from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, an_indicator
from tests.worker.running import NOBODY, OwnValkey, a_worker, idle, shows, until

UNITS = tuple(f"UN0{number}" for number in range(1, 6))
_MANY = tuple(
    an_indicator(f"R{number:02}", owners=list(UNITS), aggregation={"units": "sum"})
    for number in range(1, 9)
)


async def waits_for_a_lock(ledger: Ledger) -> bool:
    """Whether a worker stands in the middle of something, before a lock that a test holds."""
    return bool(
        await ledger.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'wufei-worker' AND wait_event_type = 'Lock'"
        )
    )


@asynccontextmanager
async def holding(ledger: Ledger, statement: str) -> AsyncIterator[None]:
    """Hold a lock until told otherwise."""
    connection = await asyncpg.connect(ledger.database.dsn)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def settled(ledger: Ledger) -> None:
    """Wait until the log is followed, and see that the boards are what a full recompute draws."""
    await until(lambda: idle(ledger))
    assert (await ledger.recompute()).changed == 0


async def test_a_ring_reaches_the_process_and_redis_may_go_and_come_back(
    ledger: Ledger, valkey: OwnValkey
) -> None:
    await ledger.load(a_document())
    await valkey.start()
    bell = Bell(valkey.url)
    ringing = asyncio.create_task(bell.run())
    try:
        async with a_worker(ledger.database.dsn, valkey.url) as worker:
            for value in range(3):
                await ledger.report(value)
                bell.ring()
                await until(shows(ledger, str(value)))
                await valkey.kill()
                await ledger.report(value + 10)
                bell.ring()
                await until(shows(ledger, str(value + 10)))
                await valkey.start()
            await worker.heard_saying("Redis recovered")
            assert worker.process.returncode is None
            assert 1 <= worker.said("Redis unavailable") <= 3
            assert {line["part"] for line in worker.lines()} == {"worker"}
    finally:
        ringing.cancel()


async def test_it_works_where_no_redis_answers(ledger: Ledger) -> None:
    await ledger.load(a_document())
    async with a_worker(ledger.database.dsn, NOBODY) as worker:
        await ledger.report(90)
        await until(shows(ledger, "90"))
        await settled(ledger)
        await worker.heard_saying("Redis unavailable")
        assert worker.said("Redis unavailable") == 1


async def test_a_signal_ends_it_well(ledger: Ledger, redis_url: str) -> None:
    await ledger.load(a_document())
    async with a_worker(ledger.database.dsn, redis_url) as worker:
        await until(lambda: idle(ledger))
        assert await worker.stop(SIGINT) == 0
        assert worker.lines()[-1]["event"] == "worker stopped"


async def test_a_signal_ends_it_in_the_midst_of_work_too(ledger: Ledger, redis_url: str) -> None:
    await ledger.load(a_document())
    async with a_worker(ledger.database.dsn, redis_url) as worker:
        await until(lambda: idle(ledger))
        async with holding(ledger, "LOCK TABLE score_snapshot IN SHARE MODE"):
            await ledger.report(90)
            await until(lambda: waits_for_a_lock(ledger))
            assert await worker.stop(SIGTERM) == 0
    assert await ledger.snapshot() is None
    async with a_worker(ledger.database.dsn, redis_url):
        await until(shows(ledger, "90"))
        await settled(ledger)


async def test_killed_in_the_midst_of_a_recompute_nothing_is_lost(
    ledger: Ledger, redis_url: str
) -> None:
    await ledger.load(a_document(*_MANY))
    before_the_first_line = "SELECT FROM reader_cursor FOR UPDATE"
    with_what_counts_written_and_no_board = "LOCK TABLE score_snapshot IN SHARE MODE"
    locks = (before_the_first_line, with_what_counts_written_and_no_board)
    for value, lock in enumerate(locks, start=10):
        async with a_worker(ledger.database.dsn, redis_url) as worker:
            await until(lambda: idle(ledger))
            async with holding(ledger, lock):
                for number, unit in enumerate(UNITS, start=1):
                    await ledger.report(value, indicator=f"R{number:02}", unit=unit)
                await until(lambda: waits_for_a_lock(ledger))
                assert await worker.stop(SIGKILL) == -SIGKILL
    async with a_worker(ledger.database.dsn, redis_url):
        await until(shows(ledger, "11"))
        await settled(ledger)


async def test_two_workers_share_the_work_and_one_may_be_killed(
    ledger: Ledger, redis_url: str
) -> None:
    await ledger.load(a_document(*_MANY))
    async with (
        a_worker(ledger.database.dsn, redis_url) as first,
        a_worker(ledger.database.dsn, redis_url) as second,
    ):
        for turn in range(40):
            code = f"R{1 + turn % 8:02}"
            await ledger.report(turn, indicator=code, unit=UNITS[turn % 5])
            if turn == 20:
                await first.stop(SIGKILL)
        await settled(ledger)
        assert second.process.returncode is None
    (count,) = await ledger.execute(
        "SELECT count(*), count(DISTINCT (basis, period, sequence)), "
        "(SELECT count(*) FROM event WHERE type = 'score.updated') FROM score_snapshot"
    )
    assert len(set(count)) == 1, "a snapshot has its event, once"


async def test_broken_connections_are_made_anew(ledger: Ledger) -> None:
    await ledger.load(a_document(*_MANY))
    async with a_worker(ledger.database.dsn) as worker:
        await until(lambda: idle(ledger))
        for turn in range(20):
            await ledger.report(turn, indicator=f"R{1 + turn % 8:02}", unit="UN01")
            await ledger.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'wufei-worker'"
            )
            await asyncio.sleep(0.05)
        await settled(ledger)
        assert worker.process.returncode is None


async def test_a_database_that_is_not_there_is_told_in_one_line(database_url: str) -> None:
    gone = database_url.rsplit("/", 1)[0] + "/none_of_this_name"
    async with a_worker(gone, at_work=False) as worker:
        assert await worker.ended() == 1
        assert worker.log.read_text() == (
            'wufei: cannot use the database: database "none_of_this_name" does not exist\n'
        )
        worker.log.write_text("")
