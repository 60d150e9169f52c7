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
    """Return whether the actor decides a conflict, and it waits: who reports for the unit does."""
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
    """Decide a locked conflict over a locked milestone.

    With `ledger` the milestone stays as it is. With `device` the verb that the device wanted is
    carried out now, as its own path would: what it said of the disputed fields beside what the
    ledger says of the others. Who wrote that on the device is an author of it from then on.

    Raises:
        ConflictDecided: it was decided before.
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
