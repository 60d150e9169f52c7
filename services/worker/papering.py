"""Makes papers: composed at one place in the log, written as files, kept in one transaction."""

import asyncio
from collections.abc import Sequence

from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.papers import service as papers
from services.core.papers.composing import PaperSubject, compose
from services.core.papers.making import FORMATS, PaperContent, PaperFileMade
from services.core.papers.service import TakenPaper
from services.core.plan.queries import plan_state
from services.worker.interruption import Interruption

_LOOK_EVERY_SECONDS = 2.0
_PAUSE_SECONDS = 5.0


class Papering:
    """Makes papers, one at a time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._interruption = Interruption("making papers")

    async def run(self) -> None:
        """Work for ever; an absent database is waited for."""
        while True:
            try:
                await self.work_off()
                self._interruption.over()
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
            except Exception as error:  # noqa: BLE001 (no fault may end the loop)
                self._interruption.met(error)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def work_off(self) -> None:
        """Make all that are wanted, one of each city in turn."""
        while any([await self._make_one(city_code) for city_code in await self._cities()]):
            pass

    async def _cities(self) -> Sequence[str]:
        async with self._database.sessions() as session:
            return await city_codes(session)

    async def _make_one(self, city_code: str) -> bool:
        """Make the paper of a city that waits longest; return whether one waited."""
        with in_city(city_code):
            async with self._database.transaction() as session:
                taken = await papers.take_paper(session, city_code)
            if taken is not None:
                await self._make(taken)
        return taken is not None

    async def _make(self, taken: TakenPaper) -> None:
        try:
            made = await self._composed(taken)
            if made is None:
                return
            files = await self._written(taken, made)
            if files is None:
                return
            async with self._database.transaction() as session:
                await papers.finish_paper(session, taken, made, files, now=self._clock.now())
        except asyncio.CancelledError:
            async with self._database.transaction() as session:
                await papers.give_paper_back(session, taken)
            raise

    async def _composed(self, taken: TakenPaper) -> PaperContent | None:
        """Return what a paper says; None: it is not to be made, and its operation says why."""
        async with self._database.transaction() as session:
            paper = await papers.begin_paper_making(session, taken, now=self._clock.now())
            if paper is None:
                return None
            plan = await plan_state(session, paper.city_code, paper.plan_code)
            made = None if plan is None else await compose(session, plan, PaperSubject.of(paper))
            if made is None:
                await papers.fail_paper(session, taken, _GONE, now=self._clock.now())
            return made

    async def _written(self, taken: TakenPaper, made: PaperContent) -> list[PaperFileMade] | None:
        """Return a paper in each format; None: it was cancelled, or is another worker's now."""
        files = []
        for done, form in enumerate(FORMATS):
            if not await self._tell(taken, done):
                return None
            files.append(await asyncio.to_thread(_rendered, made, form))
        return files

    async def _tell(self, taken: TakenPaper, done: int) -> bool:
        progress = {"done": done, "total": len(FORMATS)}
        async with self._database.transaction() as session:
            return await papers.go_on_with_paper(session, taken, progress, now=self._clock.now())


def _rendered(made: PaperContent, form: str) -> PaperFileMade:
    # Not with the worker: the libraries that write documents take memory that most never need.
    from services.core.papers.rendering import rendered  # noqa: PLC0415

    return rendered(made, form)


_GONE = {
    "code": "paper-subject-gone",
    "detail": {
        "zh": "文件所涉事项已不存在",
        "en": "What the paper is about is there no more",
    },
}
