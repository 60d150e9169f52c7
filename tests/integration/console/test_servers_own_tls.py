"""TLS as PostgreSQL itself speaks it: tried where a build with it is installed.

The embedded build is without, for which `test_tls.py` puts a front before it. `apt-get install
postgresql` brings one that has it, and `WUFEI_PG_BIN` names another.
"""

import asyncio
import os
import secrets
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT

import asyncpg
import pytest

from services.console.embedded.account import server_account
from services.console.embedded.launch import child_options
from services.console.embedded.postgres import ENVIRONMENT, Postgres
from services.console.embedded.server_home import ServerHome
from services.console.schema import upgrade
from services.core.kit.database import connect
from services.core.kit.server_address import open_connection
from services.core.kit.service_role import Login
from tests.support.api import open_door
from tests.support.certificates import Authority
from tests.support.city_scope import let_tests_through
from tests.support.owner import served

_MINE = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def _with_tls() -> Path | None:
    """Return the programs of a PostgreSQL that was built with TLS."""
    chosen = os.environ.get("WUFEI_PG_BIN")
    folders = [Path(chosen)] if chosen else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for folder in reversed(folders):
        asked = folder / "pg_config"
        if (folder / "postgres").exists() and asked.exists():
            built = subprocess.run([asked, "--configure"], capture_output=True, check=True)
            if b"openssl" in built.stdout:
                return folder
    return None


_PROGRAMS = _with_tls()
pytestmark = pytest.mark.skipif(
    _PROGRAMS is None, reason="no PostgreSQL that speaks TLS is installed"
)


@dataclass(frozen=True)
class _Server:
    owner: str
    root: Path
    another_root: Path

    def url(self, address: str, **words: object) -> str:
        given = {"sslmode": "verify-full", "sslrootcert": self.root, **words}
        return f"{address}?" + "&".join(f"{name}={word}" for name, word in given.items())


def _made(folder: Path, authority: Authority) -> tuple[Postgres, ServerHome]:
    """Make a server in a folder that takes nothing but TLS."""
    assert _PROGRAMS is not None
    folder.chmod(0o711)
    (folder / "another").mkdir()
    certificate, key = authority.in_files("127.0.0.1")
    home = ServerHome(folder, server_account(folder / "postgres"))
    if home.account is not None:
        home.account.give(key)
    postgres = Postgres(
        home=home,
        programs=_PROGRAMS,
        password=secrets.token_hex(8),
        settings={"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key)},
    )
    postgres.create()
    rules = postgres.folder / "pg_hba.conf"
    rules.write_text(rules.read_text().replace("\nhost ", "\nhostssl "))
    return postgres, home


@contextmanager
def _running(postgres: Postgres, home: ServerHome) -> Iterator[None]:
    with (home.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            postgres.arguments(),
            stdout=log,
            stderr=log,
            cwd="/",
            env=ENVIRONMENT,
            **child_options(home.account, death_signal=SIGINT),
        )
    try:
        yield
    finally:
        process.send_signal(SIGINT)
        process.wait(timeout=30)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[_Server]:
    """A migrated database on a server that takes nothing but TLS."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority, another = Authority(folder), Authority(folder / "another")
        postgres, home = _made(folder, authority)
        with _running(postgres, home):
            async with asyncio.timeout(60):
                while not await postgres.accepts():  # noqa: ASYNC110 (no event crosses processes)
                    await asyncio.sleep(0.05)
            await postgres.create_database("ledger")
            owner = postgres.url("ledger")
            made = _Server(owner, authority.file, another.file)
            await upgrade(made.url(owner), service_url=served(owner))
            await let_tests_through(owner, Login.of(served(owner)).name)
            yield made


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_each_way_to_the_server_is_encrypted_by_itself(server: _Server, mode: str) -> None:
    url = server.url(served(server.owner), sslmode=mode)
    async with connect(url, size=1) as database:
        async with database.sessions() as session:
            connection = await session.connection()
            assert (await connection.exec_driver_sql(_MINE)).scalar_one() is True
        assert await database.pool.fetchval(_MINE) is True
    alone = await open_connection(url)
    assert await alone.fetchval(_MINE) is True
    await alone.close()


async def test_another_authority_another_name_and_no_tls_are_refused(server: _Server) -> None:
    address = served(server.owner)
    with pytest.raises(OSError, match="certificate"):
        await open_connection(server.url(address, sslrootcert=server.another_root))
    with pytest.raises(OSError, match="certificate"):
        await open_connection(server.url(address.replace("127.0.0.1", "localhost", 1)))
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await open_connection(f"{address}?sslmode=disable")


async def test_a_door_serves_and_the_worker_works_over_it(server: _Server) -> None:
    async with open_door(server.url(served(server.owner))) as door:
        async with door.client(door.admin_secret) as client:
            assert (await client.get("/me")).status_code == 200
        await door.react()
