"""Writes many obligations at once, each with its history; reads the rule of their due dates."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.ids import new_id
from services.core.obligations.rules import OwedValue
from services.core.obligations.statements import OPENED_BY, RAISE_OWED, REMEMBER, TURN_OWED
from services.core.plan.members import DueDays
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
    asked_on: date | None = None,
) -> None:
    """Create, waive or restore obligations for these periods, so that exactly `owed` is owed.

    New and restored obligations are due no earlier than `least` has for their period; a restored
    one that was due on `asked_on` or later keeps its date.
    """
    wanted: dict[str, Any] = {
        "city": plan.city_code,
        "plan": plan.code,
        "indicators": [each.indicator_code for each in owed],
        "units": [each.organization_code for each in owed],
        "periods": [each.period for each in owed],
        "dues": [max(each.due_date, least.get(each.period, each.due_date)) for each in owed],
        "now": now,
    }
    raised = await session.scalars(RAISE_OWED, {**wanted, "ids": [new_id() for _ in owed]})
    await remember(session, plan.city_code, list(raised), "raised", actor, now)
    places = {
        "open": [row.period for row in rows],
        "asked_on": asked_on,
        "of_periods": [each.due_date for each in owed],
    }
    turned = await session.execute(TURN_OWED, {**wanted, **places})
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
    """Write the present state of these obligations to the history, with actor and reason."""
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


async def rules_of_opening(session: AsyncSession, plan: PlanState) -> Mapping[str, DueDays]:
    """Return the rule of each open period's due date: a later plan version does not change it."""
    found = await session.execute(OPENED_BY, {"city": plan.city_code, "plan": plan.code})
    return {period: DueDays.model_validate(said) for period, said in found if said is not None}
