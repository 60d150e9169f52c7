"""Listens for Postgres notices that a city's log moved on, to invalidate cached bodies."""

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress

import asyncpg

from services.core.events.reading import LOG_CHANNEL
from services.core.kit.outage import cause_in_words
from services.core.kit.server_address import open_connection

logger = logging.getLogger("wufei.api")

_PAUSE_SECONDS = 0.5


class LogListener:
    """A generation counter a city that goes up whenever its log moved on.

    While the connection is down `generation` returns None, and nothing may be cached.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._counts: dict[str, int] = defaultdict(int)
        self._moved: dict[str, asyncio.Event] = {}
        self._listening = False
        self._told_lost = False

    def generation(self, city_code: str) -> int | None:
        """Return the city's count, or None while it is unknown."""
        return self._counts[city_code] if self._listening else None

    async def wait(self, city_code: str, seconds: float) -> None:
        """Return when the city's log moves on, or after `seconds`."""
        moved = self._moved.setdefault(city_code, asyncio.Event())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await moved.wait()

    async def run(self) -> None:
        """Listen for ever, and reconnect after every break."""
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                self._lost(error)
            finally:
                self._listening = False
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self) -> None:
        closed = asyncio.Event()
        connection = await open_connection(self._dsn, timeout=5)
        try:
            connection.add_termination_listener(lambda _: closed.set())
            await connection.add_listener(LOG_CHANNEL, self._hear)
            # Notices of the outage are lost, so every cached body may be stale.
            for city_code in list(self._counts):
                self._counts[city_code] += 1
            self._listening = True
            self._recovered()
            await closed.wait()
            self._lost(ConnectionResetError("the database ended the connection"))
        finally:
            self._listening = False
            connection.terminate()

    def _lost(self, error: Exception) -> None:
        """Log a lost connection once an outage, however often it is retried."""
        if not self._told_lost:
            logger.warning(
                "log listener failed",
                extra={
                    "cause": cause_in_words(error),
                    "next": "answers are read from the database each time; retrying",
                },
            )
        self._told_lost = True

    def _recovered(self) -> None:
        if self._told_lost:
            logger.info("log listener recovered")
        self._told_lost = False

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        city_code = payload.split(":", 1)[0]
        self._counts[city_code] += 1
        moved = self._moved.pop(city_code, None)
        if moved is not None:
            moved.set()
