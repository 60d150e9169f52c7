"""An archive of evidence whose workers are killed while they take, begin, store and finish it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from signal import SIGKILL
from typing import Any
from zipfile import ZipFile

import asyncpg

from tests.support.api import Door, open_door
from tests.support.evidence import PDF, TEXT, UNIT, Later, a_draft, added, files_below, filing
from tests.support.evidence_archives import begun, told
from tests.support.locks import locked, worker_waits
from tests.support.owner import owner_of
from tests.worker.running import NOBODY, Worker, a_worker, until

_LOCK = 41
_WAITS_AT_THE_END = f"""
CREATE FUNCTION wait_at_the_end() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock({_LOCK}); RETURN NEW; END $$;
CREATE TRIGGER wait_at_the_end BEFORE UPDATE ON evidence_archive FOR EACH ROW
    WHEN (NEW.state = 'made') EXECUTE FUNCTION wait_at_the_end();
"""
"""Lets whoever notes that an archive is made wait for the lock."""


@asynccontextmanager
async def finishing_waits(door: Door) -> AsyncIterator[None]:
    """Let whoever has stored an archive wait before its row says so."""
    connection = await asyncpg.connect(owner_of(door.held.database.dsn))
    try:
        await connection.execute(_WAITS_AT_THE_END)
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        yield
    finally:
        await connection.close()


def at_work(door: Door) -> Any:
    store: Any = door.held.files
    return a_worker(door.held.database.dsn, NOBODY, settings={"WUFEI_FILES": str(store._folder)})


async def killed_waiting(door: Door, worker: Worker) -> None:
    """Kill a worker in the middle of a statement, and let its lease end."""
    await until(lambda: worker_waits(door))
    await worker.stop(SIGKILL)


async def lease_ends(door: Door) -> None:
    await door.held.database.pool.execute(
        "UPDATE evidence_archive SET lease_until = now() WHERE city_code = '410183'"
    )


async def test_an_archive_is_made_once_whatever_is_killed_on_its_way(database_url: str) -> None:
    async with open_door(database_url) as door:
        draft = await a_draft(door)
        async with await door.as_(*UNIT) as unit:
            await added(unit, f"submissions/{draft}", PDF, "报告.pdf")
            await added(unit, f"submissions/{draft}", TEXT, "说明.txt")
        before = {one.name for one in files_below(door)}
        _, location = await begun(door)
        for table in ("evidence_archive", "operation"):  # it takes the one, and begins with both
            async with locked(door, table, "SHARE"), at_work(door) as worker:
                await killed_waiting(door, worker)
            assert (await told(door, location))["state"] == "waiting"
            assert {one.name for one in files_below(door)} == before
            await lease_ends(door)
        async with finishing_waits(door), at_work(door) as worker:
            await killed_waiting(door, worker)
        assert (await told(door, location))["state"] == "running"
        await lease_ends(door)

        async def made() -> bool:
            return bool((await told(door, location))["state"] == "succeeded")

        async with at_work(door):
            await until(made)
        done = (await told(door, location))["result"]
        async with await door.as_("office") as office:
            answer = await office.get(done["path"].removeprefix("/v1"))
        archive = ZipFile(BytesIO(answer.content))
        assert archive.testzip() is None
        assert (done["files"], done["missing"], len(answer.content)) == (2, 0, done["size"])
        assert len({one.name for one in files_below(door)} - before) == 2
        assert (await filing(door, Later()).sweep()).removed == 1, "what the killed one had stored"
