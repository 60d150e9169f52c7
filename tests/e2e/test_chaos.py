"""The whole under faults: parts killed and Redis flushed, while values are posted and approved.

What was acknowledged is there once, and the boards are what a full recompute draws.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL, Signals
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from services.console.ports import free_port
from services.console.settings import PROJECT
from services.core.kit.clock import Clock
from services.core.kit.database import connect
from services.core.scoring.service import rebuild_inputs, recompute_plan

CITY, PLAN = "410183", "410183-2025"
UNIT = "UN15"
INDICATORS = ("R11", "U07", "U08", "D07")
PERIODS = tuple(f"{2024 + month // 12}-{1 + month % 12:02}" for month in range(24))
EDITORS = 4
LEAST = 30
SETTLED_WITHIN = 60
EDITED_WITHIN = 300
STARTED_WITHIN = 120

_FAULT = (httpx.TransportError, httpx.TimeoutException)


@dataclass
class Whole:
    """A running `wufei up`, the doubtful answers it gave, and what it acknowledged."""

    process: Process
    data: Path
    url: str
    retried: int = 0
    approved: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self) -> dict[str, Any]:
        """What it tells other commands."""
        read: dict[str, Any] = json.loads((self.data / "run" / "services.json").read_text())
        return read

    def client(self, secret: str) -> httpx.AsyncClient:
        """A client of the API with a key."""
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.AsyncClient(base_url=f"{self.url}/v1", headers=headers, timeout=20)

    async def post(
        self, client: httpx.AsyncClient, path: str, *, key: str, body: object = None
    ) -> httpx.Response:
        """Send a request again under its key until the answer is none of a fault's."""
        headers = {"Idempotency-Key": key}
        while True:
            try:
                answer = await client.post(path, json=body, headers=headers)
            except _FAULT:
                answer = None
            if answer is not None and not _asks_for_another_try(answer):
                return answer
            assert self.process.returncode is None, "the whole has ended"
            self.retried += 1
            await asyncio.sleep(0.1)

    async def ready(self) -> dict[str, Any]:
        """Wait until it serves again, and return what it says of its parts."""
        async with httpx.AsyncClient(timeout=2) as client:
            while True:
                try:
                    answer = await client.get(f"{self.url}/readyz")
                except _FAULT:
                    answer = None
                if answer is not None and answer.status_code == 200:
                    said: dict[str, Any] = answer.json()
                    return said
                await asyncio.sleep(0.1)


