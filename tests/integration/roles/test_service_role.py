"""The role of the services: it does its work, and what is append-only it can only add to."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from services.console.schema import upgrade
from services.core.append_only import append_only
from services.core.events.service import NewEvent, record
from services.core.kit.clock import Clock
from services.core.kit.database import connect
from services.core.kit.ids import first_id_at
from services.core.kit.service_role import Login, RoleUnfit, _lacking, admit, may_change
from services.core.registry import metadata
from tests.support.owner import owner_of
from tests.support.servers import Addresses, empty_database

CITY = "410183"
DENIED = asyncpg.InsufficientPrivilegeError
_PARTS = """
SELECT c.relname FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname = ANY($1)
"""


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection such as API and worker have."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(owner_of(database_url))
    yield connection
    await connection.close()


async def entered(connection: asyncpg.Connection, at: UUID) -> None:
    """Write an entry of the audit."""
    await connection.execute(
        "INSERT INTO audit_entry VALUES ($1, $2, 'a', 'k', 's', '{}', '{}', now())", CITY, at
    )


async def happened(url: str) -> None:
    """Let something happen to the plan."""
    async with connect(url, size=1) as database, database.transaction() as session:
        now = Clock.true_now()
        await record(
            session, NewEvent(CITY, None, "calendar.changed", "calendar", "CN", None, {}, {}, now)
        )


async def test_no_row_of_the_log_the_audit_or_a_history_is_changed_or_removed(
    service: asyncpg.Connection, database_url: str
) -> None:
    await entered(service, first_id_at(Clock.true_now()))
    await happened(database_url)
    assert len(append_only()) > 10
    parts = [row["relname"] for row in await service.fetch(_PARTS, sorted(append_only()))]
    assert len(parts) > 10, "neither are they over one of their parts"
    for table in (*append_only(), *parts):
        for change in (f"UPDATE {table} SET city_code = 'x'", f"DELETE FROM {table}",
                       f"TRUNCATE {table}", f"TRUNCATE {table} CASCADE"):  # fmt: skip
            with pytest.raises(DENIED, match="permission denied"):
                await service.execute(change)
    assert await service.fetchval("SELECT count(*) FROM audit_entry") == 1
    assert await service.fetchval("SELECT count(*) FROM event") == 1


async def test_what_is_no_log_is_the_services_to_change(service: asyncpg.Connection) -> None:
    for table in metadata.tables.keys() - append_only():
        await service.execute(f"DELETE FROM {table} WHERE FALSE")
        with pytest.raises(DENIED):
            await service.execute(f"TRUNCATE {table} CASCADE")
    with pytest.raises(DENIED):
        await service.execute("UPDATE alembic_version SET version_num = '0000'")


@pytest.mark.parametrize(
    "attempt",
    [
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "GRANT {owner} TO wufei_service",
        "ALTER ROLE wufei_service SUPERUSER",
        "ALTER ROLE {owner} PASSWORD 'mine'",
        "CREATE ROLE another",
        "ALTER TABLE audit_entry OWNER TO wufei_service",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "ALTER TABLE audit_entry DETACH PARTITION audit_entry_first",
        "CREATE TRIGGER mine BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION f()",
        "DROP TABLE event",
        "DROP TABLE audit_entry_first",
        "DROP FUNCTION drop_part(text)",
        "CREATE OR REPLACE FUNCTION drop_part(part text) RETURNS void LANGUAGE sql AS 'SELECT'",
        "CREATE TABLE mine ()",
        "CREATE FUNCTION pg_get_expr(text) RETURNS text LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "SET session_replication_role = replica",
    ],
)
async def test_the_service_becomes_no_owner(
    service: asyncpg.Connection, database_url: str, attempt: str
) -> None:
    who = urlsplit(owner_of(database_url)).username
    with pytest.raises(DENIED):
        await service.execute(attempt.format(owner=who))


async def test_parts_are_dropped_by_age_and_behind_a_head_alone(
    service: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    """The function judges by itself: whoever holds the service's password cannot talk it over."""
    now = Clock.true_now()
    old, bound = (first_id_at(now - timedelta(days=days)) for days in (1300, 1200))
    await owner.execute("ALTER TABLE audit_entry DETACH PARTITION audit_entry_first")
    await owner.execute(
        f"CREATE TABLE audit_entry_old PARTITION OF audit_entry"
        f" FOR VALUES FROM (MINVALUE) TO ('{bound}')"
    )
    await owner.execute("INSERT INTO city VALUES ($1, '新密市')", CITY)
    await entered(service, old)
    for part in ("event_first", "submission_history_first", "event_rest", "audit_entry_rest",
                 "webhook_body_first", "city", "no_such_part"):  # fmt: skip
        with pytest.raises(DENIED):
            await service.execute("SELECT drop_part($1)", part)
    with pytest.raises(DENIED, match="no signed head of 410183"):
        await service.execute("SELECT drop_part('audit_entry_old')")
    head = (
        "INSERT INTO audit_checkpoint (city_code, day, number, digest, kept_from, made_at,"
        " public_key, signature) VALUES ($1, now()::date - $2::int, 1, $3, $4, now(), 'k', 's')"
    )
    await service.execute(head, CITY, 2, b"no link of the chain", bound)
    with pytest.raises(DENIED, match="no signed head"):
        await service.execute("SELECT drop_part('audit_entry_old')")
    await service.execute(
        "INSERT INTO audit_link VALUES ($1, 1, 'entry', $2, NULL, 'r', 'digest')", CITY, old
    )
    await service.execute(head, CITY, 1, b"digest", bound)
    await service.execute("SELECT drop_part('audit_entry_old')")
    assert await service.fetchval("SELECT count(*) FROM audit_entry") == 0


