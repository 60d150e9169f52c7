"""A paper whose workers are killed while they take, begin and finish it."""

from signal import SIGKILL
from typing import Any

from tests.support.api import Door, open_door
from tests.support.evidence_archives import told
from tests.support.locks import locked, worker_waits
from tests.support.papers import PATH, a_paper, got
from tests.worker.running import NOBODY, a_worker, until


def at_work(door: Door) -> Any:
    return a_worker(door.held.database.dsn, NOBODY)


async def lease_ends(door: Door) -> None:
    await door.held.database.pool.execute(
        "UPDATE paper SET lease_until = now() WHERE city_code = '410183'"
    )


async def test_a_paper_is_made_once_whatever_is_killed_on_its_way(database_url: str) -> None:
    async with open_door(database_url) as door:
        await a_paper(door)
        before = await got(door, PATH)
        async with await door.as_("office") as office:
            begun = await office.post(PATH, json={"kind": "bulletin", "period": "2021"})
        location = begun.headers["Location"].removeprefix("/v1")
        # It takes the one, begins with both, and at the end writes the files with all the rest.
        for table, state in (
            ("paper", "waiting"),
            ("operation", "waiting"),
            ("paper_file", "running"),
        ):
            async with locked(door, table, "SHARE"), at_work(door) as worker:
                await until(lambda: worker_waits(door))
                await worker.stop(SIGKILL)
            assert (await told(door, location))["state"] == state
            assert await got(door, PATH) == before
            await lease_ends(door)

        async def made() -> bool:
            return bool((await told(door, location))["state"] == "succeeded")

        async with at_work(door):
            await until(made)
        after = await got(door, PATH)
        assert len(after["items"]) == len(before["items"]) + 1
        assert after["items"][0]["number"] == before["items"][0]["number"] + 1
        assert after["items"][0]["digest"] == before["items"][0]["digest"]
