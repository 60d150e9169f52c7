"""A primary with a standby that follows it, and whatever else is made of one base backup."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from services.console.embedded.account import identity, server_account
from services.console.embedded.postgres import ENVIRONMENT
from services.console.embedded.server_home import ServerHome
from tests.support.own_postgres import OwnPostgres
from tests.support.servers import chosen_programs

_FOLLOWED = {
    "wal_level": "replica",
    "max_wal_senders": "8",
    "hot_standby_feedback": "on",
    "wal_receiver_status_interval": "1s",
    # What it costs to be sure of a disk is not asked here; what is lost with a process is.
    "fsync": "off",
}


@dataclass
class Pair:
    """A primary that archives its WAL, a standby that follows it, and a base backup of both."""

    primary: OwnPostgres
    standby: OwnPostgres
    folder: Path

    @property
    def archive(self) -> Path:
        """Return where the primary's WAL is kept."""
        return self.folder / "archive"

    @property
    def either(self) -> str:
        """Return the address of whichever of the two takes writes."""
        first, second = urlsplit(self.primary.url), urlsplit(self.standby.url)
        user = first.netloc.rpartition("@")[0]
        hosts = f"{first.hostname}:{first.port},{second.hostname}:{second.port}"
        return f"postgresql://{user}@{hosts}{first.path}?target_session_attrs=read-write"

    async def waits(self, server: OwnPostgres, holds: str, *values: object) -> None:
        """Wait until a query on one of the two finds true."""
        connection = await asyncpg.connect(server.owner_url)
        try:
            async with asyncio.timeout(60):
                while not await connection.fetchval(holds, *values):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        finally:
            await connection.close()

    async def tell(self, server: OwnPostgres, *statements: str) -> None:
        """Carry out statements on one of the two, each by itself."""
        connection = await asyncpg.connect(server.owner_url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def caught_up(self) -> None:
        """Wait until the standby has replayed all that the primary has written by now."""
        primary = await asyncpg.connect(self.primary.owner_url)
        upto = await primary.fetchval("SELECT pg_current_wal_flush_lsn()::text")
        await primary.close()
        holds = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
        await self.waits(self.standby, holds, upto)

    def another_standby(self) -> OwnPostgres:
        """Return a second standby."""
        _copied(self.folder / "backup", self.folder / "third")
        return OwnPostgres(self.folder / "third", _FOLLOWED)

    def restored(self, **settings: str) -> OwnPostgres:
        """Return a server made of the base backup, which recovers by `settings`."""
        folder = self.folder / "restored"
        _copied(self.folder / "backup", folder)
        (folder / "postgres" / "standby.signal").unlink(missing_ok=True)
        (folder / "postgres" / "recovery.signal").touch()
        account = server_account(self.primary.folder)
        if account is not None:
            account.give(folder / "postgres" / "recovery.signal")
        restore = {"restore_command": f"cp {self.archive}/%f %p", "archive_mode": "off"}
        return OwnPostgres(folder, {**_FOLLOWED, **restore, **settings})


@asynccontextmanager
async def replicating() -> AsyncIterator[Pair]:
    """Yield a primary, its database migrated, and a standby that follows it."""
    with tempfile.TemporaryDirectory(prefix="wufei-pair-") as place:
        folder = Path(place)
        _prepared(folder)
        settings = {
            **_FOLLOWED,
            "archive_mode": "on",
            "archive_command": f"cp %p {folder}/archive/%f",
        }
        primary = OwnPostgres(folder / "first", settings)
        standby = None
        try:
            await primary.start()
            await primary.prepare()
            await _back_up(primary, folder / "backup" / "postgres")
            _copied(folder / "backup", folder / "second")
            standby = OwnPostgres(folder / "second", _FOLLOWED)
            await standby.start()
            yield Pair(primary, standby, folder)
        finally:
            await primary.stop()
            if standby is not None:
                await standby.stop()


def _prepared(folder: Path) -> None:
    """Let the servers into a folder, and make those in it that are theirs."""
    folder.chmod(0o711)
    account = server_account(folder / "none")
    for name in ("archive", "backup", "first", "second", "third", "restored"):
        (folder / name).mkdir()
        if account is not None:
            account.give(folder / name)


async def _back_up(server: OwnPostgres, folder: Path) -> None:
    account = server_account(server.folder)
    programs = chosen_programs()
    program = ServerHome(server.folder.parent, account).program(programs / "pg_basebackup")
    process = await asyncio.create_subprocess_exec(
        *(str(program), "--pgdata", str(folder), "--dbname", server.owner_url),
        *("--wal-method", "stream", "--checkpoint", "fast", "--write-recovery-conf"),
        cwd="/",
        env=ENVIRONMENT,
        stderr=asyncio.subprocess.PIPE,
        **identity(account),
    )
    _, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()


def _copied(backup: Path, folder: Path) -> None:
    account = server_account(backup / "postgres")
    shutil.copytree(backup / "postgres", folder / "postgres", symlinks=True)
    for one in (folder / "postgres", *(folder / "postgres").rglob("*")):
        if account is not None:
            account.give(one)
