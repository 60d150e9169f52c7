"""Puts a paper and the evidence of its year into one archive, in constant memory."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from datetime import time as time_of_day
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.core.evidence.archives.contents import ArchiveWriter
from services.core.evidence.models import Evidence
from services.core.evidence.service import key_of
from services.core.kit.database import Database
from services.core.kit.file_store import FileMissing, FileStore
from services.core.papers.making import PaperContent, PaperFileMade
from services.core.papers.queries import evidence_of
from services.core.plan.periods import Period
from services.core.plan.state import PlanState

_AT_ONCE = 200
_MOST_TOLD = 100
_TOLD_EVERY_SECONDS = 2.0


class PackStopped(Exception):
    """The work was cancelled, or another worker has taken it over."""


@dataclass(frozen=True, slots=True)
class PackWork:
    """The content of an archive: a paper with its documents, and the plan's evidence of a year.

    The evidence is as of the instant of the request.
    """

    asked_at: datetime
    plan: PlanState
    period: Period
    made: PaperContent
    documents: Sequence[PaperFileMade]


class Packing:
    """One archive in the making; `tell` says its progress, and returns whether to go on."""

    def __init__(
        self,
        database: Database,
        store: FileStore,
        work: PackWork,
        tell: Callable[[], Awaitable[bool]],
    ) -> None:
        self._database, self._store = database, store
        self._work, self._tell = work, tell
        self._writer = ArchiveWriter(work.plan)
        self._digest = hashlib.sha256()
        self._size = 0
        self._told_at = time.monotonic()
        self.lost: list[dict[str, Any]] = []

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the chunks of the archive.

        Raises:
            PackStopped: it was cancelled, or another worker has taken it over.
        """
        work = self._work
        # Dated by the figures, not the clock, so that the archive is reproducible.
        zone = ZoneInfo(work.plan.document.time_zone)
        moment = datetime.combine(work.made.as_of, time_of_day(), zone)
        for document in work.documents:
            path = f"{work.made.title}.{document.format}"
            self._writer.hold(path, document.content or b"", moment)
            yield self._counted()
        after = None
        while rows := await self._rows(after):
            for row in rows:
                async for part in self._with_file(row):
                    yield part
            after = rows[-1].id
        await asyncio.to_thread(self._writer.end, moment)
        yield self._counted()

    async def _rows(self, after: UUID | None) -> Sequence[Evidence]:
        await self._go_on(at_once=True)
        work = self._work
        async with self._database.sessions() as session:
            return await evidence_of(
                session,
                work.plan,
                work.period,
                by=work.asked_at,
                after=after,
                limit=_AT_ONCE,
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
            async for part in content:
                yield self._counted()
                await asyncio.to_thread(entry.write, part)
                await self._go_on()
        yield self._counted()
        await self._go_on()

    async def _go_on(self, *, at_once: bool = False) -> None:
        """Tell the progress now and then, within a file too, and hear whether it was cancelled.

        The lease itself is renewed beside the work (`leased.py`).

        Raises:
            PackStopped: it was cancelled, or is not this worker's any more.
        """
        if not at_once and time.monotonic() < self._told_at + _TOLD_EVERY_SECONDS:
            return
        self._told_at = time.monotonic()
        if not await self._tell():
            raise PackStopped

    def _counted(self) -> bytes:
        part = self._writer.ready()
        self._digest.update(part)
        self._size += len(part)
        return part

    def result(self, token: UUID) -> PaperFileMade:
        """Return the record of the archive that was stored under a token."""
        return PaperFileMade("zip", None, self._size, self._digest.hexdigest(), token)


_LOST = {
    "code": "file-missing",
    "detail": {
        "zh": "文件已登记但存储中没有，清单中已注明",
        "en": "The file is on record and not in the store; the list says so",
    },
}
