"""Reading conflicts: who sees the submission of a unit, or has to decide, sees what was said."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.models import Conflict
from services.core.conflicts.rules import ConflictKind, ConflictState
from services.core.identity.actor import Actor
from services.core.plan.visibility import Owned, scope

CONFLICTS = Owned(
    city="conflict.city_code",
    plan="conflict.plan_code",
    unit="conflict.organization_code",
    second_unit="conflict.owner_code",
    indicator="conflict.indicator_code",
)
"""Whose a conflict is: of the unit that the value is of, and of the one that has to decide."""


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    state: ConflictState | None,
    kind: ConflictKind | None,
    organization_code: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Conflict]:
    """Return up to `limit` visible conflicts of a plan, newest first, after the id `after`."""
    wanted = select(Conflict).where(scope(actor, CONFLICTS).clause, Conflict.plan_code == plan_code)
    if state is not None:
        wanted = wanted.where(Conflict.state == state)
    if kind is not None:
        wanted = wanted.where(Conflict.kind == kind)
    if organization_code is not None:
        wanted = wanted.where(Conflict.organization_code == organization_code)
    if after is not None:
        wanted = wanted.where(Conflict.id < after)
    return (await session.scalars(wanted.order_by(Conflict.id.desc()).limit(limit))).all()


async def one(session: AsyncSession, actor: Actor, conflict_id: UUID) -> Conflict | None:
    """Return one visible conflict."""
    return await session.scalar(
        select(Conflict).where(Conflict.id == conflict_id, scope(actor, CONFLICTS).clause)
    )


async def for_update(session: AsyncSession, actor: Actor, conflict_id: UUID) -> Conflict | None:
    """Return one visible conflict, locked until the transaction ends."""
    return await session.scalar(
        select(Conflict)
        .where(Conflict.id == conflict_id, scope(actor, CONFLICTS).clause)
        .with_for_update()
    )
