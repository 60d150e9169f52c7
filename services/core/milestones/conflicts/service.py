"""Resolves a conflict over a milestone."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.conflicts.rules import DeviceTakenVersion
from services.core.conflicts.service import check_open, settle
from services.core.identity.actor import Actor
from services.core.milestones import service
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.milestones.conflicts.rules import (
    FIELDS,
    DisputedVerb,
    as_read,
)
from services.core.milestones.conflicts.subject import OVER_MILESTONES
from services.core.milestones.models import Milestone
from services.core.milestones.rights import acts_for


def may_decide(actor: Actor, conflict: MilestoneConflict) -> bool:
    """Return whether a conflict is open and the actor, reporting for the unit, may resolve it."""
    return conflict.state == "open" and acts_for(actor, conflict.organization_code)


async def decide(
    session: AsyncSession,
    conflict: MilestoneConflict,
    milestone: Milestone,
    *,
    desk: MilestoneDesk,
    take: DeviceTakenVersion,
    reason: str | None,
) -> None:
    """Resolve a locked conflict over a locked milestone.

    With `ledger` the milestone stays as it is. With `device` the device's verb is carried out now,
    as by its own endpoint: with the device's values of the disputed fields and the ledger's of the
    others. Whoever entered them on the device becomes an author of the milestone.

    Raises:
        ConflictDecided: it was resolved before.
        InvalidInput, MilestoneTransitionRefused: the verb is refused, see `milestones.service`.
    """
    check_open(conflict)
    if take == "device":
        await _take_device(session, conflict, milestone, desk)
    await settle(
        session,
        OVER_MILESTONES,
        conflict,
        take=take,
        reason=reason,
        actor=desk.actor,
        now=desk.now,
    )


async def _take_device(
    session: AsyncSession, conflict: MilestoneConflict, milestone: Milestone, desk: MilestoneDesk
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
