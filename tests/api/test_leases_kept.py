"""A row stays a worker's while it works on it, and nobody looks for it over and over meanwhile."""

import asyncio
from datetime import timedelta

import asyncpg

from services.core.kit.city_scope import in_city
from services.core.kit.leases import Taken
from services.core.papers.service import making
from services.worker.importing import Importing
from services.worker.leased import kept_leased
from tests.support.api import XINMI, Door
from tests.support.imports import IMPORTS, csv_of, row_of
from tests.support.owner import owner_of
from tests.support.papers import a_paper
from tests.worker.running import until

OFTEN = timedelta(milliseconds=20)
SOON_SECONDS = 30


async def taken(door: Door) -> Taken | None:
    """Lease the paper that waits longest, as a worker does."""
    async with door.held.database.transaction() as session:
        return await making.take(session, "410183")


async def run_out(door: Door, table: str) -> None:
    """Let the leases of a table be over, as after a minute without a renewal."""
    await door.held.database.pool.execute(
        f"UPDATE {table} SET lease_until = now() - interval '1 s'"
        " WHERE city_code = '410183' AND lease_until IS NOT NULL"
    )


async def is_leased(door: Door) -> bool:
    found = await door.held.database.pool.fetchval(
        "SELECT bool_and(lease_until > now()) FROM paper"
        " WHERE city_code = '410183' AND lease_until IS NOT NULL"
    )
    return bool(found)


async def test_a_lease_is_renewed_while_a_step_of_the_work_takes_long(door: Door) -> None:
    database = door.held.database
    await a_paper(door)
    async with await door.as_("office") as office:
        asked = {"kind": "bulletin", "period": "2021"}
        assert (await office.post(f"/plans/{XINMI}/papers", json=asked)).status_code == 202
    with in_city("410183"):
        mine = await taken(door)
        assert mine is not None
        async with kept_leased(database, making.renew, mine, every=OFTEN):
            await run_out(door, "paper")
            await until(lambda: is_leased(door))
            assert await taken(door) is None
        await run_out(door, "paper")
        another = await taken(door)
        assert another is not None
        async with (
            kept_leased(database, making.renew, mine, every=OFTEN),
            database.transaction() as session,
        ):
            assert not await making.renew(session, mine)
        async with database.transaction() as session:
            assert await making.renew(session, another), "it is the other worker's alone"


async def test_a_file_that_is_written_for_longer_than_its_lease_is_not_looked_for_without_a_pause(
    door: Door,
) -> None:
    held = door.held
    importing = Importing(held.database, held.clock, seal=held.seal)
    async with await door.as_("reporter", "UN15") as unit:
        begun = await unit.post(IMPORTS, content=csv_of(row_of("U08", "2021", "40.65")))
        await importing.work_off()
        import_id = begun.json()["request"]["import_id"]
        confirmed = await unit.post(f"/imports/{import_id}/confirm")
        writing = await asyncpg.connect(owner_of(held.database.dsn))
        try:
            async with writing.transaction():
                await writing.execute("SELECT FROM sheet_import FOR UPDATE")
                async with asyncio.timeout(SOON_SECONDS):
                    await importing.work_off()
        finally:
            await writing.close()
        await importing.work_off()
        written = await unit.get(confirmed.headers["Location"].removeprefix("/v1"))
    assert written.json()["state"] == "succeeded", written.text
