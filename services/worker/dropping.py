"""Exports events as files: makes those that are due, and writes each folder in numbered order."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from services.core.drops import queries
from services.core.drops.drop_lines import PURPOSE, name_of
from services.core.drops.models import FileDrop
from services.core.drops.service import empty_old, make_file, note_written
from services.core.identity.queries import cities_having
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock, is_recent
from services.core.kit.database import Database
from services.core.kit.file_store import FileSink
from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signer
from services.worker.loops import keep_working, one_by_one

logger = logging.getLogger("wufei.worker")

_LOOK_EVERY_SECONDS = 5.0
_PAUSE_SECONDS = 5.0
_EMPTIED_EVERY = timedelta(hours=1)


class Dropping:
    """Writes event files to the sink; two processes at once write the same bytes."""

    def __init__(
        self, database: Database, sink: FileSink, clock: Clock, *, seal: Seal | None
    ) -> None:
        self._database = database
        self._sink = sink
        self._clock = clock
        self._signer = None if seal is None else Signer(seal, PURPOSE)
        self._emptied: dict[str, datetime] = {}

    async def run(self) -> None:
        """Work forever, waiting while the database or the sink is away."""
        await keep_working(
            self.work_off, "dropping files", every=_LOOK_EVERY_SECONDS, pause=_PAUSE_SECONDS
        )

    async def work_off(self) -> int:
        """Make and write all due files of every city; return how many were written.

        Raises:
            Exception: the first fault; all other drops had their turn nevertheless.
        """
        async with self._database.sessions() as session:
            cities = await cities_having(session, queries.CITIES_WITH_DROPS)
        return sum(await one_by_one(cities, self._work_off_city))

    async def _work_off_city(self, city_code: str) -> int:
        with in_city(city_code):
            async with self._database.sessions() as session:
                drops = await queries.drops(session, city_code)
            await self._empty_old(city_code)
            return sum(await one_by_one(drops, self._work_off_drop))

    async def _work_off_drop(self, drop: FileDrop) -> int:
        # Write before making more, so that the database does not fill up while the sink is away.
        written = await self._write_waiting(drop.city_code, drop.id, drop.folder)
        while await self._make(drop.city_code, drop.id):
            written += await self._write_waiting(drop.city_code, drop.id, drop.folder)
        return written + await self._write_waiting(drop.city_code, drop.id, drop.folder)

    async def _empty_old(self, city_code: str) -> None:
        """Delete the bytes of old files, once an hour, also of closed drops."""
        now = self._clock.true_now()
        if is_recent(self._emptied.get(city_code), now, _EMPTIED_EVERY):
            return
        async with self._database.transaction() as session:
            await empty_old(session, city_code, now=now)
        self._emptied[city_code] = now

    async def _make(self, city_code: str, drop_id: UUID) -> bool:
        async with self._database.transaction() as session:
            now = self._clock.true_now()
            return await make_file(session, city_code, drop_id, signer=self._signer, now=now)

    async def _write_waiting(self, city_code: str, drop_id: UUID, folder: str) -> int:
        """Write the waiting files of a folder, in the order of their numbers."""
        written = 0
        while True:
            async with self._database.sessions() as session:
                found = await queries.next_waiting(session, city_code, drop_id)
            if found is None:
                return written
            key = f"{city_code}/{folder}/{name_of(found.number)}"
            await self._sink.put(key, _parts(found.content))
            async with self._database.transaction() as session:
                now = self._clock.true_now()
                await note_written(session, city_code, drop_id, found.number, now=now)
            logger.info("file dropped", extra={"folder": folder, "number": found.number})
            written += 1


async def _parts(content: bytes) -> AsyncIterator[bytes]:
    yield content
