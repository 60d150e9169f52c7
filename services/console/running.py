"""The file that a running `wufei up` leaves for other commands: its processes and addresses."""

import json
from dataclasses import asdict, dataclass, field

from services.console.data_directory import DataDirectory, write_secret
from services.console.errors import ConsoleError
from services.console.settings import Settings


@dataclass(slots=True)
class Running:
    """The running system; `parts` maps a part's name to its process.

    `database_url` is the services' access to the database, `owner_database_url` that of migrations.
    """

    pid: int
    host: str
    port: int
    database_url: str
    redis_url: str
    owner_database_url: str = ""
    parts: dict[str, int] = field(default_factory=dict)

    def write(self, directory: DataDirectory) -> None:
        """Replace the file; it holds passwords, so nobody else may read it."""
        write_secret(directory.running, json.dumps(asdict(self), indent=1) + "\n")


def read_running(directory: DataDirectory) -> Running | None:
    """Return the note of the `wufei up` that runs on this directory, if any."""
    try:
        if not directory.in_use():
            return None
        return Running(**json.loads(directory.running.read_text()))
    except FileNotFoundError:
        return None
    except (PermissionError, ValueError, TypeError) as error:
        raise ConsoleError(f"cannot read {directory.running}: {error}") from None


def database_url(settings: Settings) -> str:
    """Return DATABASE_URL, or the URL of the running embedded database."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return _running(settings).database_url


def owner_url(settings: Settings) -> tuple[str, str | None]:
    """Return the owner's URL of the database, and the services'; None: they connect as the owner.

    Migrations bypass a pooler.
    """
    if settings.database_url is None:
        running = _running(settings)
        return running.owner_database_url or running.database_url, running.database_url
    own = settings.database_url.get_secret_value()
    if settings.owner_url is not None:
        return settings.owner_url, own
    return settings.direct_url or own, None


def _running(settings: Settings) -> Running:
    running = read_running(DataDirectory(settings.data_dir))
    if running is None:
        raise ConsoleError(
            f"DATABASE_URL is not set, and no `wufei up` is running on {settings.data_dir}"
        )
    return running
