"""Writes many obligations at once, each with its history."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.ids import new_id
from services.core.obligations.rules import OwedValue
from services.core.obligations.statements import RAISE_OWED, REMEMBER, TURN_OWED
from services.core.plan.models import PlanPeriod
from services.core.plan.state import PlanState

NO_LATER: Mapping[str, date] = {}


async def write_owed(
    session: AsyncSession,
    plan: PlanState,
    rows: Sequence[PlanPeriod],
    owed: Sequence[OwedValue],
    actor: Mapping[str, object],
    now: datetime,
    *,
    least: Mapping[str, date] = NO_LATER,
) -> None:
    """Raise, waive or restore what is owed for these periods, so that exactly `owed` is owed.

    What is raised by this is due no earlier than `least` says of its period.
    """
    wanted: dict[str, Any] = {
        "city": plan.city_code,
        "plan": plan.code,
        "indicators": [each.indicator_code for each in owed],
        "units": [each.organization_code for each in owed],
        "periods": [each.period for each in owed],
        "dues": [each.due_date for each in owed],
        "now": now,
    }
    anew = {
        "ids": [new_id() for _ in owed],
        "dues": [max(each.due_date, least.get(each.period, each.due_date)) for each in owed],
    }
    raised = await session.scalars(RAISE_OWED, {**wanted, **anew})
    await remember(session, plan.city_code, list(raised), "raised", actor, now)
    turned = await session.execute(TURN_OWED, {**wanted, "open": [row.period for row in rows]})
    ids_by_state: dict[str, list[UUID]] = {"waived": [], "owed": []}
    for state, obligation_id in turned:
        ids_by_state[state].append(obligation_id)
    await remember(session, plan.city_code, ids_by_state["waived"], "waived", actor, now)
    await remember(session, plan.city_code, ids_by_state["owed"], "restored", actor, now)


async def remember(
    session: AsyncSession,
    city_code: str,
    ids: Sequence[UUID],
    action: str,
    actor: Mapping[str, object],
    now: datetime,
    *,
    reason: str | None = None,
) -> None:
    """Write into history how these obligations stand now, by whom and why."""
    if ids:
        await session.execute(
            REMEMBER,
            {
                "city": city_code,
                "ids": list(ids),
                "action": action,
                "actor": to_json(actor).decode(),
                "reason": reason,
                "now": now,
            },
        )
