"""The second wall: PostgreSQL shows a connection the rows of the city it is in, and no other."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.console.schema import upgrade
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import EVERY_CITY, NO_CITY, in_city, in_every_city
from services.core.kit.city_wall import (
    WallCannotStand,
    check_ground,
    put_up,
    standing,
    take_down,
)
from services.core.kit.database import Database, connect
from services.core.read_across import READ_ACROSS
from tests.support.owner import as_owner, owner_of, served
from tests.support.servers import Addresses, empty_database
from tests.support.statements_sent import TABLES

ONE, OTHER = "410183", "330300"
DENIED = asyncpg.InsufficientPrivilegeError
UNITS = "SELECT string_agg(code, ' ' ORDER BY code) FROM organization WHERE ordinal > $1"
ADD = """
INSERT INTO organization (
    city_code, code, ordinal, name, kind, aliases, members, submits, defined_by)
VALUES ($1, $2, 1, 'x', 'x', '{}', '{}', false, 'x')
"""
RENAME = "UPDATE organization SET name = $2 WHERE city_code = $1"
REMOVE = "DELETE FROM organization WHERE city_code = $1"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A ledger of two cities, with one organization each."""
    for city in (ONE, OTHER):
        await as_owner(database_url, "INSERT INTO city VALUES ($1, 'x')", city)
        await as_owner(database_url, ADD, city, f"unit of {city}")
    async with connect(database_url, size=1) as opened:
        yield opened


async def seen(database: Database) -> str | None:
    """Return which organizations a statement sees that names no city."""
    found: str | None = await database.pool.fetchval(UNITS, 0)
    async with database.sessions() as session:
        assert await session.scalar(text(UNITS.replace("$1", ":least")), {"least": 0}) == found
    return found


async def test_a_statement_that_forgets_its_city_sees_its_city_only(database: Database) -> None:
    with in_city(ONE):
        assert await seen(database) == f"unit of {ONE}"
    with in_city(OTHER):
        assert await seen(database) == f"unit of {OTHER}"


@pytest.mark.parametrize("scope", [NO_CITY, EVERY_CITY, "no such city", "410183%", "'"])
async def test_work_that_says_no_city_sees_nothing(database: Database, scope: str) -> None:
    with in_city(scope):
        assert await seen(database) is None


@pytest.mark.parametrize("scope", [NO_CITY, EVERY_CITY, OTHER])
async def test_nothing_is_written_in_a_city_from_outside(database: Database, scope: str) -> None:
    with in_city(scope):
        with pytest.raises(DENIED, match="row-level security"):
            await database.pool.execute(ADD, ONE, "another")
        assert await database.pool.execute(RENAME, ONE, "changed") == "UPDATE 0"
        assert await database.pool.execute(REMOVE, ONE) == "DELETE 0"
    with in_city(ONE):
        assert await seen(database) == f"unit of {ONE}"


async def test_a_row_is_not_moved_into_another_city(database: Database) -> None:
    with in_city(ONE), pytest.raises(DENIED, match="row-level security"):
        await database.pool.execute("UPDATE organization SET city_code = $1", OTHER)


async def test_which_cities_there_are_is_read_across_and_names_its_scope(
    database: Database,
) -> None:
    with in_city(ONE):
        async with database.sessions() as session:
            assert await city_codes(session) == [OTHER, ONE]
            assert await session.scalar(text("SELECT string_agg(code, ' ') FROM organization")) == (
                f"unit of {ONE}"
            )


async def test_a_rollback_takes_no_connection_back_into_an_earlier_city(
    database: Database,
) -> None:
    counted = text("SELECT string_agg(code, ' ') FROM organization")
    with in_city(ONE):
        assert await seen(database) == f"unit of {ONE}"
    async with database.sessions() as session, session.begin() as transaction:
        with in_city(ONE):
            assert await session.scalar(counted) == f"unit of {ONE}"
        with in_city(OTHER):
            assert await session.scalar(counted) == f"unit of {OTHER}"
        await transaction.rollback()
    with in_city(OTHER):
        async with database.sessions() as session:
            assert await session.scalar(counted) == f"unit of {OTHER}"


async def test_a_savepoint_that_is_undone_takes_none_back_either(database: Database) -> None:
    counted = text("SELECT string_agg(code, ' ') FROM organization")
    async with database.sessions() as session, session.begin():
        with in_city(ONE):
            assert await session.scalar(counted) == f"unit of {ONE}"
        with in_city(OTHER):
            async with session.begin_nested() as savepoint:
                assert await session.scalar(counted) == f"unit of {OTHER}"
                await savepoint.rollback()
            assert await session.scalar(counted) == f"unit of {OTHER}"


async def test_a_statement_that_fails_within_a_savepoint_fails_alone(database: Database) -> None:
    counted = text("SELECT string_agg(code, ' ') FROM organization")
    with in_city(ONE):
        async with database.sessions() as session, session.begin():
            assert await session.scalar(counted) == f"unit of {ONE}"
            with pytest.raises(DBAPIError):
                async with session.begin_nested():
                    await session.execute(text("SELECT 1 / 0"))
            assert await session.scalar(counted) == f"unit of {ONE}"


async def test_one_city_after_the_other_costs_nothing_within_a_city(database: Database) -> None:
    async with database.pool.acquire() as connection:
        with in_city(ONE):
            await connection.fetchval(UNITS, 0)
            assert not connection._con.is_elsewhere
        with in_city(OTHER):
            assert connection._con.is_elsewhere


