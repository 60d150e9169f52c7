"""Imports from file to rows: begun, checked block by block, confirmed, written as a whole.

A worker does one of these steps per transaction, under a lease. If it is killed at any line,
another worker starts the import again from its beginning, or no rows were written.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.imports import queries, statements
from services.core.imports.checking import SheetFault
from services.core.imports.errors import ImportHasFaults, ImportTransitionRefused, too_many
from services.core.imports.foreseen_rows import packed, unpacked
from services.core.imports.intake import FirstLook, ImportOptions
from services.core.imports.models import SheetImport, SheetImportFile
from services.core.kit import operations
from services.core.kit.clock import Clock
from services.core.kit.database import rows_changed
from services.core.kit.ids import new_id
from services.core.kit.leases import MOST_ATTEMPTS, Leases, Taken, lay_down
from services.core.kit.operations import Operation
from services.core.kit.text import Text

CHECK, WRITE = "import-check", "import-write"
"""The kinds of an import's operations: checking the file, and writing its rows."""

MOST_UNDER_WAY = 20
"""Most imports of a credential that may still be written; and most files with faults kept."""


_ALSO: Mapping[object, tuple[Permission, ...]] = {
    "tasks": (Permission.WRITE_MILESTONES,),
    "assessments": (Permission.REVIEW_SUBMISSIONS,),
}


def permissions_of(form: object) -> tuple[Permission, ...]:
    """Return the permissions to send, read and write a file of this form."""
    return Permission.WRITE_SUBMISSIONS, *_ALSO.get(form, ())


_FILES_KEPT = timedelta(days=7)
_MOST_TOLD = 100

leases = Leases(SheetImport, "checking", "confirming")
"""The leases on imports; a worker has work to do in these two states."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent, and its name if given."""

    content: bytes
    name: str | None


