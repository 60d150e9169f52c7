"""Polls one server for its position in the write-ahead log (WAL), over its own connection."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

from services.core.kit.outage import told_of
from services.core.kit.server_address import open_connection

_EVERY_SECONDS = 0.25
_ANSWERS_WITHIN_SECONDS = 1.0
_PAUSE_SECONDS = 0.25

# The primary's insert position, or the position that a replica has replayed to: both in bytes.
_HOW_FAR = """
SELECT pg_is_in_recovery() AS replays, (
    CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
    ELSE pg_current_wal_insert_lsn() END - '0/0')::bigint AS wal
"""
# A physical replica shares its primary's cluster identifier and the oids of its databases.
_OF = """
SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())
FROM pg_control_system()
"""
_PAGE = 8192
_PAGE_HEADERS = (24, 40)


@dataclass(frozen=True, slots=True)
class WalPosition:
    """A server's position in its WAL, in bytes, and when it was asked.

    `asked_at` is the loop's time before the query: the position holds at that time or later.
    `of` identifies the cluster and the database.
    """

    wal: int
    replays: bool
    of: tuple[int, int]
    asked_at: float


async def cluster_of(connection: asyncpg.Connection) -> tuple[int, int]:
    """Return the identity of a server's cluster and database, which its replicas share."""
    cluster, database = await connection.fetchrow(_OF, timeout=_ANSWERS_WITHIN_SECONDS)
    return cluster, database


async def how_far(connection: asyncpg.Connection, of: tuple[int, int]) -> WalPosition:
    """Return the position of a server whose cluster and database are known."""
    asked_at = asyncio.get_running_loop().time()
    row = await connection.fetchrow(_HOW_FAR, timeout=_ANSWERS_WITHIN_SECONDS)
    return WalPosition(_at_a_record(row["wal"]), row["replays"], of, asked_at)


class WalWatch:
    """The position of a server, polled four times a second and on demand.

    Concurrent callers share one query.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._of: tuple[int, int] = (0, 0)
        self._wanted = asyncio.Event()
        self._next: asyncio.Future[WalPosition | None] | None = None
        self.known: WalPosition | None = None
        self.trouble: str | None = None

    @property
    def untried(self) -> bool:
        """Return whether it has never been asked yet."""
        return self.known is None and self.trouble is None

    def doubt(self, why: str) -> None:
        """Treat the position as unknown until the server answers again."""
        self.known, self.trouble = None, why
        self._wanted.set()

    async def ask(self) -> WalPosition | None:
        """Return the position, queried after this call; None: the server does not answer."""
        if self._next is None:
            return None
        answer = self._next
        self._wanted.set()
        return await asyncio.shield(answer)

    async def read(self, connection: asyncpg.Connection) -> WalPosition:
        """Return the position of the server of a connection."""
        return await how_far(connection, self._of)

    async def run(self) -> None:
        """Poll forever, and again after every disconnect."""
        while True:
            try:
                await self._go_on_asking()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self._lose(told_of(error))
            except asyncpg.InternalClientError as error:  # none of the named servers is the primary
                self._lose(told_of(error))
            finally:
                self._lose(self.trouble or "it is not asked")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _go_on_asking(self) -> None:
        connection = await open_connection(self._dsn, timeout=5)
        try:
            self._of = await cluster_of(connection)
            self._next = asyncio.get_running_loop().create_future()
            while True:
                self._wanted.clear()
                asked, self._next = self._next, asyncio.get_running_loop().create_future()
                try:
                    place = await self.read(connection)
                except BaseException:
                    asked.set_result(None)
                    raise
                self.known, self.trouble = place, None
                asked.set_result(place)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY_SECONDS):
                        await self._wanted.wait()
        finally:
            connection.terminate()

    def _lose(self, why: str) -> None:
        self.known, self.trouble = None, why
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


def _at_a_record(wal: int) -> int:
    """Return the end of the last record: a record at a page's start begins after the page header.

    A replica has replayed up to the end of a record, and no record ends inside these headers.
    """
    within = wal % _PAGE
    return wal - within if within in _PAGE_HEADERS else wal
