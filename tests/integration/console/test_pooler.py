"""Behind a pooler in transaction mode; with the real pgbouncer wherever one is on the PATH."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from services.console.doctor.examination import examine
from services.console.embedded.account import identity, server_account
from services.console.ports import free_port
from services.console.settings import Settings
from services.core.kit.database import connect
from services.core.kit.server_address import read_address
from tests.support.owner import as_owner

_PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")


@asynccontextmanager
async def _pooled(server_url: str, folder: Path) -> AsyncIterator[str]:
    """Yield the address behind pgbouncer; without one, our own way of talking to it."""
    if _PROGRAM is None:
        yield f"{server_url}?pool_mode=transaction"
        return
    where, port = urlsplit(server_url), free_port()
    account = server_account(folder / "pgbouncer")
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={where.hostname} port={where.port} user={where.username}"
        f" password={where.password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        "auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nunix_socket_dir =\n"
    )
    if account is not None:
        account.give(settings)
    process = await asyncio.create_subprocess_exec(
        _PROGRAM, "-q", str(settings), cwd="/", **identity(account)
    )
    try:
        yield f"postgresql://{where.username}@127.0.0.1:{port}{where.path}?pool_mode=transaction"
    finally:
        process.terminate()
        await process.wait()


async def test_many_at_once_are_answered_through_few_connections(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pooler")
    for above in (folder, *folder.parents[:3]):
        above.chmod(0o755)
    async with _pooled(database_url, folder) as url:
        for _ in range(100):
            try:
                async with connect(url, size=1):
                    break
            except OSError:
                await asyncio.sleep(0.1)
        async with connect(url, size=8) as database:

            async def bare(number: int) -> int:
                return int(await database.pool.fetchval("SELECT $1::int + 1", number))

            async def in_a_session(number: int) -> int:
                async with database.sessions() as session:
                    statement = text("SELECT CAST(:number AS int) + 1")
                    return int(await session.scalar(statement, {"number": number}) or 0)

            for ask in (bare, in_a_session):
                found = await asyncio.gather(*(ask(number) for number in range(200)))
                assert found == [number + 1 for number in range(200)]
            named = await database.pool.fetchval(
                "SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql"
                " AND name LIKE '\\_\\_asyncpg%'"
            )
            assert named == 0
    assert read_address(url).pooled


async def test_the_doctor_says_what_the_role_lacks(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{database_url}?pool_mode=transaction")
    monkeypatch.setenv("DATABASE_DIRECT_URL", database_url)
    monkeypatch.setenv("WUFEI_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    name = database_url.rsplit("/", 1)[1]
    wrong = f"ALTER ROLE wufei_service IN DATABASE {name} SET lock_timeout = '1s'"
    await as_owner(database_url, wrong)
    found = {finding.what: finding async for finding in examine(Settings.read())}
    assert found["direct address"].good
    assert found["TimeZone"].good
    assert not found["lock_timeout"].good
    assert "ALTER ROLE … SET lock_timeout = '10s'" in str(found["lock_timeout"].todo)
