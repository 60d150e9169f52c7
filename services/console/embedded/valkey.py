"""The embedded Valkey, which only wakes readers and stores nothing: starting and awaiting it."""

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path

from services.console.data_directory import write_secret
from services.console.embedded.server_home import ServerHome
from services.console.ports import LOOPBACK, free_port

_ANSWER_WITHIN = 2


class Valkey:
    """A server in `home`, with a new password at each start of the system."""

    def __init__(self, *, home: ServerHome, program: Path) -> None:
        self.port = free_port()
        self.folder = home.folder / "valkey"
        self._home = home
        self._program = home.program(program)
        self._password = secrets.token_hex(24)
        self._answered = False

    @property
    def url(self) -> str:
        """Return its URL, including the password."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def create(self) -> None:
        """Make its folder unless it exists."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self._home.account is not None:
            self._home.account.give(self.folder)

    def arguments(self) -> list[str]:
        """Return the command of the next start; the port is fixed once a client may know it."""
        if not self._answered:
            self.port = free_port()
        configuration = self.folder / "valkey.conf"
        write_secret(configuration, self._configuration())
        if self._home.account is not None:
            self._home.account.give(configuration)
        return [str(self._program), str(configuration)]

    async def accepts(self) -> bool:
        """Return whether it accepts our password and answers."""
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_ANSWER_WITHIN):
                reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
                try:
                    writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
                    answer = await reader.readexactly(len("+OK\r\n+PONG\r\n"))
                finally:
                    writer.close()
            self._answered = answer == b"+OK\r\n+PONG\r\n"
            return self._answered
        return False

    def _configuration(self) -> str:
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self._password}",
            'save ""',
            "appendonly no",
            "maxmemory 64mb",
            "maxmemory-policy noeviction",
            "daemonize no",
        ]
        return "\n".join(lines) + "\n"
