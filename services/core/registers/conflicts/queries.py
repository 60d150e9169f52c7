"""Reading conflicts over rows: who sees every draft of the row sees what was said of it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.plan.visibility import Owned, scope
from services.core.registers import queries as row_queries
from services.core.registers.conflicts.models import RegisterRowConflict
from services.core.registers.conflicts.rules import RowConflictState
from services.core.registers.models import RegisterRow

ROW_CONFLICTS = Owned(
    city="register_row_conflict.city_code",
    plan="register_row_conflict.plan_code",
    unit="register_row_conflict.organization_code",
    register="register_row_conflict.register_code",
)
"""Whose a conflict is: whose its row is. Who sees what was confirmed sees none."""


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    state: RowConflictState | None = None,
    row_id: UUID | None = None,
    organization_code: str | None = None,
    after: UUID | None,
    limit: int,
) -> Sequence[RegisterRowConflict]:
    """Return up to `limit` visible conflicts of a plan, newest first, after the id `after`."""
    wanted = select(RegisterRowConflict).where(
        scope(actor, ROW_CONFLICTS).clause, RegisterRowConflict.plan_code == plan_code
    )
    if state is not None:
        wanted = wanted.where(RegisterRowConflict.state == state)
    if row_id is not None:
        wanted = wanted.where(RegisterRowConflict.row_id == row_id)
    if organization_code is not None:
        wanted = wanted.where(RegisterRowConflict.organization_code == organization_code)
    if after is not None:
        wanted = wanted.where(RegisterRowConflict.id < after)
    found = await session.scalars(wanted.order_by(RegisterRowConflict.id.desc()).limit(limit))
    return found.all()


async def one(session: AsyncSession, actor: Actor, conflict_id: UUID) -> RegisterRowConflict | None:
    """Return one visible conflict."""
    return await session.scalar(
        select(RegisterRowConflict).where(
            RegisterRowConflict.id == conflict_id, scope(actor, ROW_CONFLICTS).clause
        )
    )


async def with_row(
    session: AsyncSession, actor: Actor, conflict_id: UUID
) -> tuple[RegisterRowConflict, RegisterRow] | None:
    """Return one visible conflict and its row, both locked: the row first.

    Who takes in writes of devices locks the row, too, before a conflict is raised.
    """
    found = await one(session, actor, conflict_id)
    if found is None:
        return None
    row = await row_queries.for_update(session, actor, found.row_id)
    conflict = await session.scalar(
        select(RegisterRowConflict)
        .where(RegisterRowConflict.id == conflict_id, scope(actor, ROW_CONFLICTS).clause)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return None if row is None or conflict is None else (conflict, row)
