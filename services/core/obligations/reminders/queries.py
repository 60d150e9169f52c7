"""Reads reminders. A caller's query is limited to what it may see."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.obligations.reminders.models import Reminder
from services.core.plan.state import PlanState
from services.core.plan.visibility import Owned, scope

_REMINDERS = Owned(
    city="reminder.city_code", plan="reminder.plan_code", unit="reminder.organization_code"
)


async def reminders(
    session: AsyncSession,
    actor: Actor,
    plan: PlanState,
    period: str,
    *,
    before: UUID | None,
    limit: int,
) -> Sequence[Reminder]:
    """Return up to `limit` visible reminders of a period, newest first, before a place."""
    wanted = select(Reminder).where(
        Reminder.city_code == plan.city_code,
        Reminder.plan_code == plan.code,
        Reminder.period == period,
        scope(actor, _REMINDERS).clause,
    )
    if before is not None:
        wanted = wanted.where(Reminder.id < before)
    return (await session.scalars(wanted.order_by(Reminder.id.desc()).limit(limit))).all()
