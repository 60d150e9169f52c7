"""The embedded servers of one data directory: whether they fit its data, and where they live."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.console.data_directory import DataDirectory, Layout
from services.console.embedded.account import version_of
from services.console.embedded.binaries import postgres_programs, valkey_program
from services.console.embedded.postgres import Postgres, kept_password
from services.console.embedded.server_home import ServerHome, server_home
from services.console.embedded.valkey import Valkey
from services.console.errors import ConsoleError
from services.console.settings import UpSettings


@dataclass(frozen=True, slots=True)
class Embedded:
    """The servers that we run; None where the settings name another one."""

    postgres: Postgres | None
    valkey: Valkey | None
    home: ServerHome


def embedded_servers(
    settings: UpSettings, directory: DataDirectory, say: Callable[[str], None]
) -> Embedded:
    """Return the servers to run for these settings; makes their folders, starts nothing.

    Raises:
        ConsoleError: another version wrote the directory.
    """
    layout = directory.layout()
    programs = postgres_programs(settings.pg_bin) if settings.database_url is None else None
    major = _fitting(programs, layout, directory.path) if programs else None
    home = server_home(directory.path, layout.servers if layout else None)
    moved = home.folder if home.folder != directory.path else None
    if layout is not None and major is None:
        major = layout.postgresql
    directory.settle(Layout(postgresql=major, servers=moved))
    if home.account is not None and moved is not None:
        say(f"the servers run as {home.account.name} and live in {moved}")
    postgres = valkey = None
    if programs is not None:
        password = kept_password(directory.password, home.folder / "postgres")
        postgres = Postgres(home=home, programs=programs, password=password)
        postgres.create()
    if settings.redis_url is None:
        valkey = Valkey(home=home, program=valkey_program())
        valkey.create()
    return Embedded(postgres, valkey, home)


def _fitting(programs: Path, layout: Layout | None, data: Path) -> int:
    """Return the programs' major version, which must be the data's."""
    said = version_of(None, programs / "postgres") or ""
    found = re.search(r"\b(\d+)(?=[.a-z])", said)
    if found is None:
        raise ConsoleError(f"cannot run {programs / 'postgres'}")
    major = int(found[1])
    if layout is not None and layout.postgresql not in {None, major}:
        raise ConsoleError(
            f"{data} holds data of PostgreSQL {layout.postgresql}, these programs are "
            f"PostgreSQL {major}; set WUFEI_PG_BIN to the folder of the former"
        )
    return major
