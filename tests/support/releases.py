"""The previous release of this program, as the history has it, at work beside this one."""

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM

import asyncpg
import httpx
from alembic.script import ScriptDirectory

from services.console.ports import free_port
from services.console.schema import configuration
from services.console.settings import PROJECT
from tests.support.servers import Addresses

_NEWEST_COMMITS = 10_000
_PARTS = ("services", "migrations", "plans", "contracts")


def _git(*words: str, told: str = "") -> bytes | None:
    try:
        done = subprocess.run(
            ("git", "-C", str(PROJECT), *words),
            input=told.encode(),
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def oldest_at_work() -> str:
    """Return the revision of the oldest release that this one's schema leaves at work."""
    newest = ScriptDirectory.from_config(configuration()).get_revision("head")
    assert newest is not None
    return str(getattr(newest.module, "works_since", newest.revision))


def previous_release(folder: Path) -> str | None:
    """Put the newest code of that release into `folder`; None: no history has it.

    Where the newest schema leaves no older one at work, it is what this one was a while ago.
    """
    return release_of(oldest_at_work(), folder)


def release_of(wanted: str, folder: Path) -> str | None:
    """Put the newest code of a revision of the schema into `folder`; None: no history has it."""
    commits = (_git("rev-list", f"--max-count={_NEWEST_COMMITS}", "HEAD") or b"").decode().split()
    asked = "".join(f"{commit}:migrations/HEAD\n" for commit in commits)
    said = _git("cat-file", "--batch=%(objectname)", told=asked) or b""
    # Of each commit a line for the file's name, and its one line; or one line for there is none.
    answers = iter(said.decode().splitlines())
    for number, commit in enumerate(commits):
        if next(answers, "missing").endswith("missing"):
            continue
        revision, _ = next(answers), next(answers)
        if number and revision == wanted and _leads_here(commit, wanted):
            packed = _git("archive", commit, *_PARTS) or b""
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(folder, filter="data")
            return commit
    return None


def _leads_here(commit: str, revision: str) -> bool:
    """Return whether a commit's schema is one that ours passed through, and no branch of it."""
    listed = _git("ls-tree", "--name-only", commit, "migrations/versions/") or b""
    names = {_undated(Path(line)) for line in listed.decode().splitlines() if line.endswith(".py")}
    ours = {_undated(path) for path in (PROJECT / "migrations" / "versions").glob("*.py")}
    return names <= ours and max(names).startswith(f"{revision}_")


def _undated(migration: Path) -> str:
    """Return the name of a migration's file without the date that earlier releases put first."""
    return re.sub(r"^\d{4}_\d\d_\d\d_", "", migration.name)


@dataclass(frozen=True)
class Release:
    """A release's code, and the servers that its parts work on.

    `owner_url` is the tables' owner where that is another role; empty: the services' own.
    `settings` are more of its environment.
    """

    code: Path
    database_url: str
    redis_url: str
    owner_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def _environment(self) -> dict[str, str]:
        ours = ("WUFEI_", "PYTEST_", "DATABASE_", "REDIS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        servers = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        return {**kept, **servers, "DATABASE_OWNER_URL": self.owner_url, **self.settings}

    async def command(self, *words: str, code: int = 0) -> str:
        """Return what a command says; it must end with this code."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.console", *words),
            cwd=self.code,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        assert process.returncode == code, (said + complained).decode()
        return said.decode()

    @asynccontextmanager
    async def at_work(self, folder: Path) -> AsyncIterator[tuple[str, Path]]:
        """Yield the address of an API, with a worker beside it, and the log of both."""
        port, log = free_port(), folder / f"{self.code.name}.log"
        environment = {**self._environment, "WUFEI_PORT": str(port)}
        with log.open("wb") as written:
            processes = [
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "services.console", part),
                    cwd=self.code,
                    env=environment,
                    stdout=written,
                    stderr=written,
                )
                for part in ("api", "worker")
            ]
            try:
                yield f"http://127.0.0.1:{port}", log
            finally:
                for process in processes:
                    if process.returncode is None:
                        process.send_signal(SIGTERM)
                await asyncio.gather(*(process.wait() for process in processes))


@asynccontextmanager
async def database_of(addresses: Addresses, name: str) -> AsyncIterator[str]:
    """Yield the owner's address of a database without a table."""
    connection = await asyncpg.connect(addresses.postgres)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name}")
        yield addresses.database(name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def ready(door: str) -> None:
    """Wait until an API answers."""
    async with asyncio.timeout(300), httpx.AsyncClient(timeout=5) as client:
        while True:
            try:
                if (await client.get(f"{door}/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def settled(door: str) -> None:
    """Wait until all that was committed is numbered."""
    async with asyncio.timeout(300), httpx.AsyncClient(timeout=10) as client:
        while (await client.get(f"{door}/readyz")).json()["drain_lag_seconds"] is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def a_key(release: Release, city: str, *whose: str) -> str:
    """Return the secret of a new key."""
    said = await release.command("key", "create", "--name", "key", *whose)
    (secret,) = [word for word in said.split() if word.startswith(f"wufei_{city}_")]
    return secret


def errors_in(log: Path) -> list[str]:
    """Return the lines of a log that tell of an error."""
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if json.loads(line)["level"] == "error"]
