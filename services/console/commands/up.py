"""Brings everything on this machine up in order, and down again; each part knows how it runs."""

import asyncio
import os
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, Signals
from typing import Never

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from services.console.answers import status
from services.console.clock_setting import settled_clock
from services.console.data_directory import DataDirectory, kept_secret_key
from services.console.embedded.parts import door_part
from services.console.embedded.servers import Servers
from services.console.embedded.supervisor import Part
from services.console.errors import ConsoleError
from services.console.heartbeat import beats
from services.console.ports import require_free
from services.console.prepare import first_keys, prepare
from services.console.running import Running
from services.console.settings import UpSettings
from services.core.kit.clock import Clock
from services.core.kit.outage import told_of
from services.core.kit.service_role import RoleUnfit

_READY = 200
_READY_WITHIN = 60.0
_DOORS = ("api", "worker")


def run(_arguments: Namespace) -> int:
    """Run until a signal ends it, with exit code 0."""
    return asyncio.run(_until_told(UpSettings.read()))


async def _until_told(settings: UpSettings) -> int:
    told = asyncio.Event()
    task = asyncio.ensure_future(_up(settings))

    def stop(signal: Signals) -> None:
        # A second signal must not interrupt the orderly shutdown.
        if not told.is_set():
            _say(f"stopping ({signal.name})")
            told.set()
            task.cancel()

    for signal in (SIGINT, SIGTERM, SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signal, stop, signal)
    try:
        await task
    except asyncio.CancelledError:
        if not told.is_set():
            raise
        _say("stopped")
    return 0


async def _up(settings: UpSettings) -> Never:
    directory = DataDirectory(settings.data_dir)
    with directory.locked():
        system = System(settings, directory)
        try:
            await system.run()
        finally:
            await system.stop()


class System:
    """The running parts: servers first, then the API and the worker."""

    def __init__(self, settings: UpSettings, directory: DataDirectory) -> None:
        self._settings = settings
        self._directory = directory
        self._servers: Servers | None = None
        self._doors: list[Part] = []
        self._began = Clock.true_now()
        self._note = Running(os.getpid(), settings.host, settings.port, "", "")

    async def run(self) -> Never:
        """Start everything and keep it running.

        Raises:
            ConsoleError: something cannot start, or ends too often.
        """
        started = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                await self._start_all(group)
                self._announce(time.monotonic() - started)
                await asyncio.get_running_loop().create_future()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        raise AssertionError("nothing ends a running system but an error or a signal")

    async def stop(self) -> None:
        """Stop the API and the worker, then the servers, and delete the note."""
        await asyncio.gather(*(part.stop() for part in self._doors))
        if self._servers is not None:
            await self._servers.stop()
        self._directory.running.unlink(missing_ok=True)

    async def _start_all(self, group: asyncio.TaskGroup) -> None:
        settings = self._settings
        now = settings.domain_now
        require_free(settings.host, settings.port)
        servers = Servers(settings, self._directory, say=_say, changed=self._write_note)
        clock = settled_clock(self._directory.clock, now)
        if clock.offset:
            _say(
                f"the domain's clock shows {clock.now():%Y-%m-%d %H:%M} UTC; "
                f"remove {_short(self._directory.clock)} to return to the true time"
            )
        if settings.webhook_allow_loopback:
            _say("webhooks may go to this machine (WUFEI_WEBHOOK_ALLOW_LOOPBACK): demo and tests")
        self._servers = servers
        await servers.start(group)
        self._note.database_url, self._note.redis_url = servers.database_url, servers.redis_url
        self._note.owner_database_url = servers.owner_url
        await self._prepare(clock)
        environment = {
            "DATABASE_URL": self._note.database_url,
            "REDIS_URL": self._note.redis_url,
            "WUFEI_HOST": settings.host,
            "WUFEI_PORT": str(settings.port),
            "WUFEI_DATA_DIR": str(self._directory.path),
            # Everything has to stop within five seconds, the servers last.
            "WUFEI_STOP_WITHIN": "1",
            "WUFEI_CLOCK_OFFSET": f"{clock.offset.total_seconds():.0f}",
            "WUFEI_FILES": self._settings.files or str(self._directory.files),
            **self._seal_keys(),
        }
        for name in _DOORS:
            program = door_part(name, environment=environment, log=self._directory.log(name))
            part = Part(program, say=_say, changed=self._write_note, after=servers.parts)
            self._doors.append(part)
            await part.start()
            group.create_task(part.keep())
        await self._ready()

    def _seal_keys(self) -> Mapping[str, str]:
        """Return the environment variables for sealing: the key stored here, or none."""
        if self._settings.seal is not None:
            return {}
        return {"WUFEI_SECRET_KEY": kept_secret_key(self._directory.secret_key)}

    async def _prepare(self, clock: Clock) -> None:
        try:
            await prepare(
                self._note.owner_database_url,
                self._note.database_url,
                admin_key=self._directory.admin_key,
                clock=clock,
            )
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            SQLAlchemyError,
            RoleUnfit,
        ) as error:
            raise ConsoleError(f"cannot prepare the database: {told_of(error)}") from None

    def _write_note(self) -> None:
        parts = (*(self._servers.parts if self._servers else ()), *self._doors)
        self._note.parts = {part.name: part.pid for part in parts if part.pid is not None}
        self._note.write(self._directory)

    async def _ready(self) -> None:
        for part, ready in (("api", self._api_ready), ("worker", self._worker_at_work)):
            try:
                async with asyncio.timeout(_READY_WITHIN):
                    while not await ready():  # noqa: ASYNC110 (no event crosses processes)
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise ConsoleError(
                    f"{part} was not ready within {_READY_WITHIN:.0f} s; "
                    f"see {_short(self._directory.log(part))}"
                ) from None

    async def _api_ready(self) -> bool:
        return await status(self._settings.host, self._settings.port, "/readyz") == _READY

    async def _worker_at_work(self) -> bool:
        # A heartbeat from before this start is that of an earlier worker.
        heard = await beats(self._note.database_url)
        return bool(heard) and heard[0] >= self._began

    def _announce(self, seconds: float) -> None:
        self._write_note()
        address = f"http://{self._settings.host}:{self._settings.port}"
        _say(f"ready after {seconds:.1f} s")
        _say(f"  address    {address}")
        _say(f"  docs       {address}/docs")
        first, *others = first_keys(self._directory.admin_key).values()
        beside = ", ".join(file.name for file in others)
        _say(f"  admin key  {_short(first)} (beside it {beside})")
        _say(f"  logs       {_short(self._directory.path / 'log')}")
        _say("  stop       Ctrl-C")


def _say(line: str) -> None:
    print(f"wufei: {line}" if not line.startswith(" ") else line, flush=True)


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
