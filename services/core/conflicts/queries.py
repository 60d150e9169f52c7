"""Reads conflicts of any subject, within what the caller may see."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.models import Conflict
from services.core.conflicts.subject import ConflictSubject
from services.core.identity.actor import Actor
from services.core.plan.visibility import scope

Thing = TypeVar("Thing")


async def page(
    session: AsyncSession,
    actor: Actor,
    subject: ConflictSubject[Conflict],
    *,
    plan_code: str,
    filters: Mapping[str, object],
    after: UUID | None,
    limit: int,
) -> Sequence[Conflict]:
    """Return up to `limit` visible conflicts of a plan, newest first, after the id `after`.

    `filters` are the required values of columns; None: any value.
    """
    table = subject.table
    wanted = select(table).where(scope(actor, subject.owned).clause, table.plan_code == plan_code)
    for column, value in filters.items():
        if value is not None:
            wanted = wanted.where(getattr(table, column) == value)
    if after is not None:
        wanted = wanted.where(table.id < after)
    return (await session.scalars(wanted.order_by(table.id.desc()).limit(limit))).all()


async def one(
    session: AsyncSession, actor: Actor, subject: ConflictSubject[Conflict], conflict_id: UUID
) -> Conflict | None:
    """Return one visible conflict."""
    table = subject.table
    return await session.scalar(
        select(table).where(table.id == conflict_id, scope(actor, subject.owned).clause)
    )


async def for_update(
    session: AsyncSession, actor: Actor, subject: ConflictSubject[Conflict], conflict_id: UUID
) -> Conflict | None:
    """Return one visible conflict, locked until the transaction ends."""
    table = subject.table
    return await session.scalar(
        select(table)
        .where(table.id == conflict_id, scope(actor, subject.owned).clause)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def with_thing(
    session: AsyncSession,
    actor: Actor,
    subject: ConflictSubject[Conflict],
    conflict_id: UUID,
    lock: Callable[[Conflict], Awaitable[Thing | None]],
) -> tuple[Conflict, Thing] | None:
    """Return a visible conflict and the thing that it is over, both locked: the thing first.

    Taking in a device's writes also locks the thing before it raises a conflict. `lock` returns the
    locked thing; None: the caller does not see it.
    """
    found = await one(session, actor, subject, conflict_id)
    if found is None:
        return None
    thing = await lock(found)
    conflict = await for_update(session, actor, subject, conflict_id)
    return None if thing is None or conflict is None else (conflict, thing)
