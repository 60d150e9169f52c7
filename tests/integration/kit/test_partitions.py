"""Tables cut by time, on a real server: parts are made ahead and dropped, and no row is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.core.kit import partitions
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.ids import first_id_at, made_at
from services.core.kit.outage import is_contended
from services.core.kit.partitions import CutParts, CutTable, Tended, TimeSpan, parts_of, tend
from services.core.partitions import cut_tables
from tests.support.owner import owner_of

pytestmark = pytest.mark.citus

BODY = CutTable("webhook_body", "event_id", TimeSpan.MONTH, timedelta(days=90))
CITIES = ("410183", "410184")


@pytest.fixture
async def database(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """The services' way to it; where another day is played the owner's, who drops what is new."""
    plays = "any_day" in request.fixturenames
    async with connect(owner_of(database_url) if plays else database_url, size=3) as opened:
        yield opened


async def parts(database: Database, table: CutTable = BODY) -> CutParts:
    async with database.sessions() as session:
        [found] = await parts_of(session, [table])
    return found


async def tended(database: Database, now: datetime, table: CutTable = BODY) -> Tended:
    async with database.transaction() as session:
        return await tend(session, table, now)


async def put(database: Database, *at: datetime) -> list[UUID]:
    """Store a body of each city made at each instant."""
    ids = [UUID(int=first_id_at(one).int + number) for number, one in enumerate(at, 1)]
    for city in CITIES:
        for one in ids:
            await database.pool.execute("INSERT INTO webhook_body VALUES ($1, $2, 'x')", city, one)
    return ids


async def lies_in(database: Database) -> dict[UUID, str]:
    """Return in which part each row of the first city lies; on a cluster, in which shard of it."""
    rows = await database.pool.fetch(
        "SELECT event_id, regexp_replace(tableoid::regclass::text, '_[0-9]{6,}$', '') AS part"
        " FROM webhook_body WHERE city_code = $1",
        CITIES[0],
    )
    return {row["event_id"]: row["part"] for row in rows}


@pytest.fixture
def any_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of the worker alone count, as if the server's showed the same."""
    alone = text(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('partitions', 0)),"
        " CAST('2999-01-01' AS timestamptz)"
    )
    monkeypatch.setattr(partitions, "_ONE_AT_A_TIME", alone)


async def test_every_table_cut_by_time_has_parts_ahead_and_one_for_the_rest(
    database: Database,
) -> None:
    now = Clock.true_now()
    rows = await database.pool.fetch("SELECT relname FROM pg_class WHERE relkind = 'p'")
    assert {row["relname"] for row in rows} == {table.name for table in cut_tables()}
    for table in cut_tables():
        found = await parts(database, table)
        assert found.rest == f"{table.name}_rest"
        assert found.parts[0].lower is None
        assert [one.lower for one in found.parts[1:]] == [one.upper for one in found.parts[:-1]]
        assert found.until is not None
        assert found.until >= table.span.after(now, 2)
        assert {made_at(one.upper) for one in found.parts} == {
            table.span.start(made_at(one.upper)) for one in found.parts
        }


@pytest.mark.usefixtures("any_day")
async def test_parts_are_made_as_time_goes_on_and_rows_go_where_they_belong(
    database: Database,
) -> None:
    for_ever = replace(BODY, kept=None)
    before = await parts(database)
    assert before.until is not None
    now = TimeSpan.MONTH.after(before.until, 4)
    astray = await put(database, before.until, TimeSpan.MONTH.after(before.until), now)
    assert set((await lies_in(database)).values()) == {"webhook_body_rest"}
    done = await tended(database, now, for_ever)
    assert len(done.made) == 4 + 2 + 1
    assert done.left == []
    lies = await lies_in(database)
    assert [lies[one] for one in astray] == [
        f"webhook_body_{TimeSpan.MONTH.label(made_at(one))}" for one in astray
    ]
    assert (await tended(database, now, for_ever)) == Tended([], [], [])


