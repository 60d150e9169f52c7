"""Reading for forms: what units owe, what they last reported, what they promised."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.obligations.queries import ended_units
from services.core.obligations.rules import owed_for
from services.core.plan.leads import reporters_of
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.submissions.models import Submission

_OVER = ("closed", "cancelled", "declined")
_MOST_MILESTONES = 5000


async def owed_by(
    session: AsyncSession, plan: PlanState, period: Period, unit: str | None
) -> dict[str, set[str]]:
    """Return which indicators a unit, or each, is asked for in a period, by unit.

    A period that was opened asks for what it was opened with. One that was not would ask for what
    is reported as often as it is; where that is nothing, for all that the unit reports.
    """
    asked: dict[str, set[str]] = {}
    if period.code in plan.periods:
        wanted = select(Obligation.organization_code, Obligation.indicator_code).where(
            Obligation.city_code == plan.city_code,
            Obligation.plan_code == plan.code,
            Obligation.period == period.code,
            Obligation.state == "owed",
        )
        if unit is not None:
            wanted = wanted.where(Obligation.organization_code == unit)
        for code, indicator in await session.execute(wanted):
            asked.setdefault(code, set()).add(indicator)
        return asked
    ended = await ended_units(session, plan.city_code, plan.document.time_zone)
    for one in owed_for(plan.document, period, period.last_day, ended, {}):
        asked.setdefault(one.organization_code, set()).add(one.indicator_code)
    if asked:
        return asked
    return _reported_by(plan, ended, period.last_day)


def _reported_by(plan: PlanState, ended: Mapping[str, date], last_day: date) -> dict[str, set[str]]:
    reported: dict[str, set[str]] = {}
    for indicator in plan.document.indicators:
        for unit in reporters_of(indicator, plan.organizations):
            if ended.get(unit, last_day) >= last_day:
                reported.setdefault(unit, set()).add(indicator.code)
    return reported


async def reported_in(
    session: AsyncSession, plan: PlanState, periods: Sequence[str], unit: str | None
) -> dict[tuple[str, str, str], Submission]:
    """Return what a unit, or each, has reported for some periods, by unit, indicator, period."""
    wanted = select(Submission).where(
        Submission.city_code == plan.city_code,
        Submission.plan_code == plan.code,
        Submission.indicator_code.in_(list(plan.indicators)),
        Submission.period.in_(periods),
        Submission.state != "withdrawn",
    )
    if unit is not None:
        wanted = wanted.where(Submission.organization_code == unit)
    found = await session.scalars(wanted)
    return {(one.organization_code, one.indicator_code, one.period): one for one in found}


async def promised_by(
    session: AsyncSession, plan: PlanState, unit: str | None
) -> dict[str, list[Milestone]]:
    """Return what a unit, or each, is at work on, soonest due first, by unit."""
    wanted = select(Milestone).where(
        Milestone.city_code == plan.city_code,
        Milestone.plan_code == plan.code,
        Milestone.state.not_in(_OVER),
    )
    if unit is not None:
        wanted = wanted.where(Milestone.organization_code == unit)
    rows = await session.scalars(
        wanted.order_by(Milestone.organization_code, Milestone.due_date, Milestone.id).limit(
            _MOST_MILESTONES
        )
    )
    promised: dict[str, list[Milestone]] = {}
    for one in rows:
        promised.setdefault(one.organization_code, []).append(one)
    return promised
