"""A sheet on its way in, while API and worker are killed at every step: all of it once, or none."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGKILL
from typing import Any

import httpx
import pytest

from services.console.ports import free_port
from services.console.settings import PROJECT
from tests.support.api import Door, open_door
from tests.support.imports import IMPORTS, end_lease, over
from tests.support.locks import locked, worker_waits
from tests.support.task_sheets import accepted, as_lines
from tests.worker.running import NOBODY, a_worker, until

READY_WITHIN = 120
SHEETS = 4


class Api:
    """An API process, and a caller of it."""

    def __init__(self, process: Process, client: httpx.AsyncClient) -> None:
        self.process, self.client = process, client

    async def kill(self) -> None:
        """End it at whatever line it is."""
        self.process.send_signal(SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def an_api(door: Door, key: str) -> AsyncIterator[Api]:
    """Yield an API process on the door's database, once it answers."""
    port = free_port()
    ours = ("WUFEI_", "DATABASE_URL", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    own = {"DATABASE_URL": door.held.database.dsn, "WUFEI_PORT": str(port), "REDIS_URL": NOBODY}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "api"),
        cwd=PROJECT,
        env={**kept, **own},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    headers = {"Authorization": f"Bearer {key}"}
    base = f"http://127.0.0.1:{port}/v1"

    async def answers() -> bool:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/healthz")).is_success
        except httpx.TransportError:
            return False

    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
        try:
            await until(answers, READY_WITHIN)
            yield Api(process, client)
        finally:
            if process.returncode is None:
                await Api(process, client).kill()


async def counted(door: Door) -> dict[str, int]:
    """Return how much of imports and of reports there is."""
    row = await door.held.database.pool.fetchrow(
        "SELECT (SELECT count(*) FROM sheet_import) AS imports,"
        " (SELECT count(*) FROM sheet_import_file WHERE part = 'sent') AS files,"
        " (SELECT count(*) FROM operation WHERE kind = 'import-check') AS checks,"
        " (SELECT count(*) FROM operation WHERE kind = 'import-write') AS writes,"
        " (SELECT count(*) FROM milestone_history WHERE action = 'progressed') AS reports,"
        " (SELECT count(*) FROM event WHERE type = 'milestone.progressed') AS events"
    )
    return dict(row)


async def waits(door: Door, who: str) -> bool:
    """Whether a process stands in the middle of a statement, before a lock."""
    return bool(
        await door.held.database.pool.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = $1 AND wait_event_type = 'Lock'",
            who,
        )
    )


async def killed_in(door: Door, key: str, table: str, path: str, **sent: Any) -> None:
    """Send a request to an API that is killed while it writes to a table."""
    async with locked(door, table, "SHARE"), an_api(door, key) as api:
        asked = asyncio.create_task(api.client.post(path, **sent))
        await until(lambda: waits(door, "wufei-api"))
        await api.kill()
        with pytest.raises(httpx.TransportError):
            await asked


async def worker_killed_in(door: Door, table: str) -> None:
    """Let a worker begin what waits, and kill it while it writes to a table."""
    async with locked(door, table, "SHARE"), a_worker(door.held.database.dsn, NOBODY) as worker:
        await until(lambda: worker_waits(door))
        await worker.stop(SIGKILL)
    await end_lease(door)


async def test_a_sheet_comes_in_once_whatever_is_killed_on_its_way(database_url: str) -> None:
    async with open_door(database_url) as door:
        rows = [await accepted(door) for _ in range(SHEETS)]
        content = await as_lines(door, {one["id"]: {"完成百分比": 40} for one in rows})
        key = await door.new_key("reporter", "UN15")
        nothing = await counted(door)
        sent: dict[str, Any] = {"content": content, "headers": {"Idempotency-Key": "the sheet"}}
        await killed_in(door, key, "sheet_import_file", IMPORTS, **sent)
        assert await counted(door) == nothing
        async with an_api(door, key) as api:
            begun = await api.client.post(IMPORTS, **sent)
            again = await api.client.post(IMPORTS, **sent)
            assert (begun.status_code, again.json()) == (202, begun.json())
            await worker_killed_in(door, "sheet_import_fault")
            async with a_worker(door.held.database.dsn, NOBODY):
                judged = await over(api.client, begun.headers["Location"])
        assert (judged["state"], judged["progress"]["rows"]) == ("succeeded", SHEETS)
        confirm = f"/imports/{begun.json()['request']['import_id']}/confirm"
        said: dict[str, Any] = {"headers": {"Idempotency-Key": "confirmed"}}
        await killed_in(door, key, "operation", confirm, **said)
        in_once = {**nothing, "imports": 1, "files": 1, "checks": 1}
        assert await counted(door) == in_once
        async with an_api(door, key) as api:
            confirmed = await api.client.post(confirm, **said)
            again = await api.client.post(confirm, **said)
            other = await api.client.post(confirm)
            assert (confirmed.status_code, again.json()) == (202, confirmed.json())
            assert (other.status_code, other.json()["state"]) == (409, "confirming")
            await worker_killed_in(door, "milestone_history")
            assert await counted(door) == {**in_once, "writes": 1}
            async with a_worker(door.held.database.dsn, NOBODY):
                written = await over(api.client, confirmed.headers["Location"])
        assert (written["state"], written["result"]["updated"]) == ("succeeded", SHEETS)
        done = {"writes": 1, "reports": SHEETS, "events": SHEETS}
        assert await counted(door) == {**in_once, **done}
