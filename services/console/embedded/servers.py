"""Keeps PostgreSQL and Valkey of one data directory running for the code that started them."""

import asyncio
from collections.abc import Callable
from typing import Never

from services.console.data_directory import DataDirectory
from services.console.embedded.installation import embedded_servers
from services.console.embedded.parts import postgres_part, valkey_part
from services.console.embedded.supervisor import Part, Program
from services.console.settings import UpSettings

_DATABASE = "wufei"


class Servers:
    """The embedded servers, or the configured ones, which are only reported.

    `say` gets a line for people, `changed` is called at each start of a part.
    """

    def __init__(
        self,
        settings: UpSettings,
        directory: DataDirectory,
        *,
        say: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._say = say
        self._changed = changed
        self._embedded = embedded_servers(settings, directory, say)
        self._keepers: list[asyncio.Task[Never]] = []
        self.parts: list[Part] = []
        self.database_url = ""
        self.owner_url = ""
        self.redis_url = ""
        if settings.database_url is not None:
            self.database_url = settings.database_url.get_secret_value()
            self.owner_url = settings.owner_url or self.database_url
        if settings.redis_url is not None:
            self.redis_url = settings.redis_url.get_secret_value()

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Start the embedded servers and keep them running in `group`.

        Raises:
            ConsoleError: one of them did not become ready.
        """
        account, logs = self._embedded.home.account, self._directory.log
        postgres, valkey = self._embedded.postgres, self._embedded.valkey
        if postgres is not None:
            await self._start(group, postgres_part(postgres, account=account, log=logs("postgres")))
            await postgres.create_database(_DATABASE)
            self.owner_url = postgres.url(_DATABASE)
            self.database_url = postgres.service_url(_DATABASE)
        if valkey is not None:
            await self._start(group, valkey_part(valkey, account=account, log=logs("valkey")))
            self.redis_url = valkey.url

    async def stop(self) -> None:
        """Stop the embedded servers."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*(part.stop() for part in self.parts))

    async def _start(self, group: asyncio.TaskGroup, program: Program) -> None:
        part = Part(program, say=self._say, changed=self._changed)
        self.parts.append(part)
        await part.start()
        self._keepers.append(group.create_task(part.keep()))
