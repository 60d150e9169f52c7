"""The system under measure: `wufei up` in a folder of its own, its worker paused on demand."""

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.console.data_directory import DataDirectory, kept_secret_key
from services.console.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
CITY = "410183"
PLAN = "410183-2025"


@dataclass(frozen=True)
class System:
    """What runs, and the credentials to use it."""

    port: int
    database_url: str
    office: str
    reporter: str
    worker_pid: int
    api_pid: int
    environment: dict[str, str]
    administrator: str
    redis_url: str
    secret_key: str

    @contextmanager
    def worker_paused(self) -> Iterator[None]:
        """Hold the worker still, so that it takes no part in what is measured."""
        os.kill(self.worker_pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.worker_pid, signal.SIGCONT)


@asynccontextmanager
async def running_system() -> AsyncIterator[System]:
    """Yield a new system, durable as in production (fsync on), with Xinmi's plan."""
    with tempfile.TemporaryDirectory(prefix="wufei-bench-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 (the servers run as another user)
        port = free_port()
        environment = {
            **os.environ,
            "WUFEI_PORT": str(port),
            "WUFEI_DATA_DIR": folder,
            "PYTHONPATH": str(ROOT),
            "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1",
            "WUFEI_LIMITS": "0",  # one key asks for all there is
        }
        up = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.console", "up",
            stdout=asyncio.subprocess.PIPE, env=environment, cwd=ROOT,
        )  # fmt: skip
        try:
            assert up.stdout is not None
            while b"ready after" not in (line := await up.stdout.readline()):
                assert line, "`wufei up` ended"
            yield await _opened(Path(folder), port, environment)
        finally:
            up.terminate()
            await up.wait()


async def _opened(folder: Path, port: int, environment: dict[str, str]) -> System:
    running = json.loads((folder / "run" / "services.json").read_text())
    administrator = (folder / "admin.key").read_text().strip()
    admin = {"Authorization": f"Bearer {administrator}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/v1", headers=admin) as client:
        office = await client.post("/api-keys", json={"name": "office", "role": "office"})
        body = {"name": "unit", "role": "reporter", "organization_code": "UN15"}
        reporter = await client.post("/api-keys", json=body)
    return System(
        port=port,
        database_url=running["owner_database_url"],
        office=office.json()["secret"],
        reporter=reporter.json()["secret"],
        worker_pid=running["parts"]["worker"],
        api_pid=running["parts"]["api"],
        environment=environment,
        administrator=administrator,
        redis_url=running["redis_url"],
        secret_key=kept_secret_key(DataDirectory(folder).secret_key),
    )


@asynccontextmanager
async def bare_app(system: System) -> AsyncIterator[int]:
    """Yield the port of the ceiling: `bench.bare` under the same server and flags."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(port),
        "--no-access-log", "--loop", "uvloop", "--http", "httptools", "--log-level", "warning",
        env={**system.environment, "DATABASE_URL": system.database_url}, cwd=ROOT,
    )  # fmt: skip
    try:
        while not _accepts(port):  # noqa: ASYNC110 (no event crosses processes)
            await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
