"""Makes papers: composes each at one log position, renders its files, and saves all at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.file_store import FileStore, FileStoreNotSet
from services.core.kit.leases import Taken
from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signer
from services.core.papers import service as papers
from services.core.papers.composing import PaperSubject, compose
from services.core.papers.making import DOCUMENTS, PaperContent, PaperFileMade
from services.core.papers.paper_kinds import is_pack
from services.core.papers.service import pack_key
from services.core.papers.traced_files import PURPOSE, PaperMark
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.worker.leased import kept_leased
from services.worker.loops import keep_working
from services.worker.packing import Packing, PackStopped, PackWork
from services.worker.turns import make_in_turns

WRITERS = ("docx", "typst", "pylopdf_fonts_zh_cn")
"""The packages that write papers. They are large, so a worker may lack them and make no papers."""

_LOOK_EVERY_SECONDS = 2.0
_PAUSE_SECONDS = 5.0


class Papering:
    """Makes papers, one at a time; with a `seal` they are signed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        store: FileStore | None,
        *,
        seal: Seal | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._signer = None if seal is None else Signer(seal, PURPOSE)

    async def run(self) -> None:
        """Work forever, waiting while the database is away."""
        await keep_working(
            self.work_off, "making papers", every=_LOOK_EVERY_SECONDS, pause=_PAUSE_SECONDS
        )

    async def work_off(self) -> None:
        """Make all requested papers, one of each city in turn."""
        await make_in_turns(self._database, papers.making, self._make)

    async def _make(self, taken: Taken) -> None:
        try:
            work = await self._composed(taken)
            if work is None:
                return
            packing = None
            async with kept_leased(self._database, papers.making.renew, taken):
                documents = await self._documents(taken, work)
                if is_pack(work.kind):
                    packing = await self._packed(taken, work, documents)
            files = [*documents, *([] if packing is None else [packing.result(taken.token)])]
            async with self._database.transaction() as session:
                kept = await papers.finish_paper(
                    session,
                    taken,
                    work.made,
                    files,
                    lost=() if packing is None else packing.lost,
                    now=self._clock.now(),
                )
            if packing is not None and not kept:
                await self._store_there().delete(pack_key(taken.city_code, taken.token))
        except PackStopped:
            return
        except asyncio.CancelledError:
            async with self._database.transaction() as session:
                await papers.making.give_back(session, taken)
            raise

    async def _composed(self, taken: Taken) -> "_Work | None":
        """Return a paper's content; None: it is not to be made, and its operation says why."""
        async with self._database.transaction() as session:
            paper = await papers.making.begin(session, taken, now=self._clock.now())
            if paper is None:
                return None
            if is_pack(paper.kind) and self._store is None:
                await papers.making.fail(session, taken, _NO_STORE, now=self._clock.now())
                return None
            plan = await plan_state(session, paper.city_code, paper.plan_code)
            made = None if plan is None else await compose(session, plan, PaperSubject.of(paper))
            if plan is None or made is None:
                await papers.making.fail(session, taken, _GONE, now=self._clock.now())
                return None
            return _Work(
                paper.kind, paper.id, paper.created_at, plan, paper.period, paper.about, made
            )

    async def _documents(self, taken: Taken, work: "_Work") -> list[PaperFileMade]:
        """Return a paper rendered in each document format.

        Raises:
            PackStopped: it was cancelled, or another worker has taken it over.
        """
        files: dict[str, PaperFileMade] = {}
        mark = work.mark(self._signer)
        for done, form in enumerate(sorted(DOCUMENTS, key=_carries_others)):
            if not await self._tell(taken, work, done):
                raise PackStopped
            beside = {other: file.sha256 for other, file in files.items() if other == "pdf"}
            files[form] = await asyncio.to_thread(
                _rendered, work.made, form, replace(mark, beside=beside)
            )
        return [files[form] for form in DOCUMENTS]

    async def _packed(
        self, taken: Taken, work: "_Work", documents: Sequence[PaperFileMade]
    ) -> Packing:
        """Store an archive of a paper with the evidence of its year."""
        period = work.plan.period_calendar.period(work.period or "")
        packing = Packing(
            self._database,
            self._store_there(),
            PackWork(work.asked_at, work.plan, period, work.made, documents),
            lambda: self._tell(taken, work, len(documents)),
        )
        key = pack_key(taken.city_code, taken.token)
        await self._store_there().put(key, packing.parts())
        return packing

    def _store_there(self) -> FileStore:
        if self._store is None:
            raise FileStoreNotSet
        return self._store

    async def _tell(self, taken: Taken, work: "_Work", done: int) -> bool:
        total = len(DOCUMENTS) + is_pack(work.kind)
        async with self._database.transaction() as session:
            return await papers.making.go_on(
                session, taken, {"done": done, "total": total}, now=self._clock.now()
            )


@dataclass(frozen=True, slots=True)
class _Work:
    """A paper that was composed."""

    kind: str
    paper_id: UUID
    asked_at: datetime
    plan: PlanState
    period: str | None
    about: str | None
    made: PaperContent

    def mark(self, signer: Signer | None) -> PaperMark:
        """Return the mark that the paper's files carry."""
        return PaperMark(self.plan.code, self.kind, self.period, self.about, signer)


def _carries_others(form: str) -> bool:
    """Return whether a format names the digests of others, and so is made after them."""
    return form != "pdf"


def _rendered(made: PaperContent, form: str, mark: PaperMark) -> PaperFileMade:
    # Imported late: the libraries that write documents take memory that most workers never need.
    from services.core.papers.rendering import rendered  # noqa: PLC0415

    return rendered(made, form, mark)


_GONE = {
    "code": "paper-subject-gone",
    "detail": {
        "zh": "文件所涉事项已不存在",
        "en": "What the paper is about is there no more",
    },
}
_NO_STORE = {
    "code": FileStoreNotSet.code,
    "detail": {"zh": FileStoreNotSet.title.zh, "en": FileStoreNotSet.title.en},
}
