"""One PostgreSQL and one Valkey for a whole test run, and a fresh database for whoever asks."""

import asyncio
import fcntl
import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
from typing import Any, Self

from services.console.embedded.account import server_account
from services.console.embedded.binaries import postgres_programs, valkey_program
from services.console.embedded.launch import child_options
from services.console.embedded.postgres import ENVIRONMENT, Postgres
from services.console.embedded.server_home import ServerHome
from services.console.embedded.valkey import Valkey
from services.console.schema import upgrade
from services.core.kit.service_role import Login
from tests.support.citus import (
    Cluster,
    citus_url,
    cluster_at,
    database_at,
    drop_database,
    execute,
)
from tests.support.city_scope import let_tests_through
from tests.support.owner import owner_of, served

TEMPLATE = "template_wufei"

ADDRESSES = "WUFEI_TEST_SERVERS"
"""The variable that tells a run of servers that are there already: PostgreSQL's and Valkey's
address."""

# Durability is what a test run does not need; everything else is as in `wufei up`.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",
    "max_connections": "200",
}
_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it, as in /tmp)
_PREFIX, _LOCK = "wufei-tests-", "in-use"
_ROOM = 1 << 30
"""Bytes that a run may need: a database is 12 MB, and few are there at a time."""

_NUMBERS = itertools.count(1)


def chosen_programs() -> Path:
    """Return the folder of the PostgreSQL that tests run on: of `WUFEI_PG_BIN`, or our own."""
    chosen = os.environ.get("WUFEI_PG_BIN")
    return postgres_programs(Path(chosen) if chosen else None)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers of this run are; strings, so that another process can be told.

    `nodes` are the others of a cluster, where each database has its part.
    """

    postgres: str
    valkey: str
    nodes: tuple[str, ...] = ()

    def database(self, name: str) -> str:
        """Return the address of a database of this server."""
        return database_at(self.postgres, name)

    @asynccontextmanager
    async def clone(self, template: str = TEMPLATE) -> AsyncIterator[str]:
        """Yield the services' address of a new database like `template`; drop it at the end.

        On a cluster there is one role.
        """
        name = f"test_{os.getpid()}_{next(_NUMBERS)}"
        made = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        for node in (*self.nodes, self.postgres):
            await execute(node, made)
        try:
            owner = self.database(name)
            yield owner if self.nodes else served(owner)
        finally:
            for node in (self.postgres, *self.nodes):
                await drop_database(node, name)


@asynccontextmanager
async def empty_database(addresses: Addresses) -> AsyncIterator[str]:
    """Yield the owner's address of a database in which nothing is."""
    async with addresses.clone("template0") as url:
        yield url if addresses.nodes else owner_of(url)


def in_memory(folder: Path = _MEMORY, room: int = _ROOM) -> Path | None:
    """Return `folder` where it is there, is ours to write, and has `room` bytes left.

    To clone a database is to write some 400 files. A disk takes as long for that as most tests
    take, and the longer the more were written.
    """
    if not os.access(folder, os.W_OK | os.X_OK) or shutil.disk_usage(folder).free < room:
        return None
    return folder


def held_folder(where: Path) -> tuple[Path, int]:
    """Return a new folder in `where`, and a lock that tells others it is in use.

    What those that were killed left behind is removed first: memory is kept until then.
    """
    for left in where.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError), left.open("r+") as found:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=where))
    draft = folder / f"{_LOCK}.new"  # nobody finds it before it is held
    lock = os.open(draft, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    draft.rename(folder / _LOCK)
    return folder, lock


class Servers:
    """The running servers; they stop with `stop`, or with the process that started them."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._data, self._lock = held_folder(in_memory() or Path(tempfile.gettempdir()))
        for folder in (self._folder, self._data):
            folder.chmod(0o711)
        self._processes: list[tuple[subprocess.Popen[bytes], Signals]] = []
        self._home = ServerHome(self._folder, server_account(self._folder / "postgres"))
        # The programs stay on the disk: where memory is a folder, nothing in it may be run.
        program = self._home.program(chosen_programs() / "postgres")
        self._postgres = Postgres(
            home=ServerHome(self._data, self._home.account),
            programs=program.parent,
            password=secrets.token_hex(8),
            settings=_SETTINGS,
        )
        self._valkey = Valkey(home=self._home, program=valkey_program())
        self._cluster: Cluster | None = None

    def start(self) -> Self:
        """Start both servers and make the template; nothing is left behind when that fails."""
        try:
            if citus_url() is None:
                self._postgres.create()
                self._spawn("postgres", self._postgres.arguments(), SIGINT)
            self._valkey.create()
            self._spawn("valkey", self._valkey.arguments(), SIGTERM)
            _complete(self._prepared())
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def addresses(self) -> Addresses:
        """Return where they are."""
        if self._cluster is not None:
            return Addresses(self._cluster.coordinator, self._valkey.url, self._cluster.workers)
        return Addresses(self._postgres.url("postgres"), self._valkey.url)

    def stop(self) -> None:
        """Stop both and remove what they wrote."""
        if self._cluster is not None:
            _complete(self._cluster.remove(TEMPLATE))
        for process, signal in self._processes:
            process.send_signal(signal)
        for process, _ in self._processes:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for folder in (self._folder, self._data):
            shutil.rmtree(folder, ignore_errors=True)
        os.close(self._lock)

    def _spawn(self, name: str, arguments: list[str], signal: Signals) -> None:
        # The child only asks the kernel for a signal between fork and exec, which is why the
        # warning about threads does not concern it.
        with (self._folder / f"{name}.log").open("wb") as log, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            options = child_options(self._home.account, death_signal=signal)
            process = subprocess.Popen(
                arguments, stdout=log, stderr=log, cwd="/", env=ENVIRONMENT, **options
            )
        self._processes.append((process, signal))

    async def _prepared(self) -> None:
        if (url := citus_url()) is not None:
            self._cluster = await cluster_at(url)
            await self._cluster.prepare(TEMPLATE)
            return
        async with asyncio.timeout(120):
            for accepts in (self._postgres.accepts, self._valkey.accepts):
                while not await accepts():  # noqa: ASYNC110 (no event crosses processes)
                    await asyncio.sleep(0.03)
        await self._postgres.create_database(TEMPLATE)
        owner = self._postgres.url(TEMPLATE)
        await upgrade(owner, service_url=served(owner))
        await let_tests_through(owner, Login.of(served(owner)).name)


def _complete(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine beside whatever event loop pytest keeps in this thread."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
