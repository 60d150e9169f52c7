"""The last minute before a deadline: five hundred report at once, and every value is there.

By two API processes and a worker beside them; how long each waits is measured by
`wufei simulate country`, not here.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from signal import SIGTERM

import httpx

from bench.country.traffic import Wish, paced
from bench.load import request
from bench.places import report_body
from services.console.ports import free_port
from services.console.settings import PROJECT
from services.core.kit.database import connect
from tests.support.api import XINMI, open_door
from tests.worker.running import a_worker

SUBMITTERS = 500
EACH = 2
READY_WITHIN = 120


@asynccontextmanager
async def doors(database_url: str, number: int) -> AsyncIterator[Sequence[int]]:
    """Yield the ports of so many API processes on one database."""
    ports = [free_port() for _ in range(number)]
    ours = ("WUFEI_", "DATABASE_URL", "REDIS_URL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.console", "api"),
            cwd=PROJECT,
            env={
                **kept,
                "DATABASE_URL": database_url,
                "WUFEI_PORT": str(port),
                "WUFEI_DATABASE_CONNECTIONS": "4",
                "WUFEI_LIMITS": "0",  # five hundred report by one key
            },
        )
        for port in ports
    ]
    try:
        async with asyncio.timeout(READY_WITHIN), httpx.AsyncClient() as client:
            for port in ports:
                while not await _lives(client, port):  # noqa: ASYNC110 (another process)
                    await asyncio.sleep(0.1)
        yield ports
    finally:
        for one in started:
            if one.returncode is None:
                one.send_signal(SIGTERM)
        await asyncio.gather(*(asyncio.wait_for(one.wait(), 60) for one in started))


async def _lives(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/healthz")).is_success
    except httpx.TransportError:
        return False


async def test_five_hundred_who_report_at_once_are_answered_and_every_value_is_there_once(
    database_url: str,
) -> None:
    async with open_door(database_url) as door:
        office = await door.new_key("office")
    number = SUBMITTERS * EACH

    def report(turn: int) -> Wish:
        message = request(
            "POST",
            f"/v1/plans/{XINMI}/submissions",
            body=report_body(turn),
            Authorization=f"Bearer {office}",
            Content_Type="application/json",
            Idempotency_Key=f"deadline-{turn}",
        )
        return Wish("submission", message)

    async with (
        a_worker(database_url),
        doors(database_url, 2) as ports,
        connect(database_url, size=1) as database,
    ):
        # Each sends all of its reports again, as who saw no answer does.
        for _ in range(2):
            heard = await paced(ports, report, number=number, callers=SUBMITTERS, rate=None)
            assert heard.unanswered == 0
            assert heard.statuses == {201: number}
        stored = [await database.pool.fetchval(statement) for statement in _STORED]
    assert stored == [number] * len(_STORED)


_STORED = (
    "SELECT count(*) FROM submission",
    "SELECT count(DISTINCT (indicator_code, organization_code, period)) FROM submission",
    "SELECT count(*) FROM submission_history",
    "SELECT count(*) FROM event WHERE type = 'submission.submitted'",
    "SELECT count(*) FROM stored_reply WHERE key LIKE 'deadline-%'",
)
