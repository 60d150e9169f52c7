"""A receiver of webhooks on loopback that does what a test tells it to, and notes what it hears."""

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Heard:
    """One request as it came: its head, the raw bytes of its body, and when it was complete."""

    method: str
    target: str
    headers: Mapping[str, str]
    raw_headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Behaviour = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer, or does not."""


def answer(
    status: int = 200, body: bytes = b"ok", *, delay: float = 0, **headers: str
) -> Behaviour:
    """Answer at once or after a delay; names of headers have `_` for `-`."""

    async def write(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay)
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return write


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave in these ways, one request after the other, and in the last for ever."""
    left = list(behaviours)

    async def write(heard: Heard, writer: asyncio.StreamWriter) -> None:
        now = left.pop(0) if len(left) > 1 else left[0]
        await now(heard, writer)

    return write


async def hang(_heard: Heard, _writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.get_running_loop().create_future()


async def reset(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Break the connection."""
    writer.transport.abort()


async def drip_headers(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Send a header line now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_body(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Answer 200 and send a byte of the body now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Answer 200 with a body that never ends, as fast as it is read."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        writer.write(block)
        await writer.drain()


@lru_cache
def bomb() -> bytes:
    """200 MB of nothing, compressed."""
    squeezed = gzip.compress(bytes(1 << 20), 9)
    return squeezed * 200


async def gzip_bomb(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Answer 200 with little that would become much."""
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb())}\r\n\r\n"
    writer.write(head.encode() + bomb())
    await writer.drain()


def many_headers(number: int, *, size: int = 8) -> Behaviour:
    """Answer 200 with so many header lines."""

    async def write(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        lines = "".join(f"X-{line}: {'v' * size}\r\n" for line in range(number))
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{lines}\r\nok".encode())
        await writer.drain()

    return write


def raw(text: bytes) -> Behaviour:
    """Write these bytes and close."""

    async def write(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        writer.close()

    return write


@dataclass
class Receiver:
    """What listens: `behaviour` may be changed at any moment; `connections` counts them all."""

    port: int = 0
    scheme: str = "http"
    behaviour: Behaviour = field(default_factory=answer)
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/hook", host: str = LOOPBACK) -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    @property
    def ids(self) -> list[str]:
        """The ids heard, in order, repeated ones too."""
        return [each.id for each in self.heard]

    async def hears(
        self, number: int, seconds: float = 15, *, distinct: bool = False
    ) -> list[Heard]:
        """Wait for so many requests (or distinct ids), and return all there are."""
        async with asyncio.timeout(seconds):
            while len(set(self.ids) if distinct else self.heard) < number:
                self._more.clear()
                await self._more.wait()
        return self.heard

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen; again on the same port where it listened before."""
        self._server = await asyncio.start_server(
            self._serve, LOOPBACK, self.port, ssl=tls, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.scheme = "https" if tls else "http"

    async def stop(self) -> None:
        """Refuse what comes and break what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    heard = await _request(reader)
                    self.heard.append(heard)
                    self._more.set()
                    await self.behaviour(heard, writer)
                    await writer.drain()
        except asyncio.CancelledError:
            pass  # the end of the test
        finally:
            self._serving.discard(task)
            writer.transport.abort()


async def _request(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = tuple((name, value.strip()) for name, value in (line.split(":", 1) for line in lines))
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Heard(method, target, headers, pairs, body, time.monotonic())


@asynccontextmanager
async def a_receiver(
    behaviour: Behaviour | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Yield a receiver that listens."""
    receiver = Receiver(behaviour=behaviour or answer())
    await receiver.start(tls)
    try:
        yield receiver
    finally:
        await receiver.stop()
