"""The schema: what the migrations make of an empty database, and that the models say the same."""

import asyncio
import os
import sys

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.schema import configuration, revision, schema, upgrade
from services.console.settings import PROJECT
from services.core.kit.schema import PresentSchema, expected_revision
from services.core.partitions import cut_tables
from services.core.registry import metadata
from tests.support.migrations import empty_url, execute, rows, upgraded
from tests.support.owner import as_owner

__all__ = ["empty_url"]  # fixtures

_WITNESS = """
CREATE SCHEMA witness;
CREATE TABLE witness.seen (tag text, lock_timeout text);
CREATE FUNCTION witness.note() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO witness.seen VALUES (tg_tag, current_setting('lock_timeout')); END $$;
CREATE EVENT TRIGGER witness ON ddl_command_start EXECUTE FUNCTION witness.note();
"""
"""Notes every change of the schema, and how long it would have waited for a lock."""


async def _wufei(door: str, url: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", door),
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, "WUFEI_PORT": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, printed.decode()


def _check(connection: Connection) -> None:
    command.check(configuration(connection))


async def test_an_empty_database_comes_to_the_head_waiting_for_no_lock_long(empty_url: str) -> None:
    await execute(empty_url, _WITNESS)
    await upgrade(empty_url)
    assert await revision(empty_url) == expected_revision()
    seen = await rows(empty_url, "SELECT tag, lock_timeout FROM witness.seen")
    assert len(seen) > len(metadata.tables)
    assert {lock_timeout for _, lock_timeout in seen} == {"5s"}


async def test_upgrading_again_does_nothing_and_two_at_once_do_it_once(empty_url: str) -> None:
    both = await asyncio.gather(*(_wufei("migrate", empty_url) for _ in range(2)))
    assert both == [(0, f"the schema is at {expected_revision()}\n")] * 2
    assert await revision(empty_url) == expected_revision()
    await execute(empty_url, _WITNESS)
    await upgrade(empty_url)
    assert await rows(empty_url, "SELECT * FROM witness.seen") == []


async def test_a_city_that_was_there_before_gets_its_calendar(empty_url: str) -> None:
    await upgraded(empty_url, "0001")
    await execute(empty_url, "INSERT INTO city VALUES ('410183', '新密市'), ('410184', '新郑市')")
    await upgrade(empty_url)
    years = (
        "SELECT city_code, min(year), max(year), count(*) FROM calendar_year GROUP BY 1 ORDER BY 1"
    )
    assert await rows(empty_url, years) == [
        ("410183", 2004, 2026, 23),
        ("410184", 2004, 2026, 23),
    ]
    day = "SELECT kind, note FROM calendar_day WHERE city_code = '410183' AND day = '2026-10-10'"
    assert await rows(empty_url, day) == [("workday", "国庆节调休")]
    versions = "SELECT city_code, version FROM calendar_history ORDER BY 1"
    assert await rows(empty_url, versions) == [("410183", 1), ("410184", 1)]


async def test_the_models_say_what_the_schema_is(database_url: str) -> None:
    before = expected_revision()
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        async_creator=lambda: asyncpg.connect(database_url),
    )
    async with engine.connect() as connection:
        await connection.run_sync(_check)
    assert expected_revision() == before, "a check changes no file"


def test_there_is_one_head_and_the_file_names_it() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [expected_revision()]


async def test_every_table_but_the_installations_own_belongs_to_a_city_that_its_keys_begin_with(
    database_url: str,
) -> None:
    keys = await rows(
        database_url,
        """
        SELECT c.relname, k.relname, a.attname
        FROM pg_class c
        JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique
        JOIN pg_class k ON k.oid = i.indexrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
        WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
        """,
    )
    tables = {table for table, _, _ in keys}
    assert tables == {*metadata.tables, "alembic_version"}
    of_no_city = {table for table, _, column in keys if column != "city_code"}
    assert of_no_city == {"alembic_version", "worker_heartbeat", "token_key", "issuer_keys"}


async def test_every_constraint_and_index_has_a_name_of_our_own(database_url: str) -> None:
    constraints = await rows(
        database_url,
        """
        SELECT r.relname, c.conname, c.contype::text
        FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
        WHERE r.relnamespace = 'public'::regnamespace AND NOT r.relispartition
            AND r.relname <> 'alembic_version' AND c.contype IN ('p', 'u', 'f', 'c')
        """,
    )
    prefixes = {"p": "pk", "u": "uq", "f": "fk", "c": "ck"}
    assert [
        (table, name)
        for table, name, kind in constraints
        if not name.startswith(f"{prefixes[kind]}_{table}")
    ] == []
    indexes = await rows(
        database_url,
        """
        SELECT c.relname, k.relname FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class k ON k.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
            AND c.relname <> 'alembic_version' AND NOT i.indisprimary
        """,
    )
    assert [
        (table, name)
        for table, name in indexes
        if not name.startswith((f"ix_{table}", f"uq_{table}"))
    ] == []


