"""Renders milestones, from the row, the day, the calendar and the caller."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.api.actors import actor_fields
from services.api.extensions.schemas import extension_fields
from services.api.turns import Shown, shown_item
from services.core.extensions.models import Extension
from services.core.extensions.queries import newest_of
from services.core.identity.actor import Actor
from services.core.kit.decimals import plain_or_none
from services.core.milestones import queries
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.changes import access_to
from services.core.milestones.models import Milestone
from services.core.milestones.progress import linked
from services.core.milestones.reasons import words
from services.core.milestones.rights import allowed_actions
from services.core.milestones.rules import DONE, Share, merged
from services.core.milestones.views import PlanToday
from services.core.plan.evidence_rules import pieces_of, still_missing
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_every

_MOST_EXTENSIONS = 10

_AS_THEY_ARE = (
    "id",
    "version",
    "measure_code",
    "organization_code",
    "parent_id",
    "title",
    "deliverable",
    "evidence_rule",
    "state",
    "due_date",
    "original_due_date",
    "epoch",
    "sign_by",
    "answer_by",
    "narrative",
    "problems",
    "next_steps",
    "expected_date",
    "evidence",
    "grade",
    "from_plan",
    "created_at",
    "updated_at",
    "completed_at",
    "closed_at",
)


async def milestone_list(
    session: AsyncSession, rows: Sequence[Milestone], desk: MilestoneDesk
) -> list[dict[str, Any]]:
    """Return milestones of one plan as `MilestoneOut` has them, with two more statements."""
    ids = [row.id for row in rows]
    asked = await newest_of(session, desk.plan.city_code, "milestone", ids, most=_MOST_EXTENSIONS)
    shares = await queries.branch_shares(session, desk.actor, ids)
    day = PlanToday(desk.plan, desk.calendar, desk.today)
    return [_fields(row, asked.get(row.id, ()), shares.get(row.id), day, desk) for row in rows]


async def milestone_detail(session: AsyncSession, row: Milestone, desk: MilestoneDesk) -> Shown:
    """Return a milestone as `MilestoneDetailOut` has it."""
    (fields,) = await milestone_list(session, [row], desk)
    branches: Sequence[Milestone] = ()
    if row.parent_id is None:
        branches = await queries.branches(session, desk.actor, row.id)
    day = PlanToday(desk.plan, desk.calendar, desk.today)
    fields["branches"] = [_branch(branch, day) for branch in branches]
    return shown_item(row, fields)


def _fields(
    row: Milestone,
    asked: Sequence[Extension],
    branches: tuple[int, Share] | None,
    day: PlanToday,
    desk: MilestoneDesk,
) -> dict[str, Any]:
    leads = desk.leads(row.measure_code)
    return {
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        "plan": row.plan_code,
        "organization_name": desk.plan.organization_name(row.organization_code),
        "indicators": _indicators(row, desk.plan),
        **_evidence(row, desk.plan),
        "weight": plain_or_none(row.weight),
        "percent": plain_or_none(row.percent),
        "extensions_granted": row.extensions,
        "extensions": [extension_fields(one, desk.actor, leads) for one in asked],
        "state_reason": row.reason,
        **_light(row, day),
        **_distance(row, day),
        "branch_count": 0 if branches is None else branches[0],
        "merged_percent": _merged_percent(row, branches, desk.actor, leads),
        "assigned_by": actor_fields(row.assigned_by),
        "allowed_actions": allowed_actions(desk.actor, access_to(row, leads)),
    }


def _indicators(row: Milestone, plan: PlanState) -> list[dict[str, Any]]:
    measure = plan.measures.get(row.measure_code)
    codes = () if measure is None else linked([measure])
    found = [plan.indicators[code] for code in codes if code in plan.indicators]
    return [{"code": one.code, "name": one.name, "unit": one.unit} for one in found]


def _evidence(row: Milestone, plan: PlanState) -> dict[str, int]:
    measure, pieces = plan.measures.get(row.measure_code), pieces_of(row.files)
    missing = still_missing(None if measure is None else measure.evidence, pieces)
    return {"evidence_count": len(pieces), "evidence_missing": missing}


def _light(row: Milestone, day: PlanToday) -> dict[str, str]:
    verdict = day.light(row)
    reason = words(verdict.reason, verdict.details)
    return {
        "light": verdict.light,
        "reason": reason.zh,
        "reason_en": reason.en,
        "reason_code": verdict.reason,
    }


def _distance(row: Milestone, day: PlanToday) -> dict[str, Any]:
    distance = day.distance(row.due_date)
    running = row.state not in DONE and row.state != "completed"
    overdue = distance.late if running and distance.overdue else None
    return {
        "days_left": distance.left if running and not distance.overdue else None,
        "days_overdue": overdue,
        "overdue_days": overdue,
        "calendar": day.calendar.status(day.today, row.due_date),
    }


def _merged_percent(
    row: Milestone,
    branches: tuple[int, Share] | None,
    actor: Actor,
    leads: tuple[str, ...],
) -> str | None:
    """Return a milestone's percentage including its branches, to callers who see all of them."""
    whole = sees_every(actor, city_code=row.city_code, plan_code=row.plan_code, leads=leads)
    if row.parent_id is None and not whole:
        return None
    own = Share.of(row.percent, row.weight)
    return plain_or_none(merged([own] if branches is None else [own, branches[1]]).percent)


def _branch(row: Milestone, day: PlanToday) -> dict[str, Any]:
    light = _light(row, day)
    del light["reason_code"]
    return {
        "id": row.id,
        "organization_code": row.organization_code,
        "organization_name": day.plan.organization_name(row.organization_code),
        "title": row.title,
        "state": row.state,
        "percent": plain_or_none(row.percent),
        "weight": plain_or_none(row.weight),
        "due_date": row.due_date,
        **light,
    }


def tombstones(found: Sequence[tuple[int, Milestone]]) -> list[dict[str, UUID | int]]:
    """Return the tombstones of changed milestones that were cancelled."""
    return [
        {"id": row.id, "position": position} for position, row in found if row.state == "cancelled"
    ]
