"""A worker that is killed while a sheet is judged or written: nothing by halves, nothing twice."""

from signal import SIGKILL

from tests.support.api import Door, open_door
from tests.support.batches import rows as free_rows
from tests.support.imports import IMPORTS, csv_of, end_lease, over, row_of, told
from tests.support.locks import locked, worker_waits
from tests.worker.running import NOBODY, a_worker, until

ROWS = 300


async def counted(door: Door) -> tuple[int, int, int]:
    """Return how many values, changes and events there are."""
    row = await door.held.database.pool.fetchrow(
        "SELECT (SELECT count(*) FROM submission WHERE city_code = '410183'),"
        " (SELECT count(*) FROM submission_history WHERE city_code = '410183'),"
        " (SELECT count(*) FROM event WHERE city_code = '410183'"
        " AND type LIKE 'submission.%')"
    )
    return tuple(row)


async def test_a_worker_that_is_killed_leaves_a_sheet_that_the_next_one_finishes(
    database_url: str,
) -> None:
    rows = [
        row_of(str(one["indicator_code"]), str(one["period"]), "40.65") for one in free_rows(ROWS)
    ]
    async with open_door(database_url) as door, await door.as_("reporter", "UN15") as client:
        begun = await client.post(IMPORTS, content=csv_of(*rows))
        # Judging first forgets what an earlier try has found.
        async with locked(door, "sheet_import_fault", "SHARE"):
            async with a_worker(door.held.database.dsn, NOBODY) as worker:
                await until(lambda: worker_waits(door))
                worker.process.send_signal(SIGKILL)
                await worker.process.wait()
            assert (await told(client, begun.headers["Location"]))["state"] in {
                "waiting",
                "running",
            }
        await end_lease(door)
        async with a_worker(door.held.database.dsn, NOBODY):
            checked = await over(client, begun.headers["Location"])
        progress = checked["progress"]
        assert (checked["state"], progress["faults"], progress["rows"]) == ("succeeded", 0, ROWS)
        assert progress["done"] == progress["total"] == len(csv_of(*rows))
        assert await counted(door) == (0, 0, 0)
        import_id = begun.json()["request"]["import_id"]
        confirmed = await client.post(f"/imports/{import_id}/confirm")
        async with (
            locked(door, "submission_history", "SHARE"),
            a_worker(door.held.database.dsn, NOBODY) as worker,
        ):
            await until(lambda: worker_waits(door))
            worker.process.send_signal(SIGKILL)
            await worker.process.wait()
        assert await counted(door) == (0, 0, 0)
        await end_lease(door)
        async with a_worker(door.held.database.dsn, NOBODY):
            written = await over(client, confirmed.headers["Location"])
        assert (written["state"], written["result"]["created"]) == ("succeeded", ROWS)
        assert await counted(door) == (ROWS, ROWS, ROWS)


async def test_a_sheet_that_is_never_finished_fails_after_three_tries(database_url: str) -> None:
    async with open_door(database_url) as door, await door.as_("reporter", "UN15") as client:
        begun = await client.post(IMPORTS, content=csv_of(row_of("U08", "2025", "40.65")))
        await door.held.database.pool.execute(
            "UPDATE sheet_import SET attempts = 3 WHERE city_code = '410183'"
        )
        async with a_worker(door.held.database.dsn, NOBODY):
            failed = await over(client, begun.headers["Location"])
        assert failed["state"] == "failed"
        assert failed["errors"][0]["code"] == "import-abandoned"
