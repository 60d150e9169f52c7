"""Makes archives of evidence: streams files from the store into the store, in constant memory."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

from services.core.evidence import queries
from services.core.evidence.archives import service as archives
from services.core.evidence.archives.contents import ArchiveWriter
from services.core.evidence.models import Evidence, EvidenceArchive
from services.core.evidence.service import key_of
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.file_store import FileMissing, FileStore
from services.core.kit.leases import Taken
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.worker.leased import kept_leased
from services.worker.loops import keep_working
from services.worker.turns import make_in_turns

_LOOK_EVERY_SECONDS = 5.0
_PAUSE_SECONDS = 5.0
_TOLD_EVERY_SECONDS = 2.0
_LONGEST_SECONDS = 2 * 3600
_AT_ONCE = 200
_MOST_TOLD = 100


class _Stopped(Exception):
    """The work was cancelled, or another worker has taken it over."""


class Archiving:
    """Makes archives, one at a time."""

    def __init__(self, database: Database, store: FileStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Work forever, waiting while the database or the store is away."""
        await keep_working(
            self.work_off, "making archives", every=_LOOK_EVERY_SECONDS, pause=_PAUSE_SECONDS
        )

    async def work_off(self) -> None:
        """Make all requested archives, one of each city in turn."""
        await make_in_turns(self._database, archives.making, self._make)

    async def _make(self, taken: Taken) -> None:
        try:
            async with self._database.transaction() as session:
                archive = await archives.making.begin(session, taken, now=self._clock.now())
                if archive is None:
                    return
                plan = await plan_state(session, archive.city_code, archive.plan_code)
                if plan is None:
                    await archives.making.fail(session, taken, _GONE, now=self._clock.now())
                    return
                total = await queries.bytes_wanted(session, archive, plan)
            making = _Making(self._database, self._store, self._clock, taken, archive, plan, total)
            async with (
                asyncio.timeout(_LONGEST_SECONDS),
                kept_leased(self._database, archives.making.renew, taken),
            ):
                await self._store.put(
                    archives.archive_key(taken.city_code, taken.token), making.parts()
                )
            await self._finish(taken, making)
        except _Stopped:
            return
        except asyncio.CancelledError:
            async with self._database.transaction() as session:
                await archives.making.give_back(session, taken)
            raise

    async def _finish(self, taken: Taken, making: "_Making") -> None:
        async with self._database.transaction() as session:
            kept = await archives.finish_archive(
                session, taken, making.result(), making.lost, now=self._clock.now()
            )
        if not kept:
            await self._store.delete(archives.archive_key(taken.city_code, taken.token))


class _Making:
    """One archive in the making: its progress, and the files that the store lacks."""

    def __init__(
        self,
        database: Database,
        store: FileStore,
        clock: Clock,
        taken: Taken,
        archive: EvidenceArchive,
        plan: PlanState,
        total: int,
    ) -> None:
        self._database, self._store, self._clock = database, store, clock
        self._taken, self._archive, self._total = taken, archive, total
        self._plan = plan
        self._writer = ArchiveWriter(plan)
        self._digest = hashlib.sha256()
        self._size = self._done = 0
        self._begun = self._told_at = time.monotonic()
        self.lost: list[dict[str, Any]] = []

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the chunks of the archive.

        Raises:
            _Stopped: it was cancelled, or another worker has taken it over.
        """
        after = None
        while rows := await self._rows(after):
            for row in rows:
                async for part in self._with_file(row):
                    yield part
            after = rows[-1].id
        await asyncio.to_thread(self._writer.end, self._archive.created_at)
        yield self._counted(self._writer.ready())
        await self._tell(at_once=True)

    async def _rows(self, after: Any) -> Any:
        async with self._database.sessions() as session:
            return await queries.some_wanted(
                session, self._archive, self._plan, after=after, limit=_AT_ONCE
            )

    async def _with_file(self, row: Evidence) -> AsyncIterator[bytes]:
        content = self._store.open(key_of(row.city_code, row.id))
        try:
            first = await anext(content, b"")
        except FileMissing:
            self._writer.lacks(row)
            if len(self.lost) < _MOST_TOLD:
                self.lost.append({**_LOST, "value": str(row.id)})
            return
        with self._writer.begin(row) as entry:
            await asyncio.to_thread(entry.write, first)
            self._done += len(first)
            async for part in content:
                yield self._counted(self._writer.ready())
                await asyncio.to_thread(entry.write, part)
                self._done += len(part)
                await self._tell()
        yield self._counted(self._writer.ready())
        await self._tell()

    def _counted(self, part: bytes) -> bytes:
        self._digest.update(part)
        self._size += len(part)
        return part

    async def _tell(self, *, at_once: bool = False) -> None:
        """Save the progress now and then; stop if the archive is no longer wanted."""
        if not at_once and time.monotonic() < self._told_at + _TOLD_EVERY_SECONDS:
            return
        self._told_at = time.monotonic()
        async with self._database.transaction() as session:
            goes_on = await archives.making.go_on(
                session, self._taken, self._progress(), now=self._clock.now()
            )
        if not goes_on:
            raise _Stopped

    def _progress(self) -> dict[str, object]:
        seconds = max(time.monotonic() - self._begun, 0.001)
        left = max(self._total - self._done, 0)
        return {
            "done": self._done,
            "total": self._total,
            "files": self._writer.number,
            "bytes_per_second": round(self._done / seconds),
            "remaining_seconds": round(seconds * left / max(self._done, 1)),
        }

    def result(self) -> dict[str, Any]:
        """Return the result for the operation."""
        path = f"/v1/evidence-archives/{self._archive.id}/content"
        return {
            "files": self._writer.number,
            "missing": len(self.lost),
            "size": self._size,
            "sha256": self._digest.hexdigest(),
            "path": path,
        }


_LOST = {
    "code": "file-missing",
    "detail": {
        "zh": "文件已登记但存储中没有，清单中已注明",
        "en": "The file is on record and not in the store; the list says so",
    },
}
_GONE = {
    "code": "plan-not-found",
    "detail": {"zh": "计划已不存在", "en": "The plan is there no more"},
}
