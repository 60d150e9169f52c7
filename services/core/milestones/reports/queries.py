"""Queries of many milestones at once, restricted to those that the caller sees."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.milestones.conditions import MILESTONES
from services.core.milestones.models import Milestone
from services.core.plan.visibility import scope


async def visible(
    session: AsyncSession,
    actor: Actor,
    plan_code: str,
    ids: Sequence[UUID],
    *,
    for_update: bool = False,
) -> Mapping[UUID, Milestone]:
    """Return the visible milestones of a plan among these; `for_update` locks them."""
    wanted = (
        select(Milestone)
        .where(
            Milestone.plan_code == plan_code,
            Milestone.id == any_(literal(sorted(set(ids)), ARRAY(Uuid))),
            scope(actor, MILESTONES).clause,
        )
        # Ordered, so that two concurrent calls cannot deadlock.
        .order_by(Milestone.id)
    )
    found = await session.scalars(wanted.with_for_update(of=Milestone) if for_update else wanted)
    return {row.id: row for row in found}