async def test_every_table_of_cities_is_guarded_and_few_are_read_across(
    database_url: str,
) -> None:
    owner = await asyncpg.connect(owner_of(database_url))
    found = await owner.fetch("""
        SELECT c.relname AS name, c.relrowsecurity AS guarded, c.relispartition AS is_part,
            ARRAY(SELECT p.polname::text FROM pg_policy p
                WHERE p.polrelid = c.oid AND p.polname <> 'tests' ORDER BY 1) AS policies
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'city_code'
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    """)
    await owner.close()
    assert [row["name"] for row in found if not row["guarded"]] == []
    tables = {row["name"]: row["policies"] for row in found if not row["is_part"]}
    assert tables.keys() == TABLES.keys()
    assert {name for name, policies in tables.items() if "every_city" in policies} == READ_ACROSS
    assert {name for name, policies in tables.items() if "one_city" not in policies} == set()
    parts = {tuple(row["policies"]) for row in found if row["is_part"]}
    assert parts <= {(), ("every_city",)}


async def test_a_part_is_not_read_past_its_table(database_url: str) -> None:
    service = await asyncpg.connect(database_url)
    await as_owner(
        database_url,
        "INSERT INTO audit_entry VALUES ($1, gen_random_uuid(), 'a', 'k', 's', '{}', '{}', now())",
        ONE,
    )
    [part] = [
        row[0]
        for row in await service.fetch("SELECT DISTINCT tableoid::regclass::text FROM audit_entry")
    ]
    await service.execute(f"SELECT set_config('wufei.city', '{ONE}', false)")
    assert await service.fetchval("SELECT count(*) FROM audit_entry") == 1
    assert await service.fetchval(f"SELECT count(*) FROM {part}") == 0
    await service.close()


async def test_a_part_made_later_is_guarded_too(database_url: str) -> None:
    service = await asyncpg.connect(database_url)
    asked = "SELECT make_part('event', 'event_2031q1', $1::uuid, $2::uuid, 10)"
    lower, upper = "01c00000-0000-7000-8000-000000000000", "01c1ffff-0000-7000-8000-000000000000"
    assert await service.fetchval(asked, lower, upper)
    guarded = "SELECT relrowsecurity FROM pg_class WHERE relname = 'event_2031q1'"
    assert await service.fetchval(guarded)
    await service.close()


async def test_the_owner_takes_it_down_and_puts_it_up_while_all_goes_on(
    database: Database, database_url: str
) -> None:
    owner = await asyncpg.connect(owner_of(database_url))
    try:
        assert (await standing(owner)).is_up
        assert await put_up(owner, READ_ACROSS) == 0
        assert await take_down(owner) > len(TABLES)
        assert not (await standing(owner)).guarded
        with in_city(ONE):
            assert await seen(database) == f"unit of {OTHER} unit of {ONE}"
        await put_up(owner, READ_ACROSS)
        assert (await standing(owner)).is_up
        with in_city(ONE):
            assert await seen(database) == f"unit of {ONE}"
    finally:
        await owner.close()


async def test_two_who_put_it_up_at_once_do_it_once(database_url: str) -> None:
    await as_owner(database_url, "CREATE TABLE later (city_code text)")
    owners = [await asyncpg.connect(owner_of(database_url)) for _ in range(2)]
    done = await asyncio.gather(*(put_up(owner, READ_ACROSS) for owner in owners))
    assert sorted(done) == [0, 1]
    assert (await standing(owners[0])).is_up
    for owner in owners:
        await owner.close()


async def test_an_older_database_gets_it_by_being_asked_and_then_for_new_tables_too(
    addresses: Addresses,
) -> None:
    async with empty_database(addresses) as url:
        owner, service = url, served(url)
        await upgrade(owner, service_url=service)
        connection = await asyncpg.connect(owner)
        try:
            await take_down(connection)
            await upgrade(owner, service_url=service)
            assert not (await standing(connection)).guarded
            await put_up(connection, READ_ACROSS)
            await connection.execute("CREATE TABLE later (city_code text)")
            assert not (await standing(connection)).is_up
            await upgrade(owner, service_url=service)
            assert (await standing(connection)).is_up
            # The owner is held by nothing, and is told so.
            assert not (await standing(connection)).holds
        finally:
            await connection.close()


@pytest.mark.parametrize(
    ("service", "said"),
    [(None, "are the owner"), ("owner", "are the owner"), ("pooled", "pooler in transaction mode")],
)
async def test_where_it_cannot_stand_is_said(
    database_url: str, service: str | None, said: str
) -> None:
    owner = owner_of(database_url)
    named = {"owner": owner, "pooled": f"{database_url}?pool_mode=transaction"}
    connection = await asyncpg.connect(owner)
    try:
        with pytest.raises(WallCannotStand, match=said):
            await check_ground(
                connection, owner=owner, service=None if service is None else named[service]
            )
        await check_ground(connection, owner=owner, service=database_url)
    finally:
        await connection.close()


async def test_reading_across_opens_what_it_needs_and_no_more(database: Database) -> None:
    with in_every_city():
        assert await database.pool.fetchval("SELECT count(*) FROM city WHERE name <> $1", "") == 2
        assert await seen(database) is None
