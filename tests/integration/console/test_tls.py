"""TLS to PostgreSQL as libpq's words ask for it, by every way that we go there."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.core.kit.database import connect
from services.core.kit.server_address import open_connection
from tests.support.api import ROOT, open_door
from tests.support.certificates import Authority
from tests.support.tls_front import TlsFront, tls_front


@dataclass(frozen=True)
class _Server:
    front: TlsFront
    root: Path
    another_root: Path

    def url(self, **words: object) -> str:
        given = {"sslmode": "verify-full", "sslrootcert": self.root, **words}
        return f"{self.front.url}?" + "&".join(f"{name}={word}" for name, word in given.items())


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[_Server]:
    """A migrated database behind TLS alone, whose certificate is for `127.0.0.1`."""
    (tmp_path / "another").mkdir()
    authority, another = Authority(tmp_path), Authority(tmp_path / "another")
    async with tls_front(database_url, authority.good("127.0.0.1")) as front:
        yield _Server(front, authority.file, another.file)


async def _console(command: str, url: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", *command.split()),
        env={**os.environ, "DATABASE_URL": url},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return process.returncode, said.decode(), complained.decode()


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_each_way_to_the_database_is_encrypted_where_it_is_asked_for(
    server: _Server, mode: str
) -> None:
    url = server.url(sslmode=mode, connect_timeout=5, application_name="desk")
    async with connect(url, size=1) as database:
        assert server.front.encrypted == 1, "the pool's first"
        async with database.sessions() as session:
            connection = await session.connection()
            named = await connection.exec_driver_sql("SHOW application_name")
            assert named.scalar_one() == "desk"
        assert await database.pool.fetchval("SHOW application_name") == "desk"
        assert server.front.encrypted == 2
    alone = await open_connection(url)
    assert server.front.encrypted == 3
    await alone.close()
    assert server.front.plain == 0


async def test_a_certificate_that_proves_nothing_is_refused_in_a_line(server: _Server) -> None:
    for wrong in (
        server.url(sslrootcert=server.another_root),
        server.url().replace("127.0.0.1", "localhost", 1),
    ):
        for command in ("migrate", "key list"):
            code, _, complained = await _console(command, wrong)
            assert code == 1
            assert "certificate" in complained.lower()
            assert "Traceback" not in complained
        _, seen, complained = await _console("doctor", wrong)
        assert "FAULT  database" in seen
        assert complained == ""


async def test_commands_and_doors_go_by_the_same_words(server: _Server) -> None:
    url = server.url(target_session_attrs="read-write")
    for command in ("migrate", "plan load plans/410183-2025.yaml", "key list"):
        code, _, complained = await _console(command, url)
        assert (code, complained) == (0, ""), command
    _, seen, complained = await _console("doctor", url)
    assert "ok     schema" in seen
    assert complained == ""
    async with open_door(url) as door, door.client(door.admin_secret) as client:
        assert (await client.get("/me")).status_code == 200
        await door.react()
    assert server.front.plain == 0
