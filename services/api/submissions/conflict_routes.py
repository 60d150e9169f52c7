"""Routes of conflicts over submissions: list and read them, decide one."""

from datetime import datetime
from typing import Annotated, TypedDict
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import Unpack

from services.api.conflicts.turns import ConflictTurn
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
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.submissions.conflict_schemas import (
    ConflictDecisionIn,
    ConflictListOut,
    ConflictOut,
    conflict_fields,
)
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.observations import queries as observations
from services.core.observations.errors import ObservationWithdrawn
from services.core.observations.rules import is_withdrawn
from services.core.plan.state import PlanState
from services.core.submissions.conflicts import service
from services.core.submissions.conflicts.errors import ConflictNotFound
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import ConflictKind, ConflictState, TakenVersion
from services.core.submissions.conflicts.subject import OVER_SUBMISSIONS

router = versioned_router("conflicts")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]
ConflictId = Annotated[
    UUID, Path(description="Id of a conflict", examples=["019bb0f1-6b00-7a10-8a44-0d6c0f0e5c01"])
]

_VIEWS = ConflictViews(OVER_SUBMISSIONS, "conflicts", conflict_fields, ConflictNotFound)


@router.get("/plans/{plan}/conflicts", responses={**answering("Conflicts"), **refusals(403, 404)})
async def list_conflicts(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    state: Annotated[ConflictState | None, Query(description="In this state only")] = None,
    kind: Annotated[
        ConflictKind | None, Query(description="With a device, or with another source only")
    ] = None,
    organization_code: OrganizationFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ConflictListOut:
    """List what was said twice and differently, newest first.

    A unit sees its own, a lead also those of the indicators it leads; the superior none.
    """
    return ConflictListOut.model_validate(
        await _VIEWS.page(
            session,
            actor,
            plan,
            page_size=page_size,
            page_token=page_token,
            state=state,
            kind=kind,
            organization_code=organization_code,
        )
    )


async def _seen(conflict_id: ConflictId, actor: Reader, session: Reading) -> SubmissionConflict:
    return await _VIEWS.seen(session, actor, conflict_id)


@router.get(
    "/conflicts/{conflict_id}",
    responses={**answering("Conflict", ETAG), **refusals(403, 404)},
    response_model=ConflictOut,
)
async def get_conflict(
    conflict: Annotated[SubmissionConflict, Depends(_seen)],
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one conflict with both versions."""
    return (await _VIEWS.read(session, actor, resources, conflict)).answer(if_none_match)


async def _take(
    conflict_id: ConflictId, actor: Writer, session: Writing, resources: ResourcesDep
) -> ConflictTurn[SubmissionConflict]:
    conflict = await _VIEWS.locked(session, actor, conflict_id)
    plan = await resources.plans.of_city(conflict.city_code, conflict.plan_code, session)
    service.check_right(actor, conflict)
    return ConflictTurn(conflict, actor, session, resources, _VIEWS, plan)


@router.post(
    "/conflicts/{conflict_id}/decide",
    responses={**answering("ConflictDecided", ETAG), **refusals(403, 404, 409, 412)},
    openapi_extra=asking("ConflictDecision"),
    response_model=ConflictOut,
)
async def decide_conflict(
    body: ConflictDecisionIn,
    turn: Annotated[ConflictTurn[SubmissionConflict], Depends(_take)],
    if_match: IfMatch = None,
) -> Response:
    """Take one of the two versions. The other stays readable here.

    To take something of both, edit the submission first and then take `ledger`. What the device
    said can be taken while the submission can be edited: as a draft or returned.

    Of two sources, `ledger` and `both` leave the official value as it is. `observation` corrects
    it by the verbs that anybody would use: what is under review is returned, what is approved is
    reopened, which takes the right to review; who reports for the unit then hands in what the
    source says, and somebody else approves it. A `reason` is required.
    """
    return await turn.act(
        if_match,
        _decide,
        plan=turn.plan,
        actor=turn.actor,
        take=body.take,
        reason=body.reason,
        now=turn.resources.clock.now(),
    )


class _Decision(TypedDict):
    plan: PlanState
    actor: Actor
    reason: str | None
    now: datetime


async def _decide(
    session: AsyncSession,
    conflict: SubmissionConflict,
    *,
    take: TakenVersion,
    **members: Unpack[_Decision],
) -> None:
    """Decide a conflict; a value that its source has withdrawn can no longer be adopted.

    Raises:
        ObservationWithdrawn: it was withdrawn, though the conflict is not closed yet.
    """
    if take == "observation" and conflict.observation_id is not None:
        told = await observations.for_share(session, conflict.city_code, conflict.observation_id)
        if told is not None and is_withdrawn(vars(told)):
            allowed = ["decide"] if conflict.state == "open" else []
            raise ObservationWithdrawn(extra={"state": "withdrawn", "allowed_actions": allowed})
    await service.decide(session, conflict, take=take, **members)
