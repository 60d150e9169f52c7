"""Writes many submissions at once, each with its history and its event.

Building the arrays of rows is CPU-bound and runs off the event loop.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.ids import new_id
from services.core.kit.trail import note_events, present_traceparent
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch import statements
from services.core.submissions.images import event_data, image


@dataclass(frozen=True, slots=True)
class Change:
    """A submission after a change; `action` is the change's name in the history.

    `claimed_at` and `counts_from` are as in the history (`models.SubmissionHistory`).
    """

    row: SubmissionRow
    action: str
    reason: str | None = None
    claimed_at: datetime | None = None
    counts_from: datetime | None = None


async def insert_rows(
    session: AsyncSession, rows: Sequence[SubmissionRow], plan: PlanState
) -> set[UUID]:
    """Insert rows unless their slot was taken meanwhile; return the inserted ids."""
    if not rows:
        return set()
    values = await asyncio.to_thread(_columns, rows)
    return set(await session.scalars(statements.INSERT, {**_of(plan), **values}))


async def update_rows(
    session: AsyncSession,
    rows: Sequence[SubmissionRow],
    plan: PlanState,
    *,
    steps: Mapping[UUID, int] | None = None,
) -> set[UUID]:
    """Update rows unless somebody wrote them meanwhile; return the updated ids.

    `steps` is, by id, how many versions each row is ahead of the table; None: one.
    """
    if not rows:
        return set()
    values = await asyncio.to_thread(_columns, rows)
    values["version_before"] = [
        row["version"] - (1 if steps is None else steps[row["id"]]) for row in rows
    ]
    return set(await session.scalars(statements.UPDATE, {**_of(plan), **values}))


def _of(plan: PlanState) -> dict[str, str]:
    return {"city": plan.city_code, "plan": plan.code}


async def remember(
    session: AsyncSession,
    changes: Sequence[Change],
    *,
    plan: PlanState,
    stamp: Mapping[str, object],
    now: datetime,
) -> None:
    """Write history and event of each change; `stamp` is the actor's."""
    if not changes:
        return
    remembered = await asyncio.to_thread(_remembered, changes)
    remembered |= {
        "city": plan.city_code,
        "plan": plan.code,
        "actor": to_json(stamp).decode(),
        "now": now,
        "traceparent": present_traceparent(),
    }
    await session.execute(statements.REMEMBER, remembered)
    note_events(remembered["event_id"])


def _columns(rows: Sequence[SubmissionRow]) -> dict[str, list[Any]]:
    """Return the rows' columns as array parameters for `statements`."""
    columns = {name: [row[name] for row in rows] for name in statements.GIVEN}
    for name in statements.AS_JSON:
        columns[name] = [one if one is None else to_json(one).decode() for one in columns[name]]
    return columns


def _remembered(changes: Sequence[Change]) -> dict[str, Any]:
    """Return the array parameters of `REMEMBER`."""
    rows = [one.row for one in changes]
    return {
        "id": [row["id"] for row in rows],
        "version": [row["version"] for row in rows],
        "action": [one.action for one in changes],
        "reason": [one.reason for one in changes],
        "claimed_at": [one.claimed_at for one in changes],
        "counts_from": [one.counts_from for one in changes],
        "image": [to_json(image(row)).decode() for row in rows],
        "organization_code": [row["organization_code"] for row in rows],
        "event_id": [new_id() for _ in rows],
        "event_data": [to_json(_told(one)).decode() for one in changes],
    }


def _told(change: Change) -> dict[str, object]:
    said = event_data(change.row)
    return {**said, "reason": change.reason} if change.reason else said
