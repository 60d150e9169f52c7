"""Routes of conflicts over milestones: list and read them, decide one."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from services.api.conflicts.turns import DeviceConflictTurn
from services.api.conflicts.views import ConflictViews
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.filters import OrganizationFilter
from services.api.milestones.conflict_schemas import (
    MilestoneConflictDecisionIn,
    MilestoneConflictListOut,
    MilestoneConflictOut,
    milestone_conflict_fields,
)
from services.api.milestones.desks import writing_desk
from services.api.milestones.parameters import Reader, Writer
from services.api.routing import versioned_router
from services.core.conflicts.rules import DeviceConflictState
from services.core.milestones import queries as milestones
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.conflicts import service
from services.core.milestones.conflicts.errors import MilestoneConflictNotFound
from services.core.milestones.conflicts.models import MilestoneConflict
from services.core.milestones.conflicts.subject import OVER_MILESTONES
from services.core.milestones.models import Milestone
from services.core.milestones.service import check_right

router = versioned_router("milestones")

MilestoneConflictId = Annotated[
    UUID,
    Path(
        description="Id of a conflict over a milestone",
        examples=["019bb0f1-6b00-7a10-8a44-0d6c0f0e5c31"],
    ),
]

_VIEWS = ConflictViews(
    OVER_MILESTONES, "milestone-conflicts", milestone_conflict_fields, MilestoneConflictNotFound
)


@router.get(
    "/plans/{plan}/milestone-conflicts",
    responses={**answering("MilestoneConflicts"), **refusals(403, 404)},
)
async def list_milestone_conflicts(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    state: Annotated[DeviceConflictState | None, Query(description="In this state only")] = None,
    milestone_id: Annotated[UUID | None, Query(description="Over this milestone only")] = None,
    organization_code: OrganizationFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> MilestoneConflictListOut:
    """List what a device and the ledger say differently of milestones, newest first.

    A unit sees its own, a lead also those under the measures it leads; the superior none.
    """
    return MilestoneConflictListOut.model_validate(
        await _VIEWS.page(
            session,
            actor,
            plan,
            page_size=page_size,
            page_token=page_token,
            state=state,
            milestone_id=milestone_id,
            organization_code=organization_code,
        )
    )


async def _seen(
    milestone_conflict_id: MilestoneConflictId, actor: Reader, session: Reading
) -> MilestoneConflict:
    return await _VIEWS.seen(session, actor, milestone_conflict_id)


@router.get(
    "/milestone-conflicts/{milestone_conflict_id}",
    responses={**answering("MilestoneConflict", ETAG), **refusals(403, 404)},
    response_model=MilestoneConflictOut,
)
async def get_milestone_conflict(
    conflict: Annotated[MilestoneConflict, Depends(_seen)],
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one conflict over a milestone, with both versions."""
    return (await _VIEWS.read(session, actor, resources, conflict)).answer(if_none_match)


MilestoneConflictTurn = DeviceConflictTurn[MilestoneConflict, Milestone, MilestoneDesk]


async def _take(
    milestone_conflict_id: MilestoneConflictId,
    actor: Writer,
    session: Writing,
    resources: ResourcesDep,
) -> MilestoneConflictTurn:
    conflict, milestone = await _VIEWS.locked_with(
        session,
        actor,
        milestone_conflict_id,
        lambda one: milestones.for_update(session, actor, one.milestone_id),
    )
    plan = await resources.plans.of_city(conflict.city_code, conflict.plan_code, session)
    desk = await writing_desk(session, resources, plan, actor)
    check_right(desk, "progress", milestone)
    return MilestoneConflictTurn(
        conflict, actor, session, resources, _VIEWS, plan, thing=milestone, desk=desk
    )


@router.post(
    "/milestone-conflicts/{milestone_conflict_id}/decide",
    responses={
        **answering("MilestoneConflictDecided", ETAG),
        **refusals(403, 404, 409, 412),
    },
    openapi_extra=asking("MilestoneConflictDecision"),
    response_model=MilestoneConflictOut,
)
async def decide_milestone_conflict(
    body: MilestoneConflictDecisionIn,
    turn: Annotated[MilestoneConflictTurn, Depends(_take)],
    if_match: IfMatch = None,
) -> Response:
    """Take one of the two versions. The other stays readable here.

    What the device wanted can be taken while the milestone allows it: one that waits for closure
    has to be returned first, one that was closed reopened. To take something of both, report
    progress first and then take `ledger`.
    """
    return await turn.act(
        if_match,
        service.decide,
        turn.thing,
        desk=turn.desk,
        take=body.take,
        reason=body.reason,
    )
