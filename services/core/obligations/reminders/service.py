"""Reminds exactly those who have not reported: a verb of the office."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import NewEvent, record
from services.core.kit.ids import new_id
from services.core.obligations.reminders.models import Reminder
from services.core.obligations.reminders.statements import REMIND
from services.core.plan.errors import PeriodRefused
from services.core.plan.periods import Period
from services.core.plan.queries import periods_for_share
from services.core.plan.service import period_actions
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class Reminded:
    """The units that were reminded now, and the codes of those already reminded that day."""

    given: list[Reminder]
    already: list[str]


async def remind(
    session: AsyncSession,
    *,
    plan: PlanState,
    period: Period,
    units: Collection[str] | None,
    note: str | None,
    actor: Mapping[str, object],
    now: datetime,
) -> Reminded:
    """Remind the units that owe a value for an open period and have not submitted it.

    Each gets one event per local day with everything that is missing. A draft is not submitted; a
    returned submission is. `units` restricts the reminder to these; None: every unit of the plan.

    Raises:
        PeriodRefused: the period is not open, so that nobody can report for it.
    """
    held = await periods_for_share(session, plan.city_code, plan.code, period.code)
    row = held.get(period.code)
    state = row.state if row else "planned"
    if state != "open":
        raise PeriodRefused(extra={"state": state, "allowed_actions": period_actions(state)})
    asked, today = sorted(plan.organizations if units is None else units), plan.local_date(now)
    rows = await session.execute(
        REMIND,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "period": period.code,
            "units": asked,
            "ids": [new_id() for _ in asked],
            "zone": plan.document.time_zone,
            "today": today,
            "note": note,
            "actor": to_json(actor).decode(),
            "now": now,
        },
    )
    given, already = [], []
    for code, reminder_id, missing, due_date in rows:
        if reminder_id is None:
            already.append(code)
            continue
        given.append(
            Reminder(
                city_code=plan.city_code,
                id=reminder_id,
                plan_code=plan.code,
                period=period.code,
                organization_code=code,
                day=today,
                indicator_codes=missing,
                due_date=due_date,
                note=note,
                actor=dict(actor),
                reminded_at=now,
            )
        )
    await record(session, *(_event(one, actor) for one in given))
    return Reminded(given, already)


def _event(one: Reminder, actor: Mapping[str, object]) -> NewEvent:
    return NewEvent(
        city_code=one.city_code,
        plan_code=one.plan_code,
        type="reminder.given",
        subject_kind="reminder",
        subject_id=str(one.id),
        organization_code=one.organization_code,
        actor=actor,
        data={
            "organization_code": one.organization_code,
            "period": one.period,
            "indicator_codes": one.indicator_codes,
            "due_date": one.due_date.isoformat(),
            "note": one.note,
        },
        occurred_at=one.reminded_at,
    )
