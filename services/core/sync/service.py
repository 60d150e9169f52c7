"""Carries out a device's call in the caller's transaction: each write once, repeats as before.

Writes on submissions take the same number of statements for one as for five hundred; those on rows
of registers take that for each register. Milestones are locked at once and then handled one by one.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.checks.queries import figures_beside
from services.core.conflicts.service import raise_conflicts
from services.core.identity.actor import Actor
from services.core.kit.database import rows_changed
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.milestones.action_context import MilestoneDesk
from services.core.plan.queries import periods_for_share, with_document_in_force
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.submissions import queries as submission_queries
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.writing import insert_rows, remember, update_rows
from services.core.submissions.conflicts.subject import OVER_SUBMISSIONS
from services.core.submissions.errors import BatchContended
from services.core.sync import queries, statements
from services.core.sync.deciding import LedgerState, MergingWrites
from services.core.sync.milestone_writes import take_milestone_writes
from services.core.sync.row_writes import take_row_writes
from services.core.sync.writes import (
    KEPT,
    Sent,
    Write,
    WriteIdReused,
    WriteResult,
    disputed_by,
    refusal_kept,
    was_taken,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """The result of a write as stored with its id; `repeated`: it was taken in before."""

    write: Write
    result: Mapping[str, Any]
    repeated: bool


async def take_in(
    session: AsyncSession,
    sent: Sequence[Sent],
    *,
    plan: PlanState,
    actor: Actor,
    desk: MilestoneDesk,
    now: datetime,
) -> list[Kept]:
    """Take in the writes of a call; return the result of each, in their order.

    Raises:
        InvalidInput: two writes of the call have the same id.
        BatchContended: others took the same places meanwhile; the call may be retried.
    """
    if not sent:
        return []
    writes = [one.write for one in sent]
    _check_ids(writes)
    plan = await with_document_in_force(session, plan)  # the cached one may be slightly old
    place = {"city": plan.city_code, "credential": actor.credential_id}
    fresh = await _take(session, place, sent, plan, now)
    before = await queries.earlier(
        session, place, [one.id for one in writes if one.id not in fresh]
    )
    results = {
        one.id: WriteResult(one, "refused", one.subject_id, refusal=InvalidInput(faults=one.faults))
        for one in writes
        if one.id in fresh and one.kind == "unreadable"
    }
    on_submissions = [one for one in writes if one.kind.startswith("submission.")]
    known = await _known(session, on_submissions, before, plan, actor)
    deciding = MergingWrites(known, plan, actor, now)
    results |= await asyncio.to_thread(_decide, deciding, on_submissions, fresh, before)
    try:
        await _write(session, deciding)
    except IntegrityError:  # another call has just taken the id of a new submission
        raise BatchContended from None
    await raise_conflicts(session, OVER_SUBMISSIONS, list(deciding.conflicts.values()))
    others = [one for one in writes if disputed_by(one) == "milestone"]
    results |= await take_milestone_writes(session, others, fresh=fresh, before=before, desk=desk)
    on_rows = [one for one in writes if disputed_by(one) == "register_row"]
    results |= await take_row_writes(
        session, on_rows, fresh=fresh, before=before, plan=plan, actor=actor, now=now
    )
    settled = {one: kept_result(result) for one, result in results.items()}
    await _settle(session, place, results, settled)
    return [_kept(one, settled, before) for one in writes]


def kept_result(result: WriteResult) -> dict[str, Any]:
    """Return the result of a write in its stored form."""
    return {
        "outcome": result.outcome,
        "subject_id": str(result.subject_id),
        "version": result.version,
        "conflict_id": None if result.conflict_id is None else str(result.conflict_id),
        "made_in_time": result.made_in_time,
        "refusal": None if result.refusal is None else refusal_kept(result.refusal),
    }


def _kept(
    write: Write,
    settled: Mapping[UUID, Mapping[str, Any]],
    before: Mapping[UUID, Mapping[str, Any]],
) -> Kept:
    if write.id in settled:
        return Kept(write, settled[write.id], repeated=False)
    if before[write.id]["digest"] != write.digest:
        reused = WriteResult(write, "refused", write.subject_id, refusal=WriteIdReused())
        return Kept(write, kept_result(reused), repeated=False)
    return Kept(write, before[write.id]["result"], repeated=True)


def _check_ids(writes: Sequence[Write]) -> None:
    first: dict[UUID, int] = {}
    faults = [
        Fault(f"/writes/{one.index}/id", "write-twice", _TWICE.format(first=first[one.id]), one.id)
        for one in writes
        if first.setdefault(one.id, one.index) != one.index
    ]
    if faults:
        raise InvalidInput(faults=faults)


_TWICE = Text("与第 {first} 条写入的编号相同", "It has the id of write {first}, counted from 0")


async def _take(
    session: AsyncSession,
    place: Mapping[str, object],
    sent: Sequence[Sent],
    plan: PlanState,
    now: datetime,
) -> set[UUID]:
    """Claim the writes that were not taken in before, and return their ids."""
    writes = [one.write for one in sent]
    given = {
        **place,
        "plan": plan.code,
        "now": now,
        "said": [one.said for one in sent],
        "ids": [one.id for one in writes],
        "kinds": [one.kind for one in writes],
        "subjects": [one.subject_id for one in writes],
        "digests": [one.digest for one in writes],
        "claims": [one.claimed_at for one in writes],
    }
    return set(await session.scalars(statements.TAKE, given))


async def _known(
    session: AsyncSession,
    writes: Sequence[Write],
    before: Mapping[UUID, Mapping[str, Any]],
    plan: PlanState,
    actor: Actor,
) -> LedgerState:
    """Return the ledger's state of all subjects of the writes."""
    slots = await queries.holders(session, plan, [one.slot for one in writes if one.slot])
    named = {one.subject_id for one in writes} | {row["id"] for row in slots.values()}
    named |= {UUID(one["result"]["subject_id"]) for one in before.values()}
    rows = await submission_queries.many_for_update(session, actor, plan.code, sorted(named))
    codes = {row["period"] for row in rows.values()} | {one.period for one in slots}
    codes |= {one.slot.period for one in writes if one.slot}
    held = await periods_for_share(session, plan.city_code, plan.code, *codes)
    made = [one.subject_id for one in writes if one.kind == "submission.create"]
    new = [one.slot._asdict() for one in writes if one.slot]
    return LedgerState(
        rows=dict(rows),
        slots=_still_held(slots, rows),
        taken_ids=await queries.taken_ids(session, plan.city_code, made),
        bases=await queries.bases(session, plan.city_code, _versions(writes, rows)),
        periods={code: period.state for code, period in held.items()},
        figures=await figures_beside(session, [*rows.values(), *new], plan),
    )


