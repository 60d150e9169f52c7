"""Sweeps the file store every few hours and deletes files that no row refers to."""

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.evidence import queries
from services.core.evidence.archives.service import archives_of
from services.core.evidence.keeping import SWEPT_EVERY, Swept, sweep_folder
from services.core.evidence.ownership import own, owner_of
from services.core.evidence.service import folder_of
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.file_store import FileStore
from services.core.papers.queries import packs_kept_among
from services.core.papers.service import papers_folder
from services.worker.loops import keep_working, one_by_one

logger = logging.getLogger("wufei.worker")

_AFTER_A_FAULT_SECONDS = 60.0

_Among = Callable[[AsyncSession, str, Sequence[UUID]], Coroutine[Any, Any, frozenset[UUID]]]


class Filing:
    """Keeps the store in step with the ledger; two processes at once do no harm."""

    def __init__(self, database: Database, store: FileStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Work forever: at once, and then every few hours."""
        await keep_working(
            self.sweep,
            "looking through the files",
            every=SWEPT_EVERY.total_seconds(),
            pause=_AFTER_A_FAULT_SECONDS,
        )

    async def sweep(self) -> Swept:
        """Delete the orphaned files of every city; return how many.

        Nothing is removed from a store that belongs to another database.
        """
        async with self._database.sessions() as session:
            cities = await city_codes(session)
            ours = await queries.this_database(session)
        done = Swept()
        if not await self._is_ours(ours):
            return done
        for one in await one_by_one(cities, self._sweep_city):
            done.seen += one.seen
            done.removed += one.removed
        if done.removed:
            logger.info("files removed", extra={"seen": done.seen, "removed": done.removed})
        return done

    async def _is_ours(self, database: str) -> bool:
        """Return whether the store is this database's; it claims a store without an owner."""
        owner = await owner_of(self._store)
        if owner is None:
            await own(self._store, database)
        elif owner != database:
            logger.warning(
                "files of another database",
                extra={
                    "cause": f"the store is that of {owner}, and this database is {database}",
                    "next": "nothing is removed from it; see `wufei doctor`",
                },
            )
        return owner in {None, database}

    async def _sweep_city(self, city_code: str) -> Swept:
        done = Swept()
        for folder, among in (
            (folder_of(city_code), queries.kept_among),
            (archives_of(city_code), queries.archives_kept_among),
            (papers_folder(city_code), packs_kept_among),
        ):
            with in_city(city_code):
                found = await self._sweep_folder(city_code, folder, among)
            done.seen += found.seen
            done.removed += found.removed
        return done

    async def _sweep_folder(self, city_code: str, folder: str, among: _Among) -> Swept:
        async def kept_among(ids: Sequence[UUID]) -> frozenset[UUID]:
            async with self._database.sessions() as session:
                return await among(session, city_code, ids)

        now = self._clock.true_now()
        return await sweep_folder(self._store, folder, kept_among, now=now)
