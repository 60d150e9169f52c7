"""API and worker processes of a simulation's own, and the CPU that each sort takes.

CPU is counted and not time: on a machine that does other things besides, it still says what a
request costs.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import asyncpg
import httpx

from bench.system import ROOT, System
from services.console.ports import free_port
from services.core.kit.clock import Clock

_CONNECTIONS = "5"
"""Of each pool of an API process, so that two of them and two workers find room."""

_READY_WITHIN = 300


@dataclass(frozen=True, slots=True)
class Processes:
    """What runs beside the servers: ports of the APIs, ids of the processes by sort, since when."""

    ports: Sequence[int]
    pids: Mapping[str, Sequence[int]]
    since: datetime

    @asynccontextmanager
    async def workers_held(self, pool: asyncpg.Pool) -> AsyncIterator[None]:
        """Hold the workers still meanwhile, once all of them have begun to work."""
        workers = self.pids["worker"]
        async with asyncio.timeout(_READY_WITHIN):
            while await pool.fetchval(_AT_WORK, self.since) < len(workers):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await hold(pool, workers)
        try:
            yield
        finally:
            _tell(workers, signal.SIGCONT)


_AT_WORK = "SELECT count(*) FROM worker_heartbeat WHERE beat_at >= $1"
_BUSY = """
SELECT EXISTS (SELECT FROM pg_stat_activity
WHERE application_name = 'wufei-worker' AND state <> 'idle')
"""


async def hold(pool: asyncpg.Pool, workers: Sequence[int]) -> None:
    """Hold workers still while they do nothing, so that they hold no lock."""
    while True:
        _tell(workers, signal.SIGSTOP)
        if not await pool.fetchval(_BUSY):
            return
        _tell(workers, signal.SIGCONT)
        await asyncio.sleep(0.1)


def _tell(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


@asynccontextmanager
async def running(system: System, *, apis: int, workers: int) -> AsyncIterator[Processes]:
    """Yield so many API and worker processes that are ready; they end afterwards."""
    environment = {
        **system.environment,
        "DATABASE_URL": system.database_url,
        "REDIS_URL": system.redis_url,
        "WUFEI_SECRET_KEY": system.secret_key,
        "WUFEI_DATABASE_CONNECTIONS": _CONNECTIONS,
    }
    ports = [free_port() for _ in range(apis)]
    since = Clock.true_now()
    log = tempfile.TemporaryFile()  # noqa: SIM115 (it is read where they do not start)
    started = [await _start("api", {**environment, "WUFEI_PORT": str(port)}, log) for port in ports]
    started += [await _start("worker", environment, log) for _ in range(workers)]
    pids = [one.pid for one in started]
    try:
        try:
            await asyncio.gather(*(_ready(port) for port in ports))
        except TimeoutError:
            log.seek(0)
            raise RuntimeError(log.read()[-2000:].decode()) from None
        yield Processes(ports, {"api": pids[:apis], "worker": pids[apis:]}, since)
    finally:
        for one in started:
            if one.returncode is None:
                one.send_signal(signal.SIGTERM)
        await asyncio.gather(*(one.wait() for one in started))


async def _start(
    door: str, environment: Mapping[str, str], log: IO[bytes]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.console", door,
        env=dict(environment), cwd=ROOT, stdout=log, stderr=log,
    )  # fmt: skip


async def _ready(port: int) -> None:
    async with asyncio.timeout(_READY_WITHIN), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/healthz")).is_success:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.1)


async def spent(pool: asyncpg.Pool, processes: Processes) -> Mapping[str, float]:
    """Return the seconds of CPU that each sort took so far, with its connections' in Postgres.

    A connection that was closed meanwhile is not counted any more: take differences over a time
    in which none is.
    """
    seconds = {name: sum(map(_cpu, pids)) for name, pids in processes.pids.items()}
    rows = await pool.fetch(
        "SELECT pid, application_name FROM pg_stat_activity WHERE application_name LIKE 'wufei-%'"
    )
    for row in rows:
        sort = row["application_name"].removeprefix("wufei-")
        if sort in seconds:
            seconds[sort] += _cpu(row["pid"])
    return seconds


def _cpu(pid: int) -> float:
    """Return the seconds of CPU of a process, all its threads."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(task.read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def cpu_of(*pids: int) -> float:
    """Return the seconds of CPU of this process and of others."""
    return sum(map(_cpu, (os.getpid(), *pids)))
