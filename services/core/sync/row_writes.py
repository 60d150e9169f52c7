"""Carries out writes of devices on rows of registers: new rows, changes, drafts taken back.

All writes of a call take a constant number of statements for each register that they touch.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.service import raise_conflicts
from services.core.evidence.resting import drop_files
from services.core.identity.actor import Actor
from services.core.plan.state import PlanState
from services.core.registers import queries as row_queries
from services.core.registers.conflicts.subject import OVER_ROWS
from services.core.registers.rules import STANDING, Row
from services.core.registers.service import hold, write
from services.core.sync import queries
from services.core.sync.row_deciding import KnownRows, RowKey, RowWrites, piece_ids
from services.core.sync.writes import Write, WriteResult, was_taken


async def take_row_writes(
    session: AsyncSession,
    writes: Sequence[Write],
    *,
    fresh: set[UUID],
    before: Mapping[UUID, Mapping[str, Any]],
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> dict[UUID, WriteResult]:
    """Take in the `fresh` writes on rows, in order; return the result of each.

    The others were taken in `before`, and the device continued from them.

    Raises:
        BatchContended: another row has just taken an id; the call may be retried.
    """
    if not any(one.id in fresh for one in writes):
        return {}
    taking = RowWrites(plan, actor, now)
    await asyncio.to_thread(taking.draw_up, [one for one in writes if one.id in fresh])
    taking.known = await _known(session, taking, writes, before)
    results = await asyncio.to_thread(_decide, taking, writes, fresh, before)
    for code, deeds in taking.deeds().items():
        await write(session, deeds, taking.desk(code))
    await drop_files(session, taking.taken_back, actor=actor, now=now)
    await raise_conflicts(session, OVER_ROWS, list(taking.conflicts.values()))
    return results


async def _known(
    session: AsyncSession,
    taking: RowWrites,
    writes: Sequence[Write],
    before: Mapping[UUID, Mapping[str, Any]],
) -> KnownRows:
    plan, actor = taking.plan, taking.actor
    standing: dict[RowKey, Row] = {}
    for code, keys in sorted(taking.keys().items()):
        # Locked in one order, so that two calls cannot deadlock.
        await hold(session, taking.desk(code))
        place = (plan.city_code, plan.code, code)
        found = await row_queries.standing(session, *place, keys, locked=False)
        standing |= {(code, key): row for key, row in found.items()}
    named = {one.subject_id for one in writes} | {row["id"] for row in standing.values()}
    earlier = [before[one.id]["result"] for one in writes if one.id in before]
    named |= {UUID(one["subject_id"]) for one in earlier}
    rows = await row_queries.locked(session, actor, plan.code, sorted(named))
    versions = {(one.subject_id, one.base_version) for one in writes}
    # Also the versions left by earlier writes, because the device continued from them.
    versions |= {(UUID(one["subject_id"]), one["version"]) for one in earlier}
    images = await queries.rows_as_of(
        session,
        plan.city_code,
        {(of, at) for of, at in versions if at is not None and of in rows},
    )
    made = [one.subject_id for one in writes if one.kind == "register_row.create"]
    now = {key: rows.get(row["id"], row) for key, row in standing.items()}
    return KnownRows(
        rows=rows,
        # Their state under the lock: a row that was taken back meanwhile no longer holds its key.
        standing={key: row for key, row in now.items() if row["state"] in STANDING},
        taken_ids=await row_queries.taken_ids(session, plan.city_code, made),
        bases={
            **{place: one["values"] for place, one in images.items()},
            **{(row["id"], row["version"]): row["cells"] for row in rows.values()},
        },
        files={
            **{place: piece_ids(one.get("files")) for place, one in images.items()},
            **{(row["id"], row["version"]): piece_ids(row["files"]) for row in rows.values()},
        },
    )


def _decide(
    taking: RowWrites,
    writes: Sequence[Write],
    fresh: set[UUID],
    before: Mapping[UUID, Mapping[str, Any]],
) -> dict[UUID, WriteResult]:
    results = {}
    for one in writes:
        if one.id in fresh:
            results[one.id] = taking.result(one)
            continue
        earlier = before[one.id]
        if was_taken(one, earlier):
            taking.note_earlier(one, earlier["result"])
    return results
