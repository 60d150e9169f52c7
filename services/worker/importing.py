"""Imports sheets: checks them block by block, and writes all rows at once when confirmed.

All state is in Postgres, under a lease: if a worker is killed at any line, another takes the file
up, and no row of an unfinished write remains.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.identity.queries import actor_of_key
from services.core.imports import queries, service
from services.core.imports.checking import SheetDesk, SheetFault
from services.core.imports.intake import FirstLook, ImportOptions, look_at, options_of
from services.core.imports.marking import MOST_LISTED, marked_copy
from services.core.imports.models import SheetImport
from services.core.imports.writing import FormRows, foresee, rows_of, write
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.errors import DomainError, Fault
from services.core.kit.leases import Taken
from services.core.kit.sealing import Seal
from services.core.kit.text import Text
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.worker.leased import kept_leased
from services.worker.loops import keep_working
from services.worker.turns import make_in_turns

_LOOK_EVERY_SECONDS = 1.0
_PAUSE_SECONDS = 0.5
_CHECKED_AT_ONCE = 5000
_WRITTEN_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class _Work:
    """An import in progress: its file, its plan, and its sender."""

    taken: Taken
    options: ImportOptions
    content: bytes
    plan: PlanState
    actor: Actor
    sent_at: datetime


class _Moved(Exception):
    """Rows that were judged valid no longer are: nothing of the file is written."""

    def __init__(self, faults: Sequence[SheetFault]) -> None:
        super().__init__()
        self.faults = faults


class _Stopped(Exception):
    """The work was cancelled, or another worker has taken it over."""


class Importing:
    """Processes imports, one at a time; it calls `tell` after it has written rows."""

    def __init__(
        self, database: Database, clock: Clock, *, seal: Seal | None, tell: Any = lambda: None
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._tell = tell
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for files now."""
        self._woken.set()

    async def run(self) -> None:
        """Work forever, waiting while the database is away."""
        await keep_working(
            self.work_off,
            "importing sheets",
            every=_LOOK_EVERY_SECONDS,
            pause=_PAUSE_SECONDS,
            woken=self._woken,
        )

    async def work_off(self) -> None:
        """Do all the work there is, one file of each city in turn."""
        await make_in_turns(self._database, service.leases, self._work_on)

    async def _work_on(self, taken: Taken) -> None:
        try:
            async with self._database.transaction() as session:
                sheet = await service.begin_work(session, taken, now=self._clock.now())
                state = None if sheet is None else sheet.state
                work = None if sheet is None else await self._opened(session, taken, sheet)
            if work is None:
                return
            if state == "checking":
                async with self._leased(taken):
                    await self._check(work)
            else:
                await self._write(work)
        except _Stopped:
            return
        except _Moved as moved:
            await self._fail(taken, list(service.told(moved.faults)))
        except DomainError as error:
            await self._fail(taken, _told(error))
        except asyncio.CancelledError:
            async with self._database.transaction() as session:
                await service.leases.give_back(session, taken)
            raise

    def _leased(self, taken: Taken) -> AbstractAsyncContextManager[None]:
        return kept_leased(self._database, service.leases.renew, taken)

    async def _fail(self, taken: Taken, errors: Sequence[Mapping[str, Any]]) -> None:
        async with self._database.transaction() as session:
            await service.fail(session, taken, errors, now=self._clock.now())

    async def _opened(
        self, session: AsyncSession, taken: Taken, sheet: SheetImport
    ) -> _Work | None:
        """Return the context of an import; None: a part of it is gone, and the import failed."""
        now = self._clock.now()
        plan = await plan_state(session, sheet.city_code, sheet.plan_code)
        actor = await actor_of_key(
            session,
            sheet.city_code,
            sheet.credential_id,
            channel="import",
            now=self._clock.true_now(),
        )
        content = await queries.file_of(session, sheet.city_code, sheet.id, "sent")
        if plan is None or actor is None or content is None:
            await service.fail(session, taken, [_GONE], now=now)
            return None
        actor = actor.in_request(str(sheet.actor.get("request_id", "")))
        return _Work(taken, options_of(sheet.options), content, plan, actor, sheet.created_at)

    async def _look(self, work: _Work) -> FirstLook:
        return await asyncio.to_thread(
            look_at, work.content, work.options, plan=work.plan, actor=work.actor, seal=self._seal
        )

    def _rows(self, work: _Work, look: FirstLook, *, at_once: int) -> FormRows:
        desk = SheetDesk(work.plan, work.actor, self._clock.now(), work.sent_at)
        return rows_of(look, desk, at_once=at_once)

    async def _check(self, work: _Work) -> None:
        look = await self._look(work)
        rows = self._rows(work, look, at_once=_CHECKED_AT_ONCE)
        found = _Found()
        blocks: Iterator[Any] = rows.blocks()
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            async with self._database.sessions() as session:
                outcome = await foresee(session, rows, block)
            found.outcomes += outcome.outcomes
            await self._note(work, rows, found, outcome.faults)
        last = rows.last_faults()
        if not rows.tally.rows:
            last.append(_NO_ROWS)
        await self._note(work, rows, found, last)
        marked = None
        if found.number:
            marked = await asyncio.to_thread(marked_copy, look, found.kept)
        report = _report(work, look, rows, found)
        async with self._database.transaction() as session:
            await service.finish_check(session, work.taken, report, marked, now=self._clock.now())

    async def _note(
        self, work: _Work, rows: FormRows, found: "_Found", faults: Sequence[SheetFault]
    ) -> None:
        progress = found.progress(rows, len(faults))
        async with self._database.transaction() as session:
            goes_on = await service.go_on(
                session,
                work.taken,
                faults,
                sequence=found.number,
                progress=progress,
                now=self._clock.now(),
            )
        if not goes_on:
            await self._settle(work.taken)
            raise _Stopped
        found.number += len(faults)
        found.kept += faults[: MOST_LISTED - len(found.kept)]

    async def _settle(self, taken: Taken) -> None:
        """Finish an import whose operation was cancelled now, not when the lease expires."""
        async with self._database.transaction() as session:
            await service.begin_work(session, taken, now=self._clock.now())

    async def _write(self, work: _Work) -> None:
        async with self._leased(work.taken):
            look = await self._look(work)
        try:
            async with self._database.transaction() as session:
                await self._write_all(session, work, look)
        except _Stopped:
            await self._settle(work.taken)
            raise
        self._tell()

    async def _write_all(self, session: AsyncSession, work: _Work, look: FirstLook) -> None:
        """Write all rows of a file in one transaction.

        Raises:
            _Moved: a row is no longer valid.
            _Stopped: another worker has taken it over.
        """
        # This row lock is held to the end: nobody takes the file up even if the lease expires.
        taken = work.taken
        sheet = await service.leases.held(session, taken)
        if sheet is None:
            raise _Stopped
        foreseen = service.foreseen_of(sheet)
        rows = self._rows(work, look, at_once=_WRITTEN_AT_ONCE)
        counts: Counter[str] = Counter(created=0, updated=0, unchanged=0)
        blocks: Iterator[Any] = rows.blocks()
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            outcome = await write(session, rows, block, foreseen)
            if outcome.faults:
                raise _Moved(outcome.faults)
            counts.update(outcome.outcomes)
        if last := rows.last_faults():
            raise _Moved(last)
        if not await service.finish_write(session, taken, counts, now=self._clock.now()):
            raise _Stopped


