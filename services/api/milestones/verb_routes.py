"""Routes that change a milestone: edit, sign for, report, ask for closure, close, and more."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Response
from typing_extensions import override

from services.api.context import IfMatch, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.extensions.schemas import ExtensionIn, ExtensionOut, extension_shown
from services.api.milestones.desks import writing_desk
from services.api.milestones.parameters import MilestoneId, Writer
from services.api.milestones.schemas import (
    CloseIn,
    CompleteIn,
    MilestoneDetailOut,
    MilestonePatch,
    MilestoneReopenIn,
    ProgressIn,
)
from services.api.milestones.views import milestone_detail
from services.api.reasons import ReasonIn
from services.api.routing import versioned_router
from services.api.turns import Shown, Turn, in_scope
from services.core.milestones import queries, service
from services.core.milestones.action_context import MilestoneDesk
from services.core.milestones.assigning import edit
from services.core.milestones.errors import MilestoneNotFound
from services.core.milestones.extending import ask_for_milestone
from services.core.milestones.models import Milestone
from services.core.milestones.rules import MilestoneVerb
from services.core.milestones.service import Report

router = versioned_router("milestones")

_VERB = refusals(403, 404, 409, 412)


@dataclass(frozen=True)
class MilestoneTurn(Turn[Milestone]):
    """The turn of a verb on a milestone, with the desk that checks a change of it."""

    desk: MilestoneDesk

    @override
    async def shown(self) -> Shown:
        return await milestone_detail(self.session, self.item, self.desk)


def _taking(verb: MilestoneVerb) -> Any:
    """Return the dependency that locks a milestone for a verb."""

    async def take(
        milestone_id: MilestoneId, actor: Writer, session: Writing, resources: ResourcesDep
    ) -> MilestoneTurn:
        milestone = in_scope(
            await queries.for_update(session, actor, milestone_id), MilestoneNotFound
        )
        plan = await resources.plans.of_city(milestone.city_code, milestone.plan_code, session)
        desk = await writing_desk(session, resources, plan, actor)
        service.check_right(desk, verb, milestone)
        return MilestoneTurn(milestone, actor, session, resources, desk)

    return Depends(take)


@router.patch(
    "/milestones/{milestone_id}",
    responses={**answering("MilestoneEdited", ETAG), **_VERB, **refusals(428)},
    openapi_extra=asking("MilestoneEdit", "MilestoneTitle"),
    response_model=MilestoneDetailOut,
)
async def edit_milestone(
    body: MilestonePatch,
    turn: Annotated[MilestoneTurn, _taking("edit")],
    if_match: IfMatch = None,
) -> Response:
    """Change what was assigned, give it a new due date, or assign a declined one anew.

    `If-Match` is required. A new due date needs its reason and begins a new epoch. It is for
    the office, and for a lead where another unit promised under its measures.
    """
    await turn.check(if_match, required=True)
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    await edit(turn.session, turn.item, desk=turn.desk, changes=changes)
    return await turn.answer()


@router.post(
    "/milestones/{milestone_id}/accept",
    responses={**answering("MilestoneAccepted", ETAG), **_VERB},
    response_model=MilestoneDetailOut,
)
async def accept_milestone(
    turn: Annotated[MilestoneTurn, _taking("accept")], if_match: IfMatch = None
) -> Response:
    """Sign for a milestone that was assigned to the caller's unit."""
    return await turn.act(if_match, service.accept, desk=turn.desk)


@router.post(
    "/milestones/{milestone_id}/decline",
    responses={**answering("MilestoneDeclined", ETAG), **_VERB},
    openapi_extra=asking("MilestoneDecline"),
    response_model=MilestoneDetailOut,
)
async def decline_milestone(
    body: ReasonIn,
    turn: Annotated[MilestoneTurn, _taking("decline")],
    if_match: IfMatch = None,
) -> Response:
    """Refuse to sign for it, with the reason; whoever assigns may assign it anew."""
    return await turn.act(if_match, service.decline, desk=turn.desk, reason=body.reason)


@router.post(
    "/milestones/{milestone_id}/progress",
    responses={**answering("MilestoneProgressed", ETAG), **_VERB},
    openapi_extra=asking("MilestoneProgress"),
    response_model=MilestoneDetailOut,
)
async def report_milestone_progress(
    body: ProgressIn,
    turn: Annotated[MilestoneTurn, _taking("progress")],
    if_match: IfMatch = None,
) -> Response:
    """Report how far it is; that answers a return too."""
    report = Report(
        percent=body.percent,
        narrative=body.narrative,
        problems=body.problems,
        next_steps=body.next_steps,
        expected_date=body.expected_date,
    )
    return await turn.act(if_match, service.report_progress, desk=turn.desk, report=report)


