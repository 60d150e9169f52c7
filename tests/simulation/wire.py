"""A way to Postgres on which every statement stops at a gate: counted, held, or cut for real.

It speaks just enough of the server's protocol to know where a round trip begins and ends. What
stands on either side of it is the real driver and the real server. Notices between two round trips
are not passed on: who listens has to take the server's own address.
"""

import asyncio
import itertools
import struct
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

_PORT = 5432
_CANCEL = 80877102
_PROTOCOL_3 = 196608
_HEAD = struct.Struct("!cI")
_ENDS_A_BATCH = frozenset({b"S", b"Q", b"H", b"X"})
"""Sync, Query, Flush and Terminate: after these the driver waits, or is gone."""

_ENDS_A_DESCRIPTION = frozenset({b"T", b"n", b"E"})
"""What answers a Flush ends with: the columns, that there are none, or an error."""

_ASKS_FOR_PROOF = frozenset({3, 5, 10, 11})
"""Requests of the log-in that the driver answers; the others only tell it something."""

CONNECT, PREPARE = "CONNECT", "PREPARE"
"""What stands for the words, or before them, where a connection is opened or a statement only
prepared."""


@dataclass(eq=False)
class Link:
    """One connection of a program with its server process, whose number is `pid`."""

    number: int
    program: str = ""
    pid: int = 0
    prepared: dict[bytes, str] = field(default_factory=dict)
    words: str = ""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        """Break both sides at once, without a farewell."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


class Gate(Protocol):
    """Decides about each round trip, twice; whoever answers False has the link cut there."""

    async def sent(self, link: Link) -> bool:
        """Return whether `link.words` may reach the server."""

    async def answered(self, link: Link) -> bool:
        """Return whether the answer, which the server has given, may reach the program."""

    def ended(self, link: Link) -> None:
        """Hear that a link is over, whoever ended it."""


class OpenGate:
    """Lets everything pass."""

    async def sent(self, _link: Link) -> bool:
        return True

    async def answered(self, _link: Link) -> bool:
        return True

    def ended(self, _link: Link) -> None:
        pass


class Wire:
    """A server's other address. `gate` may be changed at any time."""

    def __init__(self, url: str, settings: Mapping[str, str] | None = None) -> None:
        self._there = urlsplit(url)
        self._settings = settings or {}
        self._numbers = itertools.count(1)
        self._passing: set[asyncio.Task[None]] = set()
        self.gate: Gate = OpenGate()
        self.links: list[Link] = []
        self.url = url

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Wire"]:
        """Listen on a socket of its own, whose address is then `url`."""
        with tempfile.TemporaryDirectory(prefix="wufei-wire-") as folder:
            path = Path(folder) / f".s.PGSQL.{_PORT}"
            server = await asyncio.start_unix_server(self._accept, path)
            login = self._there.netloc.rpartition("@")[0]
            self.url = urlunsplit(
                self._there._replace(netloc=f"{login}@", query=f"host={folder}&port={_PORT}")
            )
            try:
                yield self
            finally:
                server.close()
                self.cut()
                await asyncio.gather(*self._passing, return_exceptions=True)

    def cut(self) -> None:
        """Break every link, as a crash of the server does."""
        for link in list(self.links):
            link.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(next(self._numbers), words=CONNECT, writers=[writer])
        self.links.append(link)
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._converse(link, reader, writer)
        link.cut()
        self.links.remove(link)
        self.gate.ended(link)

    async def _converse(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        hello = await _first(reader)
        (code,) = struct.unpack_from("!I", hello, 4)
        if code == _PROTOCOL_3:
            link.program = _said(hello).get("application_name", "")
            hello = _told(hello, self._settings)
            if not await self.gate.sent(link):
                return
        there, back = await asyncio.open_connection(self._there.hostname, self._there.port)
        link.writers.append(back)
        back.write(hello)
        if code == _CANCEL:
            await back.drain()
            return
        if not await self._log_in(link, reader, writer, there, back):
            return
        while True:
            batch, end = await _batch(reader, link)
            if end == b"X" or not await self.gate.sent(link):
                return
            back.write(batch)
            answer = await _answer(there, end)
            if not await self.gate.answered(link):
                return
            writer.write(answer)
            await writer.drain()

    async def _log_in(
        self,
        link: Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> bool:
        """Pass on the whole log-in as one round trip; return whether it ended well."""
        while True:
            kind, whole = await _message(there)
            if kind == b"K":
                (link.pid,) = struct.unpack_from("!I", whole, 5)
            if kind == b"Z" and not await self.gate.answered(link):
                return False
            writer.write(whole)
            if kind in {b"Z", b"E"}:
                return kind == b"Z"
            if kind == b"R" and struct.unpack_from("!I", whole, 5)[0] in _ASKS_FOR_PROOF:
                back.write((await _message(reader))[1])


async def _first(reader: asyncio.StreamReader) -> bytes:
    """Return the first packet of a connection, the only one without a type."""
    length = await reader.readexactly(4)
    return length + await reader.readexactly(struct.unpack("!I", length)[0] - 4)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the type of the next message, and all of its bytes."""
    head = await reader.readexactly(_HEAD.size)
    kind, length = _HEAD.unpack(head)
    return kind, head + await reader.readexactly(length - 4)


async def _batch(reader: asyncio.StreamReader, link: Link) -> tuple[bytes, bytes]:
    """Return what the driver sends before it waits, and the type it ends with; note its words."""
    whole, link.words = b"", ""
    while True:
        kind, message = await _message(reader)
        whole += message
        parts = message[_HEAD.size :].split(b"\0")
        if kind == b"Q":
            link.words = parts[0].decode()
        elif kind == b"P":
            link.prepared[parts[0]] = parts[1].decode()
            link.words = f"{PREPARE} {parts[1].decode()}"
        elif kind == b"B":
            link.words = link.prepared[parts[1]]
        if kind in _ENDS_A_BATCH:
            return whole, kind


async def _answer(there: asyncio.StreamReader, end: bytes) -> bytes:
    """Return all that the server says to a batch that ended so."""
    ends = _ENDS_A_DESCRIPTION if end == b"H" else {b"Z"}
    whole = b""
    while True:
        kind, message = await _message(there)
        whole += message
        if kind in ends:
            return whole


def _said(hello: bytes) -> dict[str, str]:
    words = hello[8:].decode().split("\0")
    return dict(zip(words[0::2], words[1::2], strict=False))


def _told(hello: bytes, settings: Mapping[str, str]) -> bytes:
    """Return the first packet with other settings of the session."""
    said = _said(hello) | dict(settings)
    said.pop("", None)
    words = "".join(f"{name}\0{value}\0" for name, value in said.items()) + "\0"
    return struct.pack("!II", len(words.encode()) + 8, _PROTOCOL_3) + words.encode()
