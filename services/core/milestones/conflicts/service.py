"""Raising conflicts over milestones, many at once, and deciding one; with its event each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.milestones import service
from services.core.milestones.action_context import ActionContext
from services.core.milestones.conflicts.errors import MilestoneConflictDecided
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.milestones.conflicts.rules import (
    FIELDS,
    DisputedVerb,
    MilestoneTakenVersion,
    as_read,
)
from services.core.milestones.models import Milestone
from services.core.milestones.rights import acts_for


async def raise_conflicts(session: AsyncSession, conflicts: Sequence[MilestoneConflict]) -> None:
    """Write new conflicts and an event for each, in two statements however many they are."""
    if not conflicts:
        return
    names = MilestoneConflict.__table__.columns.keys()
    rows = [{name: getattr(one, name) for name in names} for one in conflicts]
    await session.execute(insert(MilestoneConflict), rows)
    happened = (_event(one, "milestone_conflict.raised", one.raised_at) for one in conflicts)
    await record(session, *happened)


def may_decide(actor: Actor, conflict: MilestoneConflict) -> bool:
    """Return whether the actor decides a conflict, and it waits: who reports for the unit does."""
    return conflict.state == "open" and acts_for(actor, conflict.organization_code)


async def decide(
    session: AsyncSession,
    conflict: MilestoneConflict,
    milestone: Milestone,
    *,
    desk: ActionContext,
    take: MilestoneTakenVersion,
    reason: str | None,
) -> None:
    """Decide a locked conflict over a locked milestone.

    With `ledger` the milestone stays as it is. With `device` the verb that the device wanted is
    carried out now, as its own path would: what it said of the disputed fields beside what the
    ledger says of the others. Who wrote that on the device is an author of it from then on.

    Raises:
        MilestoneConflictDecided: it was decided before.
        InvalidInput, MilestoneTransitionRefused: the verb is refused, see `milestones.service`.
    """
    if conflict.state != "open":
        extra = {"state": conflict.state, "allowed_actions": []}
        raise MilestoneConflictDecided(extra=extra)
    if take == "device":
        await _take_device(session, conflict, milestone, desk)
    conflict.state, conflict.taken = "decided", take
    conflict.decision_reason = reason
    conflict.decided_by, conflict.decided_at = desk.actor.stamp(), desk.now
    conflict.version += 1
    await session.flush()
    await record(session, _event(conflict, "milestone_conflict.decided", desk.now))


async def _take_device(
    session: AsyncSession, conflict: MilestoneConflict, milestone: Milestone, desk: ActionContext
) -> None:
    verb: DisputedVerb = "complete" if conflict.verb == "complete" else "progress"
    standing = {name: getattr(milestone, name) for name in FIELDS[verb]}
    wanted = {**standing, **as_read(conflict.device)}
    author = UUID(str(conflict.raised_by["id"]))
    milestone.authors = list(dict.fromkeys((*milestone.authors, author)))
    if verb == "progress":
        report = service.Report(**wanted)
        await service.report_progress(session, milestone, desk=desk, report=report)
    else:
        await service.complete(session, milestone, desk=desk, **wanted)


def _event(conflict: MilestoneConflict, type_: EventType, at: datetime) -> NewEvent:
    decided = {"taken": conflict.taken} if conflict.taken else {}
    return NewEvent(
        city_code=conflict.city_code,
        plan_code=conflict.plan_code,
        type=type_,
        subject_kind="milestone_conflict",
        subject_id=str(conflict.id),
        organization_code=conflict.organization_code,
        actor=conflict.decided_by or conflict.raised_by,
        data={
            "milestone_id": str(conflict.milestone_id),
            "measure_code": conflict.measure_code,
            "organization_code": conflict.organization_code,
            "title": conflict.title,
            "verb": conflict.verb,
            "reason": conflict.reason,
            "fields": conflict.fields,
            **decided,
        },
        occurred_at=at,
    )
