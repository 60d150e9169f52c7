"""A chain that is gone along quickly, and by several processes, is whole where it is whole."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.console.walkers import walkers
from services.core.audit import proving
from services.core.audit.canonical import COLUMNS_OF, LinkKind, entry_bytes, event_bytes
from services.core.audit.proving import Proof, all_heads
from services.core.audit.queries import link_at, row_bytes
from services.core.audit.statements import TEXTS_OF
from services.core.audit.verifying import signed_bound
from services.core.audit.walking import ChainStretch, walk
from services.core.kit.database import Database, connect, driver_connection, snapshot_of
from services.core.kit.ids import new_id
from tests.integration.audit.conftest import CITY, TRUSTED, enter, happen, keep_head, link
from tests.support.owner import as_owner, owner_of

ODD = ('"\\/', "\n\r\t\b\f\x01\x1f\x7f", "新密 🀄 \u2028", "", "a" * 5000)
"""What has to be escaped, what must not be, and what is long."""


async def whole(database: Database, *, parts: int) -> Proof:
    async with database.sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        go = walkers(database.dsn, await snapshot_of(session))
        return await proving.verify(session, CITY, trusted=TRUSTED, apart=(go, parts))


async def _bytes_by_the_server(session: AsyncSession, kind: LinkKind, id_: UUID) -> bytes:
    connection = await driver_connection(session)
    asked = {"city": CITY, "first": id_, "last": id_, "ids": [id_]}
    ((_, said),) = await connection.fetch(*TEXTS_OF[kind].bind(asked))
    return bytes(said)


@pytest.mark.parametrize("said", ODD)
@pytest.mark.parametrize("at", [0, 1_700_000_000_000_001, 4_102_444_800_999_999])
async def test_the_server_makes_the_bytes_that_python_makes(
    database: Database, said: str, at: int
) -> None:
    when = datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)
    async with database.sessions() as session:
        for kind, table in (("event", "event"), ("entry", "audit_entry")):
            id_, columns = new_id(), COLUMNS_OF[kind]  # type: ignore[index]
            given = {
                name: {"id": id_, "data": '{"a": 1.50}', "actor": "{}", "city_code": CITY,
                       "occurred_at": when, "traceparent": None}.get(name, said)
                for name in columns
            }  # fmt: skip
            values = ", ".join(f":{name}" for name in columns)
            await session.execute(
                text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"), given
            )
            made = (await row_bytes(session, CITY, kind, [id_]))[id_]  # type: ignore[arg-type]
            assert await _bytes_by_the_server(session, kind, id_) == made  # type: ignore[arg-type]
            by_hand = event_bytes if kind == "event" else entry_bytes
            assert made == by_hand([given[name] for name in columns])


async def test_a_whole_chain_is_found_whole_without_a_second_look(shared: Database) -> None:
    async with shared.sessions() as session:
        heads = await all_heads(session, CITY)
        connection = await driver_connection(session)
        done = await walk(
            connection, ChainStretch(CITY, 0, 16, bytes(32), 0, signed_bound(heads, TRUSTED))
        )
        last = await link_at(session, CITY, 16)
    assert done is not None
    assert last is not None
    assert (done.digest, done.position, done.dropped) == (last.digest, 8, 0)


async def test_several_processes_find_what_one_does(database: Database, database_url: str) -> None:
    for _ in range(3):
        await happen(database, 4)
        await enter(database, ODD[0])
        await link(database)
    await keep_head(database)
    async with database.sessions() as session:
        alone = await proving.verify(session, CITY, trusted=TRUSTED)
    apart = await whole(database, parts=3)
    for proof in (alone, apart):
        assert proof.breach is None
        assert proof.chain.number == 27
        assert proof.chain.signed == 1
    assert apart.chain.digest == alone.chain.digest
    altered = (
        "UPDATE event SET data = '{}' WHERE id = (SELECT row_id FROM audit_link WHERE number = 11)"
    )
    async with connect(owner_of(database_url), size=1) as owner:
        kind = await owner.pool.fetchval("SELECT kind FROM audit_link WHERE number = 11")
    assert kind == "event"
    await as_owner(database_url, altered)
    found = await whole(database, parts=3)
    assert found.breach is not None
    assert (found.breach.kind, found.breach.number) == ("altered", 11)
    await as_owner(database_url, "UPDATE audit_checkpoint SET digest = set_byte(digest, 0, 0)")
    first = await whole(database, parts=3)
    assert first.breach is not None
    assert (first.breach.kind, first.breach.number) == ("altered", 11), "the first is named"
