"""An existing ledger is cut by time where it lies, and joined again, without losing a row."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.console.schema import configuration
from services.core.kit.clock import Clock
from services.core.kit.ids import first_id_at
from services.core.kit.partitions import TimeSpan
from services.core.partitions import cut_tables
from tests.support.migrations import empty_url

__all__ = ["empty_url"]  # fixtures

_GROWN = """
INSERT INTO event (city_code, id, type, subject_kind, subject_id, actor, data, occurred_at)
SELECT '410183', CAST(id AS uuid), 't', 'k', 's', '{}', '{}', now()
FROM unnest(CAST($1 AS text[])) AS e(id)
"""
_SHAPES = """
SELECT c.conrelid::regclass::text, c.conname::text, pg_get_constraintdef(c.oid) FROM pg_constraint c
WHERE c.conrelid::regclass::text = ANY($1) AND c.contype IN ('p', 'u', 'f', 'c')
UNION ALL
SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text,
    replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
FROM pg_index i WHERE i.indrelid::regclass::text = ANY($1)
UNION ALL
SELECT a.attrelid::regclass::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
FROM pg_attribute a WHERE a.attrelid::regclass::text = ANY($1) AND a.attnum > 0
ORDER BY 1, 2, 3
"""


async def _to(url: str, way: Callable[[Config, str], None], revision: str) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(url)
    )

    def go(bound: Connection) -> None:
        way(configuration(bound), revision)

    async with engine.connect() as connection:
        await connection.run_sync(go)


async def _asked(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def test_a_ledger_is_cut_and_joined_again_with_every_row_and_every_constraint(
    empty_url: str,
) -> None:
    tables = [table.name for table in cut_tables()]
    now = Clock.true_now()
    soon = TimeSpan.QUARTER.after(now) + timedelta(days=20)
    times = (now - timedelta(days=4000), now, soon, now + timedelta(days=4000))
    ids = [str(first_id_at(at)) for at in times]
    await _to(empty_url, command.upgrade, "0016")
    before = await _asked(empty_url, _SHAPES, tables)
    await _asked(empty_url, _GROWN, ids)

    await _to(empty_url, command.upgrade, "0017")
    lies = "SELECT tableoid::regclass::text FROM event ORDER BY id"
    ahead = f"event_{TimeSpan.QUARTER.label(TimeSpan.QUARTER.start(soon))}"
    assert await _asked(empty_url, lies) == [
        (name,) for name in ("event_first", "event_first", ahead, "event_rest")
    ]
    assert await _asked(empty_url, _SHAPES, tables) == before
    with pytest.raises(asyncpg.UniqueViolationError):
        await _asked(empty_url, _GROWN, ids[:1])

    await _to(empty_url, command.downgrade, "0016")
    assert await _asked(empty_url, _SHAPES, tables) == before
    assert await _asked(empty_url, "SELECT id::text FROM event ORDER BY id") == [(i,) for i in ids]
    assert await _asked(empty_url, "SELECT relname FROM pg_class WHERE relkind = 'p'") == []

    await _to(empty_url, command.upgrade, "0017")
    assert len(await _asked(empty_url, "SELECT id FROM event")) == len(ids)