async def test_tables_are_in_one_piece_but_for_those_cut_by_time(database_url: str) -> None:
    cut = await rows(
        database_url,
        "SELECT relname, partstrat FROM pg_class JOIN pg_partitioned_table ON partrelid = oid",
    )
    assert set(cut) == {(table.name, b"r") for table in cut_tables()}


@pytest.mark.parametrize("door", ["api", "worker"])
async def test_a_door_refuses_an_old_schema_in_one_line(database_url: str, door: str) -> None:
    await as_owner(database_url, "UPDATE alembic_version SET version_num = '0000'")
    code, printed = await _wufei(door, database_url)
    assert code == 1
    assert printed == (
        "wufei: cannot use the database: the database is at revision 0000,"
        f" this program needs {expected_revision()}: run `wufei migrate`\n"
    )


_LIVED = """
INSERT INTO submission (city_code, id, plan_code, indicator_code, organization_code, period, state,
    revision, version, value, data_status, on_behalf, falsified, reported_by,
    reported_by_organization, created_at, updated_at)
SELECT '410183', CAST(id AS uuid), 'p', 'i', 'UN15', period, state, 2, 9, 1, 'final', false, false,
    '00000000-0000-0000-0000-0000000000c3', NULL, now(), now()
FROM (VALUES ('00000000-0000-0000-0000-000000000001', '2025', 'submitted'),
    ('00000000-0000-0000-0000-000000000002', '2026', 'approved')) AS s(id, period, state);
INSERT INTO submission_history
    (city_code, submission_id, version, action, after, actor, occurred_at)
SELECT '410183', CAST(id AS uuid), version, action, '{}', CAST(actor AS jsonb), now()
FROM (VALUES ('00000000-0000-0000-0000-000000000001'),
    ('00000000-0000-0000-0000-000000000002')) AS s(id)
CROSS JOIN (VALUES
    (1, 'submitted', '{"id": "00000000-0000-0000-0000-0000000000c1", "organization_code": "UN1"}'),
    (2, 'approved', '{"id": "00000000-0000-0000-0000-0000000000c2", "organization_code": null}'),
    (3, 'reopened', '{"id": "00000000-0000-0000-0000-0000000000c2", "organization_code": null}'),
    (4, 'changed', '{"id": "00000000-0000-0000-0000-0000000000c4", "organization_code": "UN2"}'),
    (5, 'submitted', '{"id": "00000000-0000-0000-0000-0000000000c3", "organization_code": null}')
) AS h(version, action, actor);
"""


async def test_who_wrote_what_waits_for_review_is_found_in_its_history(empty_url: str) -> None:
    await upgraded(empty_url, "0007")
    await execute(empty_url, _LIVED)
    await upgraded(empty_url, "0008")
    found = await rows(
        empty_url, "SELECT period, authors::text[], author_organizations FROM submission ORDER BY 1"
    )
    assert found == [
        (
            "2025",
            [f"00000000-0000-0000-0000-0000000000{end}" for end in ("c3", "c4")],
            ["UN2"],
        ),
        ("2026", None, None),
    ]


_WORDS = """
SELECT period, authors::text[], author_organizations, authorship->'revision'->>'keys',
    authorship->'words'->'note'->'organizations'->>0 FROM submission ORDER BY 1
"""


async def test_a_correction_under_way_is_by_all_who_ever_wrote_it(empty_url: str) -> None:
    ids = [f"00000000-0000-0000-0000-0000000000{end}" for end in ("c1", "c3", "c4")]
    await upgraded(empty_url, "0007")
    await execute(empty_url, _LIVED)
    await upgrade(empty_url)
    assert await rows(empty_url, _WORDS) == [
        ("2025", ids, ["UN1", "UN2"], f'["{ids[1]}", "{ids[2]}"]', "UN1"),
        ("2026", ids, ["UN1", "UN2"], f'["{ids[1]}"]', "UN1"),
    ]


async def test_the_database_says_which_program_is_the_oldest_that_works_on_it(
    database_url: str,
) -> None:
    newest = ScriptDirectory.from_config(configuration()).get_revision("head")
    assert newest is not None
    oldest = getattr(newest.module, "works_since", newest.revision)
    assert await schema(database_url) == PresentSchema(newest.revision, oldest)
    # What one migration breaks no later one mends.
    scripts = list(ScriptDirectory.from_config(configuration()).walk_revisions())
    oldest_of_each = [getattr(one.module, "works_since", one.revision) for one in scripts]
    assert oldest_of_each == sorted(oldest_of_each, reverse=True)
