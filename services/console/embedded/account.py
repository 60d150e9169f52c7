"""The unprivileged user that runs the servers under root; no parent folder is opened to it."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.console.errors import ConsoleError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A user that a child process switches to."""

    name: str
    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make this user the owner of `path` only."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account(data: Path) -> Account | None:
    """Return the user that the servers run as; None: our own.

    PostgreSQL refuses to run as root. Existing data in `data` keep their owner, so that root can
    start a system that a normal user started first.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise ConsoleError(
            f"root may not run the servers, and there is no user {owner or UNPRIVILEGED}"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def identity(account: Account | None) -> dict[str, Any]:
    """Return the arguments that make a subprocess run as `account`."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def reaches(account: Account | None, folder: Path) -> bool:
    """Return whether a process of `account` can really enter `folder`."""
    return _output(account, "test", "-x", folder) is not None


def version_of(account: Account | None, program: Path) -> str | None:
    """Return what `program --version` prints for `account`; None if it cannot run it."""
    return _output(account, program, "--version")


def _output(account: Account | None, *command: str | Path) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603 (our own words and paths, no caller's text)
            command, capture_output=True, check=True, text=True, cwd="/", **identity(account)
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return str(answer.stdout).strip()
