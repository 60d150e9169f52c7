"""The test servers themselves."""

import os
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

from services.console.schema import revision
from services.core.kit.schema import expected_revision
from tests.support.owner import owner_of
from tests.support.servers import held_folder, in_memory


async def _tables(url: str) -> int:
    connection = await asyncpg.connect(owner_of(url))
    try:
        await connection.execute("CREATE TABLE mine ()")
        count = await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'mine'"
        )
        return int(count)
    finally:
        await connection.close()


async def test_each_test_has_a_database_of_its_own(database_url: str) -> None:
    assert await _tables(database_url) == 1


async def test_and_sees_nothing_of_another_test(database_url: str) -> None:
    assert await _tables(database_url) == 1


async def test_the_database_has_the_newest_schema(module_database_url: str) -> None:
    assert await revision(module_database_url) == expected_revision()


async def test_valkey_is_empty(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0


def test_memory_is_taken_only_where_it_is_and_has_room(tmp_path: Path) -> None:
    assert in_memory(tmp_path, room=1) == tmp_path
    assert in_memory(tmp_path, room=1 << 60) is None
    assert in_memory(tmp_path / "none", room=1) is None


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    killed, lock = held_folder(tmp_path)
    running, other = held_folder(tmp_path)
    assert killed.exists()
    os.close(lock)
    last, held = held_folder(tmp_path)
    assert set(tmp_path.iterdir()) == {running, last}
    for one in (other, held):
        os.close(one)
