"""Writing what is owed, many rows at once, each with its history."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.ids import new_id
from services.core.obligations.rules import OwedValue
from services.core.plan.models import PlanPeriod
from services.core.plan.queries import PlanState

_RAISE = text("""
INSERT INTO obligation (city_code, id, plan_code, indicator_code, organization_code, period,
    state, due_date, original_due_date, epoch, extensions, version, created_at, updated_at)
SELECT :city, w.id, :plan, w.indicator_code, w.organization_code, w.period,
    'owed', w.due_date, w.due_date, 1, 0, 1, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
FROM unnest(CAST(:ids AS uuid[]), CAST(:indicators AS text[]), CAST(:units AS text[]),
    CAST(:periods AS text[]), CAST(:dues AS date[]))
    AS w(id, indicator_code, organization_code, period, due_date)
ON CONFLICT DO NOTHING RETURNING id
""")

# Who comes to owe it again owes it as before: in the same place, by the period's date.
_TURN = text("""
UPDATE obligation AS o SET version = o.version + 1, updated_at = :now,
    state = CASE WHEN w.period IS NULL THEN 'waived' ELSE 'owed' END,
    epoch = CASE WHEN w.period IS NULL THEN o.epoch ELSE o.epoch + 1 END,
    due_date = CASE WHEN w.period IS NULL THEN o.due_date
        WHEN o.extensions = 0 THEN w.due_date ELSE greatest(w.due_date, o.due_date) END
FROM obligation AS present
LEFT JOIN unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]),
    CAST(:dues AS date[])) AS w(indicator_code, organization_code, period, due_date)
    ON w.period = present.period AND w.indicator_code = present.indicator_code
    AND w.organization_code = present.organization_code
WHERE present.city_code = :city AND present.plan_code = :plan
    AND present.period = ANY(CAST(:open AS text[]))
    AND (present.state = 'owed') <> (w.period IS NOT NULL)
    AND o.city_code = present.city_code AND o.id = present.id
RETURNING o.state, o.id
""")


async def write_owed(
    session: AsyncSession,
    plan: PlanState,
    rows: Sequence[PlanPeriod],
    owed: Sequence[OwedValue],
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    """Raise, waive or restore what is owed for these periods, so that exactly `owed` is owed."""
    wanted: dict[str, Any] = {
        "city": plan.city_code,
        "plan": plan.code,
        "indicators": [each.indicator_code for each in owed],
        "units": [each.organization_code for each in owed],
        "periods": [each.period for each in owed],
        "dues": [each.due_date for each in owed],
        "now": now,
    }
    raised = await session.scalars(_RAISE, {**wanted, "ids": [new_id() for _ in owed]})
    await remember(session, plan.city_code, list(raised), "raised", actor, now)
    turned = await session.execute(_TURN, {**wanted, "open": [row.period for row in rows]})
    ids_by_state: dict[str, list[UUID]] = {"waived": [], "owed": []}
    for state, obligation_id in turned:
        ids_by_state[state].append(obligation_id)
    await remember(session, plan.city_code, ids_by_state["waived"], "waived", actor, now)
    await remember(session, plan.city_code, ids_by_state["owed"], "restored", actor, now)


_REMEMBER = text("""
INSERT INTO obligation_history
    (city_code, obligation_id, version, action, after, actor, reason, occurred_at)
SELECT city_code, id, version, :action, jsonb_build_object('plan', plan_code,
    'indicator_code', indicator_code, 'organization_code', organization_code, 'period', period,
    'state', state, 'due_date', due_date, 'original_due_date', original_due_date,
    'epoch', epoch, 'extensions', extensions), CAST(:actor AS jsonb), CAST(:reason AS text),
    CAST(:now AS timestamptz)
FROM obligation WHERE city_code = :city AND id = ANY(CAST(:ids AS uuid[]))
""")


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
            _REMEMBER,
            {
                "city": city_code,
                "ids": list(ids),
                "action": action,
                "actor": to_json(actor).decode(),
                "reason": reason,
                "now": now,
            },
        )
