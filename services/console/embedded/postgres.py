"""The embedded PostgreSQL: creating, starting and awaiting it; restarts are the supervisor's."""

import hmac
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.console.data_directory import write_secret
from services.console.embedded.account import identity, version_of
from services.console.embedded.server_home import ServerHome
from services.console.errors import ConsoleError
from services.console.ports import LOOPBACK, free_port
from services.core.kit.schema import OLDEST

USER, SERVICE = "wufei", "wufei_service"
"""The role that made the cluster and owns its tables, and the role that the services log in as."""

_WITH_BUILTIN_LOCALE = 17
_WITH_IO_METHOD = 18

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "random_page_cost": "1.1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    # Fewer processes, because this server is small and has a single owner.
    "autovacuum_max_workers": "2",
    "max_worker_processes": "4",
    # JIT compilation costs short statements more than it gains.
    "jit": "off",
}
_SINCE_18 = {"io_method": "sync"}
"""Saves further processes."""


class Postgres:
    """A cluster in `home`; only its binaries are elsewhere."""

    def __init__(
        self,
        *,
        home: ServerHome,
        programs: Path,
        password: str,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.folder = home.folder / "postgres"
        self._home = home
        self._programs = home.program(programs / "postgres").parent
        self._password = password
        self._major = _major(version_of(home.account, self._programs / "postgres"))
        newer = _SINCE_18 if self._major >= _WITH_IO_METHOD else {}
        self._settings = _SETTINGS | newer | dict(settings or {})
        self._answered = False

    def url(self, database: str) -> str:
        """Return the owner's URL of `database`, including the password."""
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    def service_url(self, database: str) -> str:
        """Return the services' URL of `database`."""
        return service_address(self.url(database))

    def create(self) -> None:
        """Make the cluster unless it exists; an incomplete one never has its final name."""
        if self.folder.exists():
            return
        # Made under another name and renamed at the end, so that an interrupted start begins anew
        # and never takes an incomplete cluster for a complete one.
        draft = self.folder.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        words = draft.with_name(".initdb.password")
        write_secret(words, self._password)
        if self._home.account is not None:
            self._home.account.give(draft)
            self._home.account.give(words)
        try:
            self._initialise(draft, words)
        finally:
            words.unlink()
        draft.rename(self.folder)

    def arguments(self) -> list[str]:
        """Return the command of the next start; the port is fixed once a client may know it."""
        # Another program may take the port between the search and the start. So another port is
        # tried until the first answer; from then on clients know it.
        if not self._answered:
            self.port = free_port()
        self._forget_stranger()
        chosen = self._settings | {"port": str(self.port)}
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.folder), *options]

    async def accepts(self) -> bool:
        """Return whether it accepts connections, which it does not during crash recovery."""
        try:
            connection = await asyncpg.connect(self.url("postgres"), timeout=2)
        except asyncpg.InvalidPasswordError:
            raise ConsoleError(f"{self.folder} was made with another password") from None
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        self._answered = True
        return True

    async def create_database(self, name: str) -> None:
        """Make the database unless it exists."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            with suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    def _initialise(self, draft: Path, words: Path) -> None:
        command = [
            *(str(self._programs / "initdb"), "-D", str(draft), "--username", USER),
            *("--pwfile", str(words), "--auth", "scram-sha-256", "--encoding", "UTF8"),
            # Texts are compared byte by byte (C locale), so that codes sort the same on every
            # system, and an upgrade of the C library corrupts no index.
            *("--locale", "C", "--no-instructions"),
        ]
        if self._major >= _WITH_BUILTIN_LOCALE:
            command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        made = subprocess.run(  # noqa: S603 (PostgreSQL's own program with our own words)
            command,
            capture_output=True,
            check=False,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            **identity(self._home.account),
        )
        if made.returncode != 0:
            reason = (made.stderr.strip().splitlines() or ["no reason given"])[0]
            raise ConsoleError(f"cannot make a PostgreSQL cluster in {draft.parent}: {reason}")

    def _forget_stranger(self) -> None:
        """Delete a PID file whose number another program has now, as in a restarted container.

        PostgreSQL itself deletes it only if no process has that number.
        """
        lock = self.folder / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            if (Path("/proc") / str(pid) / "comm").read_text().strip() != "postgres":
                lock.unlink()


ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""The servers' environment, which has nothing of ours."""


def _major(said: str | None) -> int:
    """Return the major version from the output of `postgres --version`."""
    found = re.search(r"\d+", said or "")
    return int(found[0]) if found else OLDEST


def service_address(owner: str) -> str:
    """Return the services' URL of a database from its owner's, if the server is ours.

    Their password is derived from the owner's, and not the other way round, so that one file stores
    both.
    """
    parts = urlsplit(owner)
    password = hmac.digest((parts.password or "").encode(), SERVICE.encode(), "sha256").hex()
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{SERVICE}:{password}@{place}"))


def kept_password(path: Path, cluster: Path) -> str:
    """Return the password in `path`; a new one if there is no cluster yet."""
    if path.exists():
        return path.read_text().strip()
    if cluster.exists():
        raise ConsoleError(f"{path} is missing, and {cluster} opens to no other password")
    password = secrets.token_hex(24)
    write_secret(path, password)
    return password