async def test_nothing_young_of_the_audit_goes_whatever_a_head_says(
    service: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    name = await owner.fetchval(
        "SELECT min(relname) FROM pg_class WHERE relname ~ '^audit_entry_2'"
    )
    with pytest.raises(DENIED, match="not old enough"):
        await service.execute("SELECT drop_part($1)", name)


async def test_no_part_is_made_but_of_a_table_cut_by_time(service: asyncpg.Connection) -> None:
    make = "SELECT make_part($1, $2, $3, $4, 10)"
    span = first_id_at(Clock.true_now()), UUID(int=(1 << 128) - 1)
    for table, part in (("city", "city_2099q1"), ("event", "mine"), ("event", "event_first"),
                        ("event", 'event_2099q1"; DROP TABLE city; --')):  # fmt: skip
        with pytest.raises(DENIED, match="no part of a table"):
            await service.execute(make, table, part, *span)


async def test_to_admit_it_again_changes_nothing(owner: asyncpg.Connection) -> None:
    assert await _lacking(owner, "wufei_service", append_only()) == []
    assert await may_change(owner, "wufei_service", append_only()) == []


async def test_a_role_is_made_once_by_many_at_a_time_and_serves_several_databases(
    addresses: Addresses,
) -> None:
    login = Login(f"service_{secrets.token_hex(4)}", secrets.token_hex(8))
    async with addresses.clone() as first, addresses.clone() as second:
        owners = [await asyncpg.connect(owner_of(url)) for url in (first, second) * 3]
        await asyncio.gather(*(admit(owner, login, append_only=append_only()) for owner in owners))
        for owner in owners:
            await owner.close()
        for url in (first, second):
            connection = await asyncpg.connect(url, user=login.name, password=login.password)
            assert await connection.fetchval("SELECT count(*) FROM city") == 0
            assert await connection.fetchval("SHOW lock_timeout") == "10s", "as behind a pooler"
            with pytest.raises(DENIED):
                await connection.execute("DELETE FROM event")
            await connection.close()
    connection = await asyncpg.connect(addresses.postgres)
    await connection.execute(f"DROP ROLE {login.name}")
    await connection.close()


async def test_a_later_table_is_read_and_added_to_at_once_and_changed_when_it_is_admitted_again(
    service: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    await owner.execute("CREATE TABLE later (number int)")
    await service.execute("INSERT INTO later VALUES (1)")
    with pytest.raises(DENIED):
        await service.execute("UPDATE later SET number = 2")
    await owner.execute("GRANT UPDATE ON audit_entry TO wufei_service")
    await admit(owner, Login("wufei_service", None), append_only=append_only())
    await service.execute("UPDATE later SET number = 2")
    with pytest.raises(DENIED):
        await service.execute("UPDATE audit_entry SET action = 'x'")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("CREATE ROLE {name} SUPERUSER", "is above it"),
        ("CREATE ROLE {name} CREATEROLE", "is above it"),
        ("CREATE ROLE {name} IN ROLE {owner}", "may become it"),
        ("CREATE ROLE {name} IN ROLE pg_write_all_data", "may change rows of"),
        ("SELECT 1", "CREATE ROLE .* LOGIN PASSWORD"),
    ],
)
async def test_a_role_that_could_change_the_log_is_refused_in_words(
    owner: asyncpg.Connection, database_url: str, made: str, said: str
) -> None:
    name, who = f"mighty_{secrets.token_hex(4)}", urlsplit(owner_of(database_url)).username
    await owner.execute(made.format(name=name, owner=who))
    with pytest.raises(RoleUnfit, match=said):
        await admit(owner, Login(name, None), append_only=append_only())
    await owner.execute(f"DROP ROLE IF EXISTS {name}")


async def test_an_owner_that_may_make_no_role_says_what_to_do(addresses: Addresses) -> None:
    name = f"plain_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(addresses.postgres)
    await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
    async with empty_database(addresses) as url:
        parts = urlsplit(url)
        await admin.execute(f"ALTER DATABASE {parts.path[1:]} OWNER TO {name}")
        at = parts.netloc.split("@")[1]
        owner = parts._replace(netloc=f"{name}:plain@{at}").geturl()
        service = parts._replace(netloc=f"{name}_service:word@{at}").geturl()
        with pytest.raises(RoleUnfit, match=f'CREATE ROLE "{name}_service" LOGIN PASSWORD'):
            await upgrade(owner, service_url=service)
        await admin.execute(f"CREATE ROLE {name}_service LOGIN PASSWORD 'word'")
        await upgrade(owner, service_url=service)
        connection = await asyncpg.connect(service)
        await entered(connection, first_id_at(Clock.true_now()))
        with pytest.raises(DENIED):
            await connection.execute("DELETE FROM audit_entry")
        await connection.close()
    await admin.execute(f"DROP ROLE {name}; DROP ROLE {name}_service")
    await admin.close()
