"""TLS before a PostgreSQL that speaks none: the embedded build is without it.

The server's own way into TLS: a request of eight bytes, `S` for yes, and the handshake.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@dataclass
class TlsFront:
    """What listens: how many connections were encrypted, and how many came without asking."""

    server: SplitResult
    context: ssl.SSLContext
    url: str = ""
    encrypted: int = 0
    plain: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._go_between(reader, writer)
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _go_between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
            self.plain += 1
            return
        writer.write(b"S")
        await writer.start_tls(self.context)
        self.encrypted += 1
        answers, questions = await asyncio.open_connection(self.server.hostname, self.server.port)
        try:
            await asyncio.gather(_pipe(reader, questions), _pipe(answers, writer))
        finally:
            questions.close()


@asynccontextmanager
async def tls_front(server_url: str, context: ssl.SSLContext) -> AsyncIterator[TlsFront]:
    """Yield an address of the server's database that takes nothing but TLS."""
    front = TlsFront(urlsplit(server_url), context)
    listening = await asyncio.start_server(front.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    user = front.server.netloc.rpartition("@")[0]
    front.url = front.server._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
    try:
        yield front
    finally:
        listening.close()
        for task in list(front.tasks):
            task.cancel()
        await asyncio.gather(*front.tasks, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError):
        writer.close()