def _still_held(
    slots: Mapping[Slot, SubmissionRow], locked: Mapping[UUID, SubmissionRow]
) -> dict[Slot, SubmissionRow]:
    """Return the holders of places as locked: a submission withdrawn meanwhile holds none."""
    now = {slot: locked.get(row["id"], row) for slot, row in slots.items()}
    return {slot: row for slot, row in now.items() if row["state"] != "withdrawn"}


def _versions(
    writes: Sequence[Write], rows: Mapping[UUID, Mapping[str, Any]]
) -> list[tuple[UUID, int]]:
    """Return the versions that have to be read; the present ones are known already."""
    return [
        (one.subject_id, one.base_version)
        for one in writes
        if one.base_version is not None
        and one.subject_id in rows
        and rows[one.subject_id]["version"] != one.base_version
    ]


def _decide(
    deciding: MergingWrites,
    writes: Sequence[Write],
    fresh: set[UUID],
    before: Mapping[UUID, Mapping[str, Any]],
) -> dict[UUID, WriteResult]:
    results = {}
    for write in writes:
        if write.id in fresh:
            results[write.id] = deciding.result(write)
            continue
        earlier = before[write.id]
        if was_taken(write, earlier):
            deciding.note_earlier(write, UUID(earlier["result"]["subject_id"]))
    return results


async def _write(session: AsyncSession, deciding: MergingWrites) -> None:
    """Write the final state of every submission, and each of its versions to the history.

    A submission that leaves its place is written before the one that takes it.

    Raises:
        BatchContended: a place was taken meanwhile, which our locks do not prevent.
    """
    plan, changes = deciding.plan, deciding.changes
    steps = Counter(one.row["id"] for one in changes)
    last = {one.row["id"]: one.row for one in changes}
    there = [row for row in last.values() if row["version"] > steps[row["id"]]]
    made = [row for row in last.values() if row["version"] == steps[row["id"]]]
    written = await update_rows(session, there, plan, steps=steps)
    written |= await insert_rows(session, made, plan)
    if len(written) != len(last):
        raise BatchContended
    await remember(session, changes, plan=plan, stamp=deciding.actor.stamp(), now=deciding.now)


async def _settle(
    session: AsyncSession,
    place: Mapping[str, object],
    results: Mapping[UUID, WriteResult],
    settled: Mapping[UUID, Mapping[str, Any]],
) -> None:
    if not results:
        return
    given = {
        **place,
        "ids": list(results),
        "outcomes": [one.outcome for one in results.values()],
        "results": [to_json(settled[one], fallback=str).decode() for one in results],
    }
    await session.execute(statements.SETTLE, given)


async def forget_old_writes(
    session: AsyncSession, city_code: str, *, now: datetime, most: int = 1_000
) -> int:
    """Delete results of writes taken in 90 days ago, at most so many; return how many."""
    given = {"city": city_code, "before": now - KEPT, "most": most}
    return await rows_changed(session, statements.SWEEP, given)
