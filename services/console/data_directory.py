"""The data directory: its lock, layout and logs; the database's content belongs to the database."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.console.errors import ConsoleError
from services.core.kit.sealing import Seal, new_seal_key

LAYOUT = 1
"""Version of the layout; raised when older programs can no longer read the directory."""

_LARGEST_LOG = 5_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """The content of the file `layout`: the version that wrote the directory, the servers' home."""

    number: int = LAYOUT
    postgresql: int | None = None
    servers: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "Layout":
        """Parse lines of a name and a value; unknown names belong to a newer layout."""
        said = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
        return cls(
            number=int(said["layout"]),
            postgresql=int(said["postgresql"]) if "postgresql" in said else None,
            servers=Path(said["servers"]) if "servers" in said else None,
        )

    def text(self) -> str:
        """Return the text that `parse` reads."""
        lines = [f"layout {self.number}"]
        lines += [f"postgresql {self.postgresql}"] if self.postgresql else []
        lines += [f"servers {self.servers}"] if self.servers else []
        return "\n".join(lines) + "\n"


class DataDirectory:
    """The data directory; one `wufei up` owns it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.running = path / "run" / "services.json"
        self.admin_key = path / "admin.key"
        self.secret_key = path / "secret.key"
        self.clock = path / "clock.json"
        self.files = path / "files"
        self.password = path / "postgres.password"
        self.demonstration = path / "demo"
        self._layout = path / "layout"
        self._lock = path / "lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory, making it if needed; the lock ends with this process at latest."""
        try:
            self._make()
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConsoleError(f"cannot write to {self.path} ({error.strerror})") from None
        try:
            # A kernel lock instead of a PID file, because it ends with the process, even if that is
            # killed.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise ConsoleError(f"another `wufei up` is using {self.path}") from None
        finally:
            os.close(descriptor)

    def in_use(self) -> bool:
        """Return whether a `wufei up` has locked the directory."""
        try:
            with self._lock.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def layout(self) -> Layout | None:
        """Return the layout of the directory; None if it is new.

        Raises:
            ConsoleError: another version or program wrote it.
        """
        try:
            layout = Layout.parse(self._layout.read_text())
        except FileNotFoundError:
            # The demonstration may already be here, in a folder of its own.
            known = {self._lock.name, self.demonstration.name}
            if any(entry.name not in known for entry in self.path.iterdir()):
                raise ConsoleError(
                    f"{self.path} is not empty and no data directory of wufei (no file `layout`)"
                ) from None
            return None
        except (KeyError, ValueError):
            raise ConsoleError(f"cannot understand {self._layout}") from None
        if layout.number != LAYOUT:
            raise ConsoleError(
                f"{self.path} has layout {layout.number}, this version of wufei needs {LAYOUT}"
            )
        return layout

    def settle(self, layout: Layout) -> None:
        """Write the layout file that later starts check."""
        self._layout.write_text(layout.text())
        for folder in (self.running.parent, self.path / "log"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def log(self, part: str) -> Path:
        """Return the log file of a part; a large one is renamed first."""
        path = self.path / "log" / f"{part}.log"
        if path.exists() and path.stat().st_size > _LARGEST_LOG:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _make(self) -> None:
        if self.path.is_dir():
            return
        self.path.mkdir(parents=True)
        # The servers' user must be able to pass through, but to read only its own files.
        self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def kept_secret_key(path: Path) -> str:
    """Return the key that seals secrets in the database, made at the first start.

    Raises:
        ConsoleError: the file cannot be read, or has no key.
    """
    try:
        if not path.exists():
            write_secret(path, new_seal_key() + "\n")
        kept = path.read_text().strip()
        Seal.read(kept)
    except (OSError, ValueError) as error:
        raise ConsoleError(f"cannot use {path}: {error}") from None
    return kept


def write_secret(path: Path, text: str) -> None:
    """Write `text` atomically to a file that only our user can read."""
    # Made with its final permissions, flushed to the disk, then renamed: nobody else can read it at
    # any moment, and a crash leaves the old file or the new one.
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
