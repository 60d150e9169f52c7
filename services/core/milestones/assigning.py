"""Assigns a milestone to a unit, and edits an assigned one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.milestones import queries
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.changes import carry_out, check_state, write
from services.core.milestones.errors import NotYourMeasure
from services.core.milestones.models import Milestone
from services.core.milestones.references import (
    due_date_faults,
    measure_faults,
    organization_faults,
    parent_faults,
)
from services.core.milestones.rights import assigns_to
from services.core.milestones.rules import EvidenceRule, MilestoneVerb, Transition


@dataclass(frozen=True, slots=True)
class MilestoneDraft:
    """A milestone to be assigned; its shape is validated already."""

    measure_code: str
    organization_code: str
    title: str
    deliverable: str | None
    evidence_rule: EvidenceRule
    weight: Decimal
    due_date: date
    parent_id: UUID | None


async def assign(session: AsyncSession, *, desk: MilestoneDesk, draft: MilestoneDraft) -> Milestone:
    """Assign a milestone to a unit, which must sign for it unless it assigns it to itself.

    Raises:
        InvalidInput: the draft has faults.
        NotYourMeasure: the actor does not assign this measure's milestones to this unit.
    """
    faults = await draft_faults(
        session,
        desk=desk,
        measure_code=draft.measure_code,
        organization_code=draft.organization_code,
        due_date=draft.due_date,
        parent_id=draft.parent_id,
    )
    if faults:
        raise InvalidInput(faults=faults)
    _check_assigns(desk, draft.organization_code, draft.measure_code)
    sign_by = _sign_by(desk, draft.organization_code)
    milestone = Milestone(
        city_code=desk.plan.city_code,
        id=new_id(),
        plan_code=desk.plan.code,
        measure_code=draft.measure_code,
        organization_code=draft.organization_code,
        parent_id=draft.parent_id,
        title=draft.title,
        deliverable=draft.deliverable,
        evidence_rule=draft.evidence_rule,
        weight=draft.weight,
        due_date=draft.due_date,
        original_due_date=draft.due_date,
        epoch=1,
        extensions=0,
        sign_by=sign_by,
        turn_began=None if sign_by is None else desk.today,
        state="assigned",
        percent=Decimal(0),
        evidence=[],
        from_plan=False,
        assigned_by=desk.actor.stamp(),
        authors=[],
        created_at=desk.now,
        updated_at=desk.now,
        version=1,
    )
    session.add(milestone)
    await write(session, milestone, "milestone.created", desk=desk)
    return milestone


def _check_assigns(desk: MilestoneDesk, organization_code: str, measure_code: str) -> None:
    if not assigns_to(desk.actor, organization_code, desk.parts(measure_code)):
        raise NotYourMeasure


def _sign_by(desk: MilestoneDesk, organization_code: str) -> date | None:
    """Return the day by which a unit must sign; None if it assigns to itself."""
    if desk.actor.organization_code == organization_code:
        return None
    return desk.in_working_days(desk.supervision.sign_days)


async def draft_faults(
    session: AsyncSession,
    *,
    desk: MilestoneDesk,
    measure_code: str | None,
    organization_code: str | None,
    due_date: date | None,
    parent_id: UUID | None,
) -> list[Fault]:
    """Return the faults of the references and dates of a milestone; None is skipped.

    The parent is locked, so that it is not closed while a branch is made.
    """
    faults = [] if measure_code is None else measure_faults(measure_code, desk.plan)
    if organization_code is not None:
        faults += organization_faults(organization_code, desk.plan)
    if due_date is not None:
        faults += due_date_faults(due_date, desk.plan, desk.today)
    if parent_id is not None and measure_code is not None and measure_code in desk.plan.measures:
        parent = await queries.parent_for_update(session, desk.actor, desk.plan.code, parent_id)
        branches = 0 if parent is None else await queries.branch_count(session, parent)
        faults += parent_faults(parent, measure_code, desk.leads(measure_code), branches)
    return faults


async def edit(
    session: AsyncSession, milestone: Milestone, *, desk: MilestoneDesk, changes: Mapping[str, Any]
) -> None:
    """Edit an assigned milestone; `changes` by column, with `reason` for a new due date.

    An organization given for a declined milestone assigns it again, to another unit or the same.
    Values equal to the present ones change nothing.

    Raises:
        InvalidInput: the new unit or due date has faults, or the reason is missing.
        NotYourMeasure: the actor does not assign to that unit.
        MilestoneTransitionRefused: the state does not allow it.
    """
    wanted = {name: value for name, value in changes.items() if name != "reason"}
    reason = changes.get("reason")
    verb = _verb(milestone, wanted)
    changed = {name: value for name, value in wanted.items() if getattr(milestone, name) != value}
    faults = _edit_faults(desk, changed, reason)
    if faults:
        raise InvalidInput(faults=faults)
    if verb == "reassign":
        _check_assigns(desk, wanted["organization_code"], milestone.measure_code)
    check_state(milestone, verb, desk)
    if not changed and verb != "reassign":
        return
    deed = Transition(
        verb, due_date=changed.get("due_date"), turn_ends=_turn(milestone, verb, changed, desk)
    )
    carry_out(milestone, deed, desk)
    _put(milestone, verb, changed, reason, desk)
    happened: EventType = "milestone.rescheduled" if "due_date" in changed else "milestone.changed"
    await write(session, milestone, happened, desk=desk, reason=reason, action=_ACTIONS[verb])


_ACTIONS: Mapping[MilestoneVerb, str] = {
    "edit": "changed",
    "reassign": "reassigned",
    "reschedule": "rescheduled",
}


def _verb(milestone: Milestone, wanted: Mapping[str, Any]) -> MilestoneVerb:
    unit = wanted.get("organization_code")
    if unit is not None and (unit != milestone.organization_code or milestone.state == "declined"):
        return "reassign"
    if wanted.get("due_date", milestone.due_date) != milestone.due_date:
        return "reschedule"
    return "edit"


def _edit_faults(
    desk: MilestoneDesk, changed: Mapping[str, Any], reason: str | None
) -> list[Fault]:
    faults = []
    if "organization_code" in changed:
        faults += organization_faults(changed["organization_code"], desk.plan)
    if "due_date" in changed:
        faults += due_date_faults(changed["due_date"], desk.plan, desk.today)
        if not reason:
            words = Text("调整期限须说明理由", "A new due date is given with its reason")
            faults.append(Fault("/reason", "reason-required", words))
    return faults


def _turn(
    milestone: Milestone, verb: MilestoneVerb, changed: Mapping[str, Any], desk: MilestoneDesk
) -> date | None:
    """Return the day by which somebody must sign after this change.

    A milestone that the plan itself assigned needs no signature until a person gives it a date.
    """
    unit = changed.get("organization_code", milestone.organization_code)
    unsigned = milestone.state == "assigned" and milestone.from_plan and milestone.sign_by is None
    if verb == "reassign" or (verb == "reschedule" and unsigned):
        return _sign_by(desk, unit)
    return None


def _put(
    milestone: Milestone,
    verb: MilestoneVerb,
    changed: Mapping[str, Any],
    reason: str | None,
    desk: MilestoneDesk,
) -> None:
    for name, value in changed.items():
        if name != "due_date":
            setattr(milestone, name, value)
    if verb == "reassign":
        milestone.assigned_by = desk.actor.stamp()
        milestone.reason = reason