class _Found:
    """The findings in a file so far; `kept` are as many faults as the marked copy shows."""

    number: int
    kept: list[SheetFault]
    outcomes: list[str]

    def __init__(self) -> None:
        self.number, self.kept, self.outcomes = 0, [], []
        self._begun = time.monotonic()

    def progress(self, rows: FormRows, more: int) -> dict[str, object]:
        """Return the progress: bytes of the sheet, rows and their rate, seconds remaining."""
        done, total = rows.gone()
        seconds = max(time.monotonic() - self._begun, 0.001)
        return {
            "rows": rows.tally.rows,
            "faults": self.number + more,
            "done": done,
            "total": total,
            "rows_per_second": round(rows.tally.rows / seconds),
            "remaining_seconds": round(seconds * max(total - done, 0) / max(done, 1)),
        }


def _report(work: _Work, look: FirstLook, rows: FormRows, found: _Found) -> dict[str, Any]:
    tally, known = rows.tally, look.known
    counts = Counter(found.outcomes)
    counted = {name: counts[name] for name in ("created", "updated", "unchanged")}
    # A file with faults is not written at all.
    foreseen = {} if found.number else service.foreseen(found.outcomes)
    return {
        "sheet": None if look.sheet is None else look.sheet.name,
        "period": known.period or None,
        "organization_code": known.organization_code,
        "is_form": look.stamp is not None,
        "rows": tally.rows,
        "blank": tally.blank,
        "ignored": tally.ignored,
        "faults": found.number,
        **counted,
        "columns": dict(look.columns.headings),
        "ignored_columns": list(look.columns.ignored),
        "first_row": tally.first,
        "template": look.template(work.plan),
        **foreseen,
    }


_NO_ROWS = SheetFault(
    0,
    None,
    None,
    "no-values",
    None,
    Text("没有一行填写了内容", "No row holds anything that was filled in"),
)
_GONE = {
    "code": "sender-gone",
    "detail": {
        "zh": "上传所用的密钥已失效，或文件已清理：请重新上传",
        "en": "The key that sent it is good no more, or the file was dropped: send it again",
    },
}


def _told(error: DomainError) -> list[dict[str, Any]]:
    """Return why a file cannot be read or written, as the operation's errors."""
    words = error.detail or error.title
    faults = error.faults or [Fault("", error.code, words)]
    return [
        {
            "code": one.code,
            "value": None if one.value is None else str(one.value),
            "detail": {"zh": one.detail.zh, "en": one.detail.en},
        }
        for one in faults
    ]
