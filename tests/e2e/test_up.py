"""`wufei up` on this machine, as a person starts it: real processes, really killed."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from services.console.ports import free_port
from services.console.settings import PROJECT

KEYS = ("admin.key", "security.key", "audit.key")
"""The three administrators' keys, as the first start writes them."""
_READY_WITHIN = 120


@dataclass
class Up:
    """A running `wufei up` and where it keeps its data."""

    process: Process
    data: Path
    port: int
    lines: list[str]

    def note(self) -> dict[str, Any]:
        """What it tells other commands."""
        read: dict[str, Any] = json.loads((self.data / "run" / "services.json").read_text())
        return read

    def pids(self) -> dict[str, int]:
        """The processes of its parts."""
        parts: dict[str, int] = self.note()["parts"]
        return parts

    async def get(self, path: str) -> httpx.Response:
        """Ask the API as the first administrator."""
        key = (self.data / "admin.key").read_text().strip()
        url = f"http://127.0.0.1:{self.port}"
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            return await client.get(path, headers={"Authorization": f"Bearer {key}"})

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 60)


def _environment(data: Path, port: int, more: Mapping[str, str]) -> dict[str, str]:
    ours = ("WUFEI_", "DATABASE_URL", "REDIS_URL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "WUFEI_DATA_DIR": str(data), "WUFEI_PORT": str(port), **more}


async def _wufei(command: str, data: Path, port: int, **more: str) -> tuple[int, str]:
    """Run a command to its end; return its exit code and all it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", command),
        cwd=PROJECT,
        env=_environment(data, port, more),
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, printed.decode()


@asynccontextmanager
async def _up(data: Path, **more: str) -> AsyncIterator[Up]:
    """Start it and yield when it says that it is ready; at the end nothing of it may be left."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "up"),
        cwd=PROJECT,
        env=_environment(data, port, more),
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    up = Up(process, data, port, [])
    pids: dict[str, int] = {}
    try:
        async with asyncio.timeout(_READY_WITHIN):
            await _announced(up)
        pids = up.pids()
        yield up
        if process.returncode is None:
            pids = up.pids()
    finally:
        if process.returncode is None:
            await up.stop()
        await _until(lambda: not any(_runs(pid) for pid in pids.values()))


async def _announced(up: Up) -> None:
    assert up.process.stdout is not None
    while not (up.lines and "Ctrl-C" in up.lines[-1]):
        line = await up.process.stdout.readline()
        assert line, "\n".join(up.lines)
        up.lines.append(line.decode().rstrip())


async def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (no event crosses processes)
            await asyncio.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path("/proc") / str(pid) / "stat"
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory that does not exist yet, in a path with a space.

    Not in pytest's own folder: that is closed to the user whom the servers run as under root.
    """
    with TemporaryDirectory(prefix="wufei up ") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "var"


async def test_it_brings_up_the_whole_and_takes_it_down(data: Path) -> None:
    async with _up(data) as up:
        assert re.fullmatch(r"wufei: ready after \d+\.\d s", up.lines[-6])
        assert up.lines[-5].split() == ["address", f"http://127.0.0.1:{up.port}"]
        assert (await up.get("/readyz")).status_code == 200
        assert (await up.get("/docs")).status_code == 200
        assert len((await up.get("/v1/plans")).json()["items"]) == 1
        for secret in (*KEYS, "secret.key", "postgres.password", "run/services.json"):
            assert (data / secret).stat().st_mode & 0o777 == 0o600
        code, printed = await _wufei("doctor", data, up.port)
        assert (code, "FAULT" in printed) == (0, False), printed
        pids = up.pids()
        assert set(pids) == {"postgres", "valkey", "api", "worker"}
        assert await up.stop(signal.SIGINT) == 0
        assert not any(_runs(pid) for pid in pids.values())
    code, printed = await _wufei("doctor", data, up.port)
    assert code == 1
    assert "no `wufei up` is running" in printed


async def test_a_second_start_keeps_data_key_and_clock(data: Path) -> None:
    async with _up(data, WUFEI_NOW="2025-12-30T08:00:00Z") as up:
        assert any("clock shows 2025-12-30 08:00 UTC" in line for line in up.lines)
        key = (data / "admin.key").read_text()
    async with _up(data) as up:
        assert any("clock shows 2025-12-30 08:0" in line for line in up.lines)
        assert (data / "admin.key").read_text() == key
        assert (await up.get("/v1/me")).status_code == 200
        assert len((await up.get("/v1/plans")).json()["items"]) == 1


async def test_what_is_in_the_way_is_said_in_one_line(data: Path) -> None:
    async with _up(data) as up:
        code, printed = await _wufei("up", data, free_port())
        assert (code, printed.count("\n")) == (1, 1)
        assert printed.startswith("wufei: another `wufei up` is using")
        code, printed = await _wufei("up", data.with_name("other"), up.port)
        assert (code, printed.count("\n")) == (1, 1)
        assert printed.startswith(f"wufei: cannot listen on 127.0.0.1:{up.port}")
        code, printed = await _wufei("migrate", data, up.port)
        assert code == 0, printed
    marker = data / "layout"
    marker.write_text(marker.read_text().replace("postgresql 18", "postgresql 17"))
    code, printed = await _wufei("up", data, up.port)
    assert (code, printed.count("\n")) == (1, 1)
    assert "holds data of PostgreSQL 17" in printed


async def test_every_part_comes_back_after_a_kill(data: Path) -> None:
    async with _up(data) as up:
        before = up.pids()
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        await _until(lambda: not set(before.values()) & set(up.pids().values()))
        async with asyncio.timeout(120):
            while (await _wufei("doctor", data, up.port))[0] != 0:
                pass
        assert len((await up.get("/v1/plans")).json()["items"]) == 1


async def test_a_part_that_keeps_dying_ends_the_whole(data: Path) -> None:
    async with _up(data) as up:
        pids = up.pids()
        async with asyncio.timeout(120):
            while up.process.returncode is None:
                worker = up.pids().get("worker") if (data / "run/services.json").exists() else None
                if worker is not None and _runs(worker):
                    os.kill(worker, signal.SIGKILL)
                await asyncio.sleep(0.05)
        assert up.process.returncode == 1
        assert up.process.stdout is not None
        last = (await up.process.stdout.read()).decode().splitlines()[-1]
        assert last == f"wufei: worker ended 5 times within 60 s; see {data}/log/worker.log"
        assert not any(_runs(pid) for pid in pids.values())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_a_killed_supervisor_leaves_nothing_and_starts_again(data: Path) -> None:
    async with _up(data) as up:
        pids = up.pids()
        up.process.kill()
        await up.process.wait()
        await _until(lambda: not any(_runs(pid) for pid in pids.values()))
    async with _up(data) as up:
        assert len((await up.get("/v1/plans")).json()["items"]) == 1


async def test_servers_of_ones_own_are_used_as_they_are(
    data: Path, database_url: str, redis_url: str
) -> None:
    async with _up(data, DATABASE_URL=database_url, REDIS_URL=redis_url) as up:
        assert set(up.pids()) == {"api", "worker"}
        assert (await up.get("/v1/me")).status_code == 200
        assert not (data / "postgres").exists()
