"""Reads earlier outcomes of writes, and a caller's recent refusals."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.milestones.models import MilestoneHistory
from services.core.plan.slots import Slot, slot_of
from services.core.plan.state import PlanState
from services.core.plan.visibility import Made, made_scope
from services.core.registers.models import RegisterRowHistory
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.statements import PRESENT
from services.core.submissions.images import columns_of_image
from services.core.submissions.models import Submission
from services.core.sync import statements
from services.core.sync.models import SyncedWrite


async def earlier(
    session: AsyncSession, place: Mapping[str, object], ids: Sequence[UUID]
) -> Mapping[UUID, Mapping[str, Any]]:
    """Return digests and results of writes that were taken in before; `place` is city and key."""
    if not ids:
        return {}
    found = await session.execute(statements.EARLIER, {**place, "ids": list(ids)})
    return {row["id"]: dict(row) for row in found.mappings()}


async def bases(
    session: AsyncSession, city_code: str, wanted: Iterable[tuple[UUID, int]]
) -> Mapping[tuple[UUID, int], Mapping[str, Any]]:
    """Return the columns of submissions at some versions."""
    pairs = sorted(set(wanted))
    if not pairs:
        return {}
    ids, versions = map(list, zip(*pairs, strict=True))
    given = {"city": city_code, "ids": ids, "versions": versions}
    found = await session.execute(statements.BASES, given)
    return {
        (row["submission_id"], row["version"]): columns_of_image(row["after"])
        for row in found.mappings()
    }


async def holders(
    session: AsyncSession, plan: PlanState, slots: Iterable[Slot]
) -> dict[Slot, SubmissionRow]:
    """Return the submissions that hold some places, whoever may see them."""
    wanted = sorted(set(slots))
    if not wanted:
        return {}
    indicators, units, periods = map(list, zip(*wanted, strict=True))
    place = {"city": plan.city_code, "plan": plan.code}
    given = {**place, "indicators": indicators, "units": units, "periods": periods}
    found = await session.execute(PRESENT, given)
    return {slot_of(row): row for row in map(dict, found.mappings())}


async def taken_ids(session: AsyncSession, city_code: str, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return those of some ids that submissions of the city have, visible or not."""
    if not ids:
        return frozenset()
    found = await session.scalars(
        select(Submission.id).where(Submission.city_code == city_code, Submission.id.in_(ids))
    )
    return frozenset(found)


async def milestones_as_of(
    session: AsyncSession, city_code: str, versions: Iterable[tuple[UUID, int]]
) -> Mapping[tuple[UUID, int], Mapping[str, Any]]:
    """Return milestones at some versions, from history."""
    found = await session.execute(
        select(MilestoneHistory.milestone_id, MilestoneHistory.version, MilestoneHistory.after)
        .where(MilestoneHistory.city_code == city_code)
        .where(
            tuple_(MilestoneHistory.milestone_id, MilestoneHistory.version).in_(sorted(versions))
        )
    )
    return {(of, version): after for of, version, after in found}


async def rows_as_of(
    session: AsyncSession, city_code: str, versions: Iterable[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Mapping[str, Any]]:
    """Return rows of registers at some versions, from history."""
    pairs = sorted(versions)
    if not pairs:
        return {}
    found = await session.execute(
        select(RegisterRowHistory.row_id, RegisterRowHistory.version, RegisterRowHistory.after)
        .where(RegisterRowHistory.city_code == city_code)
        .where(tuple_(RegisterRowHistory.row_id, RegisterRowHistory.version).in_(pairs))
    )
    return {(of, version): after for of, version, after in found}


_MADE = Made(
    city="synced_write.city_code",
    plan="synced_write.plan_code",
    credential="synced_write.credential_id",
)
"""A write is visible to the key that made it only."""


async def refused_lately(
    session: AsyncSession, actor: Actor, plan: PlanState, *, since: datetime, limit: int
) -> Sequence[SyncedWrite]:
    """Return up to `limit` refused writes of the caller since an instant, newest first."""
    found = await session.scalars(
        select(SyncedWrite)
        .where(
            made_scope(actor, _MADE).clause,
            SyncedWrite.plan_code == plan.code,
            SyncedWrite.outcome == "refused",
            SyncedWrite.received_at >= since,
        )
        .order_by(SyncedWrite.received_at.desc(), SyncedWrite.id.desc())
        .limit(limit)
    )
    return found.all()