@pytest.mark.usefixtures("any_day")
async def test_what_is_too_old_goes_whole_and_nothing_younger(database: Database) -> None:
    before = await parts(database)
    first = made_at(before.parts[0].upper)
    old, young = await put(database, first - timedelta(milliseconds=1), first)
    assert (await tended(database, first + timedelta(days=90, milliseconds=-1))).dropped == []
    assert set(await lies_in(database)) == {old, young}
    done = await tended(database, first + timedelta(days=90))
    assert done.dropped == ["webhook_body_first"]
    assert set(await lies_in(database)) == {young}


@pytest.mark.usefixtures("any_day")
async def test_after_the_oldest_part_went_an_older_row_still_finds_a_place(
    database: Database,
) -> None:
    first = made_at((await parts(database)).parts[0].upper)
    await tended(database, first + timedelta(days=90))
    [old] = await put(database, first - timedelta(days=1))
    assert await lies_in(database) == {old: "webhook_body_rest"}


async def test_a_worker_whose_clock_is_ahead_drops_and_makes_nothing(database: Database) -> None:
    kept = await put(database, Clock.true_now() - timedelta(days=10))
    await tended(database, Clock.true_now())  # a month may have begun since the tables were made
    before = await parts(database)
    done = await tended(database, Clock.true_now() + timedelta(days=36_500))
    assert done == Tended([], [], [])
    assert await parts(database) == before
    assert set(await lies_in(database)) == set(kept)


@pytest.mark.usefixtures("any_day")
async def test_more_rows_than_may_be_moved_stay_in_the_rest_and_are_told_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "MOVED_AT_MOST", 3)
    until = (await parts(database)).until
    assert until is not None
    many = await put(database, *(until + timedelta(hours=hour) for hour in range(2)))
    now = TimeSpan.MONTH.after(until)
    [few] = await put(database, now)
    done = await tended(database, now)
    assert done.left == [f"webhook_body_{TimeSpan.MONTH.label(until)}"]
    lies = await lies_in(database)
    assert {lies[one] for one in many} == {"webhook_body_rest"}
    assert lies[few] == f"webhook_body_{TimeSpan.MONTH.label(now)}"


@pytest.mark.usefixtures("any_day")
async def test_two_workers_make_each_part_once(database: Database) -> None:
    now = TimeSpan.MONTH.after(Clock.true_now(), 12)
    both = await asyncio.gather(*(tended(database, now) for _ in range(2)))
    made = [name for done in both for name in done.made]
    assert len(made) == len(set(made)) > 0
    assert (await tended(database, now)).made == []


@pytest.mark.usefixtures("any_day")
async def test_whoever_holds_the_table_is_not_waited_for(
    database: Database, database_url: str
) -> None:
    first = made_at((await parts(database)).parts[0].upper)
    reader = await asyncpg.connect(database_url)
    try:
        held = reader.transaction()
        await held.start()
        await reader.execute("SELECT count(*) FROM webhook_body")
        with pytest.raises(DBAPIError) as refused:
            await tended(database, first + timedelta(days=90))
        assert is_contended(refused.value)
        await held.rollback()
    finally:
        await reader.close()
    assert "webhook_body_first" in (await tended(database, first + timedelta(days=90))).dropped


@pytest.mark.parametrize("table", [table.name for table in cut_tables()])
async def test_a_key_is_unique_over_all_parts(database: Database, table: str) -> None:
    """The instant that a table is cut by lies in its key: no other part may hold the same key."""
    found: list[Any] = await database.pool.fetch(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
        " AND a.attnum = ANY(i.indkey) WHERE i.indrelid = $1::text::regclass AND i.indisprimary",
        table,
    )
    keys = {one.name: one.key for one in cut_tables()}
    assert {"city_code", keys[table]} <= {row["attname"] for row in found}
