"""What is committed comes into the chain once, however many link it and whenever they die."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from typing_extensions import override

from services.core.audit import linking, proving
from services.core.audit.service import note
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import first_id_at
from services.core.kit.one_connection import unit_of_work
from services.core.kit.partitions import tend
from services.core.kit.sealing import Seal, new_seal_key
from services.core.kit.signatures import Signer
from services.core.partitions import cut_tables
from tests.integration.audit.conftest import CITY, OTHER, TRUSTED, enter, happen, keep_head, link
from tests.support.owner import as_owner


async def whole(database: Database, city: str = CITY) -> int:
    """Return how many links the chain has, which is whole; nothing waits."""
    async with database.sessions() as session:
        verdict = await proving.verify(session, city, trusted=TRUSTED)
    assert (verdict.breach, verdict.waiting) == (None, 0)
    return verdict.chain.number


async def test_an_entry_that_is_committed_late_comes_in_once_and_later(database: Database) -> None:
    async with database.transaction() as slow:
        await note(
            slow, city_code=CITY, action="key.created", subject=("api_key", "slow"), actor={},
            data={}, at=Clock.true_now(),
        )  # fmt: skip
        with unit_of_work():  # others, while the slow one holds its connection
            await happen(database, 2)
            await link(database)
            assert await whole_but(database, waiting=0) == 4
    await keep_head(database)
    assert await whole(database) == 5


async def whole_but(database: Database, *, waiting: int) -> int:
    async with database.sessions() as session:
        verdict = await proving.verify(session, CITY, trusted=TRUSTED)
    assert (verdict.breach, verdict.waiting) == (None, waiting)
    return verdict.chain.number


async def test_two_workers_link_every_row_once(database: Database) -> None:
    writing = [happen(database, 5) for _ in range(6)]
    finished = asyncio.Event()

    async def work() -> None:
        while True:
            last_round = finished.is_set()
            await link(database)
            await keep_head(database)
            if last_round:
                return

    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(work())
        await asyncio.gather(*writing)
        finished.set()
    await link(database)
    assert await whole(database) == 60


async def test_a_worker_that_dies_before_its_commit_leaves_all_as_it_was(
    database: Database,
) -> None:
    await happen(database, 3)
    async with database.transaction() as session:
        await number_committed(session, CITY)
    async with database.sessions() as session:
        await follow(session, CITY, linking.FOLLOWER, Clock())
        await session.rollback()
    assert await whole_but(database, waiting=6) == 0
    await link(database)
    assert await whole(database) == 6


async def test_each_city_has_a_chain_of_its_own(database: Database) -> None:
    await happen(database, 2)
    await happen(database, 3, OTHER)
    for city in (CITY, OTHER):
        await link(database, city)
    assert (await whole(database), await whole(database, OTHER)) == (4, 6)
    heads = await database.pool.fetch("SELECT digest FROM audit_head")
    assert heads[0]["digest"] != heads[1]["digest"]


async def test_a_head_is_kept_once_a_day_of_all_that_waited(database: Database) -> None:
    assert await keep_head(database) == 0
    await enter(database, "one")
    assert await keep_head(database) == 2
    await enter(database, "two")
    assert await keep_head(database) == 1
    assert await keep_head(database) == 0
    assert await database.pool.fetchval("SELECT array_agg(number) FROM audit_checkpoint") == [1]


async def test_what_the_release_before_wrote_is_taken_in_and_nothing_behind_a_head(
    database: Database,
) -> None:
    insert = "INSERT INTO audit_entry VALUES ($1, $2, 'a', 'k', 's', '{}', '{}', now())"
    await database.pool.execute(insert, CITY, first_id_at(Clock.true_now()))
    await keep_head(database)
    assert await whole(database) == 1
    await as_owner(
        database.dsn,
        "UPDATE audit_checkpoint SET day = day - 1, signature = NULL, public_key = NULL",
    )
    recent, forged = (Clock.true_now() - timedelta(hours=hours) for hours in (0, 5))
    for at in (recent, forged):
        await database.pool.execute(insert, CITY, first_id_at(at))
    await keep_head(database)
    async with database.sessions() as session:
        verdict = await proving.verify(session, CITY, trusted=TRUSTED)
    assert verdict.chain.number == 2
    assert verdict.breach is not None
    assert (verdict.breach.kind, verdict.breach.row_id) == ("added", first_id_at(forged))


class Ahead(Clock):
    """The clock of a machine that is two months ahead."""

    @staticmethod
    @override
    def true_now() -> datetime:
        return Clock.true_now() + timedelta(days=60)


async def test_a_worker_whose_clock_is_ahead_keeps_the_head_of_today(database: Database) -> None:
    await enter(database, "one")
    assert await keep_head(database, clock=Ahead()) == 2
    assert await keep_head(database, clock=Ahead()) == 0, "today has its head"
    kept = await database.pool.fetchrow("SELECT day, made_at FROM audit_checkpoint")
    assert kept["day"] == linking.day_of(kept["made_at"])
    assert abs(Clock.true_now() - kept["made_at"]) < timedelta(hours=1)


OLD = timedelta(days=1400)


@pytest.fixture
async def old(database: Database) -> Database:
    """A ledger with an entry and a part of four years ago, and things of today."""
    at = Clock.true_now() - OLD
    [audit] = [one for one in cut_tables() if one.name == "audit_entry"]
    start, end = audit.span.start(at), audit.span.after(at)
    await as_owner(database.dsn, "ALTER TABLE audit_entry DETACH PARTITION audit_entry_first")
    for name, lower, upper in (("old", start, end), ("newer", end, None)):
        bound = (
            f"'{first_id_at(upper)}'"
            if upper
            else "'{}'".format(
                await database.pool.fetchval(
                    "SELECT substring(pg_get_expr(relpartbound, oid) FROM $$FROM \\('([^']+)$$)"
                    " FROM pg_class WHERE relname LIKE 'audit_entry_20%' ORDER BY relname LIMIT 1"
                )
            )
        )
        await as_owner(
            database.dsn,
            f"CREATE TABLE audit_entry_{name} PARTITION OF audit_entry"
            f" FOR VALUES FROM ('{first_id_at(lower)}') TO ({bound})",
        )
    await database.pool.execute(
        "WITH e AS (INSERT INTO audit_entry VALUES"
        " ($1, $2, 'key.created', 'k', 's', '{}', '{}', now()) RETURNING city_code, id)"
        " INSERT INTO audit_pending SELECT city_code, id FROM e",
        CITY, UUID(int=first_id_at(at).int + 1),
    )  # fmt: skip
    await database.pool.execute("INSERT INTO city VALUES ($1, '新密市')", CITY)
    await happen(database, 2)
    await link(database)
    return database


async def dropped(database: Database, kept: timedelta) -> list[str]:
    [audit] = [one for one in cut_tables(audit_kept=kept) if one.name == "audit_entry"]
    async with database.transaction() as session:
        done = await tend(session, audit, Clock.true_now())
    return list(done.dropped)


async def test_entries_go_behind_a_signed_head_only_and_the_chain_goes_on(
    old: Database,
) -> None:
    database, kept = old, timedelta(days=1098)
    assert await dropped(database, kept) == []
    await keep_head(database, signer=None)
    assert await dropped(database, kept) == [], "the head is not signed"
    await as_owner(database.dsn, "TRUNCATE audit_checkpoint")
    await keep_head(database)
    assert await dropped(database, kept) == ["audit_entry_old"]
    assert await whole(database) == 5
    async with database.sessions() as session:
        verdict = await proving.verify(session, CITY, trusted=TRUSTED)
        assert verdict.chain.dropped == 1
    await as_owner(database.dsn, "UPDATE audit_checkpoint SET kept_from = NULL")
    async with database.sessions() as session:
        verdict = await proving.verify(session, CITY, trusted=TRUSTED)
        assert verdict.breach is not None
        assert verdict.breach.kind == "removed"


class Yesterday(Clock):
    """The clock of the day before, when another key signed."""

    @staticmethod
    @override
    def true_now() -> datetime:
        return Clock.true_now() - timedelta(days=1)


async def verified(database: Database) -> proving.Proof:
    async with database.sessions() as session:
        return await proving.verify(session, CITY, trusted=TRUSTED)


async def test_the_heads_of_a_key_that_was_replaced_are_covered_by_the_next_signature(
    database: Database,
) -> None:
    """A rotation is no forgery; and what nobody covers is told, with the key that signed it."""
    former = Signer(Seal.read(new_seal_key()), linking.PURPOSE)
    await database.pool.execute("INSERT INTO city VALUES ($1, '新密市')", CITY)
    await happen(database, 2)
    await link(database)
    assert await keep_head(database, signer=former, clock=Yesterday()) == 1
    first = (await verified(database)).breach
    assert first is not None
    assert (first.kind, first.number) == ("head", 4)
    assert former.public_keys[0].hex() in first.said.en
    assert "--public-key" in first.said.en
    await happen(database, 1)
    await link(database)
    assert await keep_head(database) == 1
    found = await verified(database)
    assert found.breach is None
    assert (found.chain.number, found.chain.signed, found.chain.covered) == (6, 1, 1)
    assert [one.number for one in found.chain.strangers] == [4]
    await as_owner(
        database.dsn,
        "UPDATE audit_checkpoint SET signature = set_byte(signature, 9, 7) WHERE number = 4",
    )
    altered = (await verified(database)).breach
    assert altered is not None
    assert (altered.kind, altered.number) == ("head", 4)
    assert "--public-key" not in altered.said.en, "it is not of the key that it names"
