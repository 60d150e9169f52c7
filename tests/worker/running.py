"""What the worker's tests start: the real worker as a process, and a Valkey of their own."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals
from typing import Any

from services.console.embedded.account import server_account
from services.console.embedded.binaries import valkey_program
from services.console.embedded.launch import child_options
from services.console.embedded.postgres import ENVIRONMENT
from services.console.embedded.server_home import ServerHome
from services.console.embedded.valkey import Valkey
from services.console.ports import LOOPBACK, free_port
from services.console.settings import PROJECT
from services.core.followers import READERS
from services.worker.reactor import Reactor
from tests.integration.scoring.ledger import Ledger

NOBODY = "redis://:none@127.0.0.1:9/0"
"""An address where no Redis answers."""


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until something becomes true in another process, however slow the machine is."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (no event crosses processes)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def at_work(reactor: Reactor) -> AsyncIterator[None]:
    """Run a reactor beside the test; it may not end by itself."""
    running = asyncio.create_task(reactor.run())
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def shows(ledger: Ledger, value: str) -> Callable[[], Awaitable[bool]]:
    """Whether the board of the year shows a value."""

    async def shown() -> bool:
        return await ledger.snapshot() is not None and (await ledger.row())["value"] == value

    return shown


async def idle(ledger: Ledger) -> bool:
    """Whether every event is numbered and followed."""
    (counts,) = await ledger.execute(
        "SELECT (SELECT count(*) FROM event), (SELECT sum(position) FROM log_head),"
        " (SELECT sum(position) FROM reader_cursor WHERE reader = ANY(:readers)) / :number",
        readers=list(READERS),
        number=len(READERS),
    )
    return len(set(counts)) == 1


@dataclass
class Worker:
    """A worker process and what it logs."""

    process: asyncio.subprocess.Process
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """Every line that it logged; each is JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def said(self, words: str) -> int:
        """How many of its lines hold these words."""
        return sum(words in str(line["event"]) for line in self.lines())

    async def heard_saying(self, words: str) -> None:
        """Wait until a line holds these words."""

        async def said() -> bool:
            assert self.process.returncode is None, self.log.read_text()
            return self.said(words) > 0

        await until(said)

    async def ended(self) -> int:
        """Wait for its end and return the exit code."""
        return await asyncio.wait_for(self.process.wait(), 60)

    async def stop(self, number: Signals = SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return await self.ended()


@asynccontextmanager
async def a_worker(
    database_url: str,
    redis_url: str | None = None,
    *,
    at_work: bool = True,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Worker]:
    """Yield a worker process, at work already; no fault of a test may have cost it a traceback.

    `settings` are further variables of its environment.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("WUFEI_", "DATABASE_URL", "REDIS_URL"))
    }
    addresses = {"DATABASE_URL": database_url} | ({"REDIS_URL": redis_url} if redis_url else {})
    with tempfile.NamedTemporaryFile(prefix="wufei-worker-", suffix=".log") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.console", "worker"),
            cwd=PROJECT,
            env=kept | addresses | dict(settings or {}),
            stdout=log,
            stderr=log,
        )
        worker = Worker(process, Path(log.name))
        try:
            if at_work:
                await worker.heard_saying("worker started")
            yield worker
        finally:
            if process.returncode is None:
                await worker.stop(SIGKILL)
        surprised = [line for line in worker.lines() if "exception" in line]
        assert surprised == [], surprised


class Relay:
    """A way to a server that a test may cut, so that the server seems gone to those behind it."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = free_port()

    async def start(self) -> None:
        """Let everybody through."""
        self._server = await asyncio.start_server(self._pass, LOOPBACK, self.port)

    async def cut(self) -> None:
        """Break what is open and refuse what comes."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()
        await until(self._empty)

    async def _empty(self) -> bool:
        return not self._open

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._to)
        self._open |= {writer, back}
        try:
            ways = [_copy(reader, back), _copy(there, writer)]
            await asyncio.wait(
                [asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for each in (writer, back):
                self._open.discard(each)
                each.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)


class OwnValkey:
    """A Valkey that a test may stop and start again, always at one address."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)
        self._home = ServerHome(folder, server_account(folder / "valkey"))
        self._valkey = Valkey(home=self._home, program=valkey_program())
        self._valkey.create()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Return its address; it is fixed with the first start."""
        return self._valkey.url

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *self._valkey.arguments(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd="/",
            env=ENVIRONMENT,
            **child_options(self._home.account, death_signal=SIGTERM),
        )
        await until(self._valkey.accepts)

    async def kill(self) -> None:
        """End it without a word."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self, *, on: bool = True) -> None:
        """Let it keep its connections and answer nobody, or go on."""
        assert self._process is not None
        self._process.send_signal(SIGSTOP if on else SIGCONT)


@asynccontextmanager
async def own_valkey() -> AsyncIterator[OwnValkey]:
    """Yield a Valkey that is not started yet."""
    with tempfile.TemporaryDirectory(prefix="wufei-valkey-") as folder:
        valkey = OwnValkey(Path(folder))
        try:
            yield valkey
        finally:
            await valkey.kill()