async def begin_import(
    session: AsyncSession,
    sent: SentFile,
    look: FirstLook,
    options: ImportOptions,
    *,
    plan_code: str,
    actor: Actor,
    now: datetime,
) -> tuple[SheetImport, Operation]:
    """Save a readable file, to be checked by a worker.

    Raises:
        TooManyImports: the caller has as many under way as it may have.
    """
    held = await queries.under_way(
        session, actor.city_code, actor.credential_id, most=MOST_UNDER_WAY
    )
    if len(held) >= MOST_UNDER_WAY:
        raise too_many(held)
    import_id = new_id()
    asked = {
        "import_id": str(import_id),
        "plan": plan_code,
        "file_name": sent.name,
        "form": look.form,
    }
    check = await operations.begin(
        session,
        city_code=actor.city_code,
        credential_id=actor.credential_id,
        kind=CHECK,
        request=asked,
        progress={"rows": 0, "faults": 0, "done": 0, "total": len(sent.content)},
        now=now,
    )
    made = SheetImport(
        city_code=actor.city_code,
        id=import_id,
        plan_code=plan_code,
        credential_id=actor.credential_id,
        actor=actor.stamp(),
        form=look.form,
        format=look.file.format,
        file_name=sent.name,
        size=len(sent.content),
        sha256=hashlib.sha256(sent.content).hexdigest(),
        options=options.kept(),
        state="checking",
        report={},
        check_id=check.id,
        write_id=None,
        lease_token=None,
        lease_until=None,
        attempts=0,
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    session.add(
        SheetImportFile(
            city_code=actor.city_code, import_id=import_id, part="sent", content=sent.content
        )
    )
    await session.flush()
    return made, check


async def confirm(session: AsyncSession, sheet: SheetImport, *, now: datetime) -> Operation:
    """Request that the rows of a file without faults be written, all or none.

    Raises:
        ImportTransitionRefused: it is not checked yet, or was confirmed or discarded.
        ImportHasFaults: it has faults.
    """
    if sheet.state != "checked":
        raise _refused(sheet)
    if sheet.report.get("faults"):
        raise ImportHasFaults(extra={"faults": sheet.report["faults"]})
    rows = sheet.report.get("rows", 0)
    write = await operations.begin(
        session,
        city_code=sheet.city_code,
        credential_id=sheet.credential_id,
        kind=WRITE,
        request={
            "import_id": str(sheet.id),
            "plan": sheet.plan_code,
            "file_name": sheet.file_name,
            "form": sheet.form,
        },
        progress={"rows": rows, "written": 0},
        now=now,
    )
    lay_down(sheet, "confirming", now)
    sheet.write_id = write.id
    await session.flush()
    return write


async def discard(session: AsyncSession, sheet: SheetImport, *, now: datetime) -> None:
    """Discard an import; none of its rows are written, and its files are deleted like the others.

    Raises:
        ImportTransitionRefused: it is written or being written, or was discarded before.
    """
    if sheet.state not in {"checking", "checked", "refused"}:
        raise _refused(sheet)
    if sheet.state == "checking":
        check = await operations.operation_of(
            session, sheet.city_code, sheet.check_id, for_update=True
        )
        if check.state in operations.OPEN:
            await operations.cancel(session, check, now=now)
    lay_down(sheet, "discarded", now)
    await session.flush()


def import_actions(sheet: SheetImport) -> list[str]:
    """Return the actions that are possible on an import now."""
    if sheet.state == "checked":
        return ["discard"] if sheet.report.get("faults") else ["confirm", "discard"]
    return ["discard"] if sheet.state in {"checking", "refused"} else []


def _refused(sheet: SheetImport) -> ImportTransitionRefused:
    actions = import_actions(sheet)
    return ImportTransitionRefused(extra={"state": sheet.state, "allowed_actions": actions})


# A worker's steps, each a transaction.


async def begin_work(session: AsyncSession, taken: Taken, *, now: datetime) -> SheetImport | None:
    """Return the import of a lease that was taken; None: there is nothing left to do.

    A cancelled operation is settled; one that was begun too often has failed.
    """
    sheet = await leases.held(session, taken)
    if sheet is None:
        return None
    operation = await _operation(session, sheet)
    if operation.state not in operations.OPEN:
        operation.result = {"import_id": str(sheet.id), "written": 0}
        lay_down(sheet, "discarded" if sheet.state == "checking" else "checked", now)
    elif sheet.attempts > MOST_ATTEMPTS:
        await fail(session, taken, [_ABANDONED], now=now)
    else:
        operation.state, operation.updated_at = "running", now
        if sheet.state == "checking":
            await session.execute(statements.FORGET_FAULTS, _place(sheet))
        await session.flush()
        return sheet
    await session.flush()
    return None


_ABANDONED = {
    "code": "import-abandoned",
    "detail": {
        "zh": "多次处理都没有完成，请拆成几个文件再上传",
        "en": "It could not be finished in several tries: send it in several files",
    },
}


def _place(sheet: SheetImport) -> dict[str, Any]:
    return {"city": sheet.city_code, "id": sheet.id}


async def _operation(session: AsyncSession, sheet: SheetImport) -> Operation:
    wanted = (
        sheet.check_id if sheet.state == "checking" or sheet.write_id is None else sheet.write_id
    )
    return await operations.operation_of(session, sheet.city_code, wanted, for_update=True)


async def go_on(
    session: AsyncSession,
    taken: Taken,
    faults: Sequence[SheetFault],
    *,
    sequence: int,
    progress: Mapping[str, object],
    now: datetime,
) -> bool:
    """Save the findings so far; return whether to go on: not if cancelled, or taken over."""
    if not await leases.renew(session, taken):
        return False
    sheet = await queries.import_of(session, taken.city_code, taken.id)
    operation = await _operation(session, sheet)
    if operation.state not in operations.OPEN:
        return False
    await _note_faults(session, taken, faults, sequence)
    operation.progress, operation.updated_at = dict(progress), now
    await session.flush()
    return True


async def _note_faults(
    session: AsyncSession, taken: Taken, faults: Sequence[SheetFault], sequence: int
) -> None:
    if not faults:
        return
    await session.execute(
        statements.NOTE_FAULTS,
        {
            "city": taken.city_code,
            "id": taken.id,
            "rows": [one.row for one in faults],
            "sequences": list(range(sequence, sequence + len(faults))),
            "cells": [one.cell for one in faults],
            "headings": [one.heading for one in faults],
            "codes": [one.code for one in faults],
            "values": [one.value for one in faults],
            "details": [to_json(asdict(one.detail)).decode() for one in faults],
        },
    )


async def finish_check(
    session: AsyncSession,
    taken: Taken,
    report: Mapping[str, Any],
    marked: bytes | None,
    *,
    now: datetime,
) -> bool:
    """Save the result of a check; return whether this worker still held the lease."""
    sheet = await leases.held(session, taken)
    if sheet is None or sheet.state != "checking":
        return False
    operation = await _operation(session, sheet)
    if operation.state not in operations.OPEN:
        return False
    sheet.report = dict(report)
    if marked is not None:
        session.add(
            SheetImportFile(
                city_code=sheet.city_code, import_id=sheet.id, part="marked", content=marked
            )
        )
    lay_down(sheet, "checked", now)
    operation.state, operation.updated_at = "succeeded", now
    told = {name: report[name] for name in ("rows", "faults")}
    operation.progress = {**operation.progress, **told}
    operation.result = {"import_id": str(sheet.id), **told}
    await session.flush()
    if report["faults"]:
        of_sender = {"city": sheet.city_code, "credential": sheet.credential_id}
        await session.execute(statements.DROP_FAULTY_FILES, {**of_sender, "most": MOST_UNDER_WAY})
    return True


def foreseen(outcomes: Sequence[str]) -> dict[str, str]:
    """Return the part of a report that stores the foreseen outcome of each row without faults."""
    return {"foreseen": packed(outcomes)}


def foreseen_of(sheet: SheetImport) -> Iterator[str] | None:
    """Return the foreseen outcome of each row; None: an older release checked the file."""
    kept = sheet.report.get("foreseen")
    return None if kept is None else iter(unpacked(kept))


async def finish_write(
    session: AsyncSession, taken: Taken, counts: Mapping[str, int], *, now: datetime
) -> bool:
    """Record, together with the rows, that they are written; return whether they may be.

    On false the caller rolls back: the operation was cancelled, or another worker has the lease.
    """
    sheet = await leases.held(session, taken)
    if sheet is None or sheet.state != "confirming":
        return False
    operation = await _operation(session, sheet)
    if operation.state not in operations.OPEN:
        return False
    report = {name: one for name, one in sheet.report.items() if name != "foreseen"}
    sheet.report = {**report, **counts}
    lay_down(sheet, "confirmed", now)
    operation.state, operation.updated_at = "succeeded", now
    operation.progress = {**operation.progress, "written": sum(counts.values())}
    operation.result = {"import_id": str(sheet.id), **counts}
    await session.flush()
    return True


async def fail(
    session: AsyncSession, taken: Taken, errors: Sequence[Mapping[str, Any]], *, now: datetime
) -> None:
    """Record that a file cannot be read, or that its rows cannot be written as checked."""
    sheet = await leases.held(session, taken)
    if sheet is None:
        return
    operation = await _operation(session, sheet)
    if sheet.state == "checking":
        sheet.report = {"rows": 0, "faults": len(errors)}
        await session.execute(statements.FORGET_FAULTS, _place(sheet))
        await _note_faults(session, taken, [_as_fault(one) for one in errors], 0)
    lay_down(sheet, "refused" if sheet.state == "checking" else "checked", now)
    if operation.state in operations.OPEN:
        operation.state, operation.updated_at = "failed", now
        operation.errors = [dict(one) for one in errors[:_MOST_TOLD]]
        operation.result = {"import_id": str(sheet.id), "written": 0}
    await session.flush()


def _as_fault(error: Mapping[str, Any]) -> SheetFault:
    return SheetFault(
        row=error.get("row", 0),
        cell=error.get("cell"),
        heading=error.get("heading"),
        code=error["code"],
        value=error.get("value"),
        detail=Text(**error["detail"]),
    )


def told(faults: Sequence[SheetFault]) -> Iterator[dict[str, Any]]:
    """Yield faults in the form of an operation's errors."""
    for one in faults:
        yield {**asdict(one), "detail": {"zh": one.detail.zh, "en": one.detail.en}}


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Discard old imports, and delete their data in time; return the number of rows."""
    now = clock.now()
    files = {"city": city_code, "before": now - _FILES_KEPT}
    old = {"city": city_code, "before": now - operations.KEPT}
    return (
        await rows_changed(session, statements.DISCARD_OLD, files)
        + await rows_changed(session, statements.DROP_OLD_FILES, files)
        + await rows_changed(session, statements.DROP_OLD_FAULTS, old)
        + await rows_changed(session, statements.DROP_OLD_IMPORTS, old)
    )
