"""The previous release of this program, as the history has it, at work beside this one."""

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from alembic.script import ScriptDirectory

from services.console.ports import free_port
from services.console.schema import configuration
from services.console.settings import PROJECT

_NEWEST_COMMITS = 1000
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
    wanted = oldest_at_work()
    commits = (_git("rev-list", f"--max-count={_NEWEST_COMMITS}", "HEAD") or b"").decode().split()
    asked = "".join(f"{commit}:migrations/HEAD\n" for commit in commits)
    said = _git("cat-file", "--batch=%(objectname)", told=asked) or b""
    # Of each commit a line for the file's name, and its one line; or one line for there is none.
    answers = iter(said.decode().splitlines())
    for number, commit in enumerate(commits):
        if next(answers, "missing").endswith("missing"):
            continue
        revision, _ = next(answers), next(answers)
        if number and revision == wanted:
            packed = _git("archive", commit, *_PARTS) or b""
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(folder, filter="data")
            return commit
    return None


@dataclass(frozen=True)
class Release:
    """A release's code, and the servers that its parts work on.

    `owner_url` is the tables' owner where that is another role; empty: the services' own.
    """

    code: Path
    database_url: str
    redis_url: str
    owner_url: str = ""

    @property
    def _environment(self) -> dict[str, str]:
        ours = ("WUFEI_", "PYTEST_", "DATABASE_", "REDIS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        servers = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        return {**kept, **servers, "DATABASE_OWNER_URL": self.owner_url}

    async def command(self, *words: str) -> str:
        """Return what a command says; it must succeed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.console", *words),
            cwd=self.code,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        assert process.returncode == 0, complained.decode()
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
