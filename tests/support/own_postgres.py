"""A PostgreSQL of a test's own, which it may crash and start again, always at one address."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGINT, SIGQUIT, Signals

from services.console.embedded.account import server_account
from services.console.embedded.launch import child_options
from services.console.embedded.postgres import ENVIRONMENT, Postgres
from services.console.embedded.server_home import ServerHome
from services.console.schema import upgrade
from services.core.kit.service_role import Login
from tests.support.city_scope import let_tests_through
from tests.support.owner import served
from tests.support.servers import chosen_programs

_DATABASE = "wufei"
_START_WITHIN = 30


class OwnPostgres:
    """A cluster in a folder. It keeps what it committed: it is crashed to see that we do too."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        folder.chmod(0o711)
        self._home = ServerHome(folder, server_account(folder / "postgres"))
        self._postgres = Postgres(
            home=self._home,
            programs=chosen_programs(),
            password="crash-me",
            settings=settings,
        )
        self._postgres.create()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def folder(self) -> Path:
        """Return where its files lie."""
        return self._postgres.folder

    @property
    def url(self) -> str:
        """Return the services' address of its database; it is fixed with the first start."""
        return served(self.owner_url)

    @property
    def owner_url(self) -> str:
        """Return the owner's address."""
        return self._postgres.url(_DATABASE)

    async def start(self) -> None:
        """Start it and wait until it lets us in; what a crash left behind may refuse the start."""
        async with asyncio.timeout(_START_WITHIN):
            while not await self._postgres.accepts():
                if self._process is None or self._process.returncode is not None:
                    self._process = await self._spawned()
                await asyncio.sleep(0.05)

    async def prepare(self) -> None:
        """Make the database and its tables."""
        await self._postgres.create_database(_DATABASE)
        await upgrade(self.owner_url, service_url=self.url)
        await let_tests_through(self.owner_url, Login.of(self.url).name)

    async def stop(self, number: Signals = SIGINT) -> None:
        """Stop it: SIGQUIT is an immediate stop, which is a crash."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    async def crash(self) -> None:
        """Let it crash and recover."""
        await self.stop(SIGQUIT)
        await self.start()

    async def _spawned(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._postgres.arguments(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd="/",
            env=ENVIRONMENT,
            **child_options(self._home.account, death_signal=SIGINT),
        )


@asynccontextmanager
async def own_postgres(settings: Mapping[str, str] | None = None) -> AsyncIterator[OwnPostgres]:
    """Yield a PostgreSQL that runs, its database migrated; `settings` go before the usual ones."""
    with tempfile.TemporaryDirectory(prefix="wufei-postgres-") as folder:
        postgres = OwnPostgres(Path(folder), settings)
        try:
            await postgres.start()
            await postgres.prepare()
            yield postgres
        finally:
            await postgres.stop()