def _asks_for_another_try(answer: httpx.Response) -> bool:
    if answer.status_code == 409:
        return bool(answer.json()["code"] == "request-in-progress")
    return answer.status_code in {429, 503}


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory that does not exist yet, where the servers' user gets in."""
    with TemporaryDirectory(prefix="wufei-chaos-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "var"


@asynccontextmanager
async def _up(data: Path) -> AsyncIterator[Whole]:
    ours = ("WUFEI_", "DATABASE_URL", "REDIS_URL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "up"),
        cwd=PROJECT,
        env={**kept, "WUFEI_DATA_DIR": str(data), "WUFEI_PORT": str(port)},
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(STARTED_WITHIN):
            assert process.stdout is not None
            while b"Ctrl-C" not in (line := await process.stdout.readline()):
                assert line, "it did not start"
        yield Whole(process, data, f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def _kill(whole: Whole, part: str, number: Signals = SIGKILL) -> None:
    """Kill a part and wait until the supervisor has put another in its place."""
    pid = whole.note()["parts"][part]
    os.kill(pid, number)
    async with asyncio.timeout(60):
        while whole.note()["parts"].get(part, pid) == pid:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)


async def _break(whole: Whole) -> None:
    """Do what may happen, one thing after the other."""
    async with Redis.from_url(whole.note()["redis_url"]) as redis:
        await redis.flushall()
    await _kill(whole, "worker")
    await _kill(whole, "postgres")
    await whole.ready()
    await _kill(whole, "valkey")
    await asyncio.sleep(0.5)
    await _kill(whole, "api")
    await _kill(whole, "worker")
    await whole.ready()
    await _kill(whole, "postgres", SIGINT)
    await _kill(whole, "valkey")
    await whole.ready()
    async with Redis.from_url(whole.note()["redis_url"]) as redis:
        await redis.flushall()
    await _kill(whole, "worker")


def _places(whole: Whole, breaking: asyncio.Task[None]) -> Iterator[tuple[str, str]]:
    """Yield what may be reported, until enough was and all faults are over."""
    for period in PERIODS:
        for indicator in INDICATORS:
            if breaking.done() and len(whole.approved) >= LEAST:
                return
            yield indicator, period


async def _edit(
    whole: Whole,
    unit: httpx.AsyncClient,
    office: httpx.AsyncClient,
    places: Iterator[tuple[str, str]],
) -> None:
    """Report values and have them approved, one by one, whatever happens meanwhile."""
    for indicator, period in places:
        name = f"{indicator}/{period}"
        report = {
            "indicator_code": indicator,
            "organization_code": UNIT,
            "period": period,
            "value": f"{40 + len(whole.approved)}.5",
        }
        path = f"/plans/{PLAN}/submissions"
        made = await whole.post(unit, path, key=f"report {name}", body=report)
        assert made.status_code == 201, made.text
        submission = made.json()["id"]
        path = f"/submissions/{submission}/approve"
        done = await whole.post(office, path, key=f"approve {name}")
        assert done.status_code == 200, done.text
        whole.approved[indicator, period] = submission
        await asyncio.sleep(0.3)


async def _settled(whole: Whole) -> None:
    """Wait until every event is numbered and followed."""
    async with asyncio.timeout(SETTLED_WITHIN):
        while (await whole.ready())["drain_lag_seconds"] is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_faults_neither_lose_nor_double_what_was_acknowledged(data: Path) -> None:
    async with _up(data) as whole:
        admin = whole.client((data / "admin.key").read_text().strip())
        keys = {}
        for role, organization in (("reporter", UNIT), ("office", None)):
            body = {"name": role, "role": role, "organization_code": organization}
            answer = await admin.post("/api-keys", json=body)
            assert answer.status_code == 201, answer.text
            keys[role] = answer.json()["secret"]
        await admin.aclose()
        async with (
            whole.client(keys["reporter"]) as unit,
            whole.client(keys["office"]) as office,
            asyncio.timeout(EDITED_WITHIN),
            asyncio.TaskGroup() as tasks,
        ):
            breaking = tasks.create_task(_break(whole))
            places = _places(whole, breaking)
            for _ in range(EDITORS):
                tasks.create_task(_edit(whole, unit, office, places))
        await _settled(whole)
        assert whole.retried > 0, "no fault was noticed"
        await _compare(whole)
        _no_traceback(data)


def _no_traceback(data: Path) -> None:
    """See that no fault of these was told as if it were one of ours."""
    for part in ("api", "worker"):
        lines = (data / "log" / f"{part}.log").read_text().splitlines()
        assert [line for line in lines if "exception" in json.loads(line)] == []


async def _compare(whole: Whole) -> None:
    database_url = whole.note()["owner_database_url"]
    await _nothing_lost_or_doubled(whole, database_url)
    async with (
        connect(database_url, size=1) as database,
        database.transaction() as session,
    ):
        assert not await rebuild_inputs(session, CITY, PLAN)
        done = await recompute_plan(session, CITY, PLAN, clock=Clock())
    assert done.boards >= 2 * len({period for _, period in whole.approved})
    assert done.changed == 0


async def _nothing_lost_or_doubled(whole: Whole, database_url: str) -> None:
    assert len(whole.approved) >= LEAST
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT indicator_code, period, id::text, state FROM submission"
        )
        assert {(row[0], row[1]): row[2] for row in rows} == whole.approved
        assert len(rows) == len(whole.approved)
        assert {row["state"] for row in rows} == {"approved"}
        counts = await connection.fetchrow(
            """
            SELECT (SELECT count(*) FROM event) AS events,
                (SELECT count(*) FROM event WHERE type = 'submission.approved') AS approvals,
                (SELECT count(*) FROM submission_history) AS changes,
                (SELECT count(*) FROM event_position) AS numbers,
                (SELECT max(position) FROM event_position) AS highest,
                (SELECT count(*) FROM score_snapshot) AS snapshots,
                (SELECT count(*) FROM event WHERE type = 'score.updated') AS updates
            """
        )
    finally:
        await connection.close()
    assert counts["approvals"] == len(rows)
    assert counts["changes"] == 2 * len(rows)
    assert counts["events"] == counts["numbers"] == counts["highest"]
    assert counts["snapshots"] == counts["updates"]
