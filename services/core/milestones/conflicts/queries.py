"""Reading conflicts over milestones: who sees the milestone sees what was said of it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.milestones import queries as milestone_queries
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.milestones.conflicts.rules import MilestoneConflictState
from services.core.milestones.models import Milestone
from services.core.plan.visibility import Owned, scope

MILESTONE_CONFLICTS = Owned(
    city="milestone_conflict.city_code",
    plan="milestone_conflict.plan_code",
    unit="milestone_conflict.organization_code",
    measure="milestone_conflict.measure_code",
)
"""Whose a conflict is: whose its milestone is, which stays so once it is worked on."""


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    state: MilestoneConflictState | None = None,
    milestone_id: UUID | None = None,
    organization_code: str | None = None,
    after: UUID | None,
    limit: int,
) -> Sequence[MilestoneConflict]:
    """Return up to `limit` visible conflicts of a plan, newest first, after the id `after`."""
    wanted = select(MilestoneConflict).where(
        scope(actor, MILESTONE_CONFLICTS).clause, MilestoneConflict.plan_code == plan_code
    )
    if state is not None:
        wanted = wanted.where(MilestoneConflict.state == state)
    if milestone_id is not None:
        wanted = wanted.where(MilestoneConflict.milestone_id == milestone_id)
    if organization_code is not None:
        wanted = wanted.where(MilestoneConflict.organization_code == organization_code)
    if after is not None:
        wanted = wanted.where(MilestoneConflict.id < after)
    return (await session.scalars(wanted.order_by(MilestoneConflict.id.desc()).limit(limit))).all()


async def one(session: AsyncSession, actor: Actor, conflict_id: UUID) -> MilestoneConflict | None:
    """Return one visible conflict."""
    return await session.scalar(
        select(MilestoneConflict).where(
            MilestoneConflict.id == conflict_id, scope(actor, MILESTONE_CONFLICTS).clause
        )
    )


async def with_milestone(
    session: AsyncSession, actor: Actor, conflict_id: UUID
) -> tuple[MilestoneConflict, Milestone] | None:
    """Return one visible conflict and its milestone, both locked: the milestone first.

    Who takes in writes of devices locks the milestone, too, before a conflict is raised.
    """
    found = await one(session, actor, conflict_id)
    if found is None:
        return None
    milestone = await milestone_queries.for_update(session, actor, found.milestone_id)
    conflict = await session.scalar(
        select(MilestoneConflict)
        .where(MilestoneConflict.id == conflict_id, scope(actor, MILESTONE_CONFLICTS).clause)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return None if milestone is None or conflict is None else (conflict, milestone)