@router.post(
    "/milestones/{milestone_id}/complete",
    responses={**answering("MilestoneCompleted", ETAG), **_VERB},
    openapi_extra=asking("MilestoneCompletion"),
    response_model=MilestoneDetailOut,
)
async def complete_milestone(
    body: CompleteIn,
    turn: Annotated[MilestoneTurn, _taking("complete")],
    if_match: IfMatch = None,
) -> Response:
    """Ask for closure, with what the milestone's `evidence_rule` demands."""
    return await turn.act(
        if_match,
        service.complete,
        desk=turn.desk,
        narrative=body.narrative,
        evidence=[piece.model_dump() for piece in body.evidence],
    )


@router.post(
    "/milestones/{milestone_id}/close",
    responses={**answering("MilestoneClosed", ETAG), **_VERB},
    openapi_extra=asking("MilestoneClosure"),
    response_model=MilestoneDetailOut,
)
async def close_milestone(
    body: CloseIn,
    turn: Annotated[MilestoneTurn, _taking("close")],
    if_match: IfMatch = None,
) -> Response:
    """Close it with a grade. Nobody closes what their own unit promised or handed in.

    The office closes any; a lead what other units did under the measures that its unit leads.
    """
    return await turn.act(
        if_match, service.close, desk=turn.desk, grade=body.grade, comment=body.comment
    )


@router.post(
    "/milestones/{milestone_id}/return",
    responses={**answering("MilestoneReturned", ETAG), **_VERB},
    openapi_extra=asking("MilestoneReturn"),
    response_model=MilestoneDetailOut,
)
async def return_milestone(
    body: ReasonIn,
    turn: Annotated[MilestoneTurn, _taking("return")],
    if_match: IfMatch = None,
) -> Response:
    """Send a request for closure back to its unit, which has to answer in time."""
    return await turn.act(if_match, service.return_, desk=turn.desk, reason=body.reason)


@router.post(
    "/milestones/{milestone_id}/reopen",
    responses={**answering("MilestoneReopened", ETAG), **_VERB},
    openapi_extra=asking("MilestoneReopening"),
    response_model=MilestoneDetailOut,
)
async def reopen_milestone(
    body: MilestoneReopenIn,
    turn: Annotated[MilestoneTurn, _taking("reopen")],
    if_match: IfMatch = None,
) -> Response:
    """Take a closed milestone up again: a new epoch, with a new due date if one is given."""
    return await turn.act(
        if_match, service.reopen, desk=turn.desk, reason=body.reason, due_date=body.due_date
    )


@router.post(
    "/milestones/{milestone_id}/cancel",
    responses={**answering("MilestoneCancelled", ETAG), **_VERB},
    openapi_extra=asking("MilestoneCancellation"),
    response_model=MilestoneDetailOut,
)
async def cancel_milestone(
    body: ReasonIn,
    turn: Annotated[MilestoneTurn, _taking("cancel")],
    if_match: IfMatch = None,
) -> Response:
    """Give a milestone up for good, with the reason."""
    return await turn.act(if_match, service.cancel, desk=turn.desk, reason=body.reason)


@router.post(
    "/milestones/{milestone_id}/extensions",
    status_code=201,
    responses={
        **answering("ExtensionRequested", ETAG, LOCATION, status=201, model=ExtensionOut),
        **_VERB,
    },
    openapi_extra=asking("ExtensionRequest"),
    response_model=None,
)
async def request_milestone_extension(
    body: ExtensionIn,
    turn: Annotated[MilestoneTurn, _taking("extensions")],
    if_match: IfMatch = None,
) -> Response:
    """Ask for more time; one request may wait at a time, and the plan limits how many are granted.

    `If-Match` names the milestone's version. Until it is granted the present due date stands.
    """
    await turn.check(if_match)
    extension = await ask_for_milestone(
        turn.session,
        turn.item,
        desk=turn.desk,
        proposed_date=body.proposed_date,
        reason=body.reason,
    )
    leads = turn.desk.leads(turn.item.measure_code)
    shown = extension_shown(extension, turn.actor, leads)
    return shown.created(f"/v1/extensions/{extension.id}")
