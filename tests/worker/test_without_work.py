"""A worker without work: what it asks for does not grow with the cities that want nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from services.core.identity.queries import cities_having
from services.core.kit.file_store import DirectoryStore
from services.core.papers.service import making
from services.worker.archiving import Archiving
from services.worker.dropping import Dropping
from services.worker.importing import Importing
from services.worker.papering import Papering
from tests.support.api import Door, open_door
from tests.support.owner import owner_of
from tests.support.statements_counted import statements_of

CITIES = 30
_AROUND = {"BEGIN;", "ROLLBACK;", "COMMIT;"}


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a database of its own."""
    async with open_door(database_url) as opened:
        yield opened


async def _plant_cities(door: Door) -> None:
    await door.held.database.pool.execute(
        "INSERT INTO city (city_code, name) SELECT n::text, '县' || n"
        " FROM generate_series(500000, 500000 + $1 - 1) AS n",
        CITIES,
    )


def _looks(door: Door, folder: Path) -> dict[str, Callable[[], Awaitable[object]]]:
    held, store = door.held, DirectoryStore(folder)
    return {
        "papers": Papering(held.database, held.clock, store).work_off,
        "archives": Archiving(held.database, store, held.clock).work_off,
        "drops": Dropping(held.database, store, held.clock, seal=held.seal).work_off,
        "imports": Importing(held.database, held.clock, seal=held.seal).work_off,
    }


async def test_cities_that_want_nothing_are_asked_nothing(door: Door, tmp_path: Path) -> None:
    looks = _looks(door, tmp_path)
    await _plant_cities(door)
    for name, look in looks.items():
        with statements_of(door) as asked:
            await look()
        assert len([one for one in asked if one not in _AROUND]) == 1, (name, asked)


async def test_the_city_that_has_waited_longest_comes_first(door: Door) -> None:
    await _plant_cities(door)
    for city_code, minutes, state in (
        ("500001", 1, "making"),
        ("500002", 3, "making"),
        ("500003", 2, "making"),
        ("500003", 9, "over"),
        ("500004", 9, "over"),
    ):
        await door.held.database.pool.execute(
            "INSERT INTO paper (city_code, id, state, operation_id, attempts, updated_at,"
            " plan_code, kind, year, wanted, made_by, credential_id, created_at)"
            " VALUES ($1, gen_random_uuid(), $3, gen_random_uuid(), 0,"
            " now() - $2 * interval '1 minute', $1 || '-2025', 'bulletin', 2025, '{}', '{}',"
            " gen_random_uuid(), now())",
            city_code,
            minutes,
            state,
        )
    async with door.held.database.sessions() as session:
        assert list(await cities_having(session, making.cities_waiting)) == [
            "500002",
            "500003",
            "500001",
        ]
    async with door.held.database.transaction() as session:
        assert await making.take(session, "500002") is not None
    async with door.held.database.sessions() as session:
        assert list(await cities_having(session, making.cities_waiting)) == ["500003", "500001"]


async def test_what_another_worker_holds_past_its_lease_is_left_to_it(
    door: Door, tmp_path: Path
) -> None:
    given = (
        "gen_random_uuid(), 'checking', 0, now(), '410183-2025', gen_random_uuid(), '{}', 'values',"
        " 'xlsx', 1, 'x', '{}', '{}', gen_random_uuid(), now()"
    )
    await door.held.database.pool.execute(
        "INSERT INTO sheet_import (city_code, id, state, attempts, updated_at, plan_code,"
        " credential_id, actor, form, format, size, sha256, options, report, check_id, created_at)"
        f" VALUES ('410183', {given})"
    )
    another = await asyncpg.connect(owner_of(door.held.database.dsn))
    try:
        async with another.transaction():
            await another.execute("SELECT FROM sheet_import FOR UPDATE")
            async with asyncio.timeout(60):  # in place of an end that never comes
                await _looks(door, tmp_path)["imports"]()
            assert await another.fetchval("SELECT attempts FROM sheet_import") == 0
    finally:
        await another.close()
