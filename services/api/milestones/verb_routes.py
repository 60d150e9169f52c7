"""Paths that change a milestone: edit it, sign for it, report, ask for closure, close, and more."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Response

from services.api.answers import json_answer
from services.api.context import Held, IfMatch, Writing, check_version
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.extensions import examples as extension_examples
from services.api.extensions.schemas import ExtensionIn, ExtensionOut, extension_body
from services.api.milestones import examples
from services.api.milestones.routes import MilestoneId, Writer, writing_desk
from services.api.milestones.schemas import (
    CloseIn,
    CompleteIn,
    MilestoneDetailOut,
    MilestonePatch,
    MilestoneReopenIn,
    ProgressIn,
)
from services.api.milestones.views import milestone_detail
from services.api.routing import versioned_router
from services.api.submissions.schemas import ReasonIn
from services.core.milestones import queries, service
from services.core.milestones.action_context import ActionContext
from services.core.milestones.assigning import edit
from services.core.milestones.errors import MilestoneNotFound
from services.core.milestones.extending import ask_for_milestone
from services.core.milestones.models import Milestone
from services.core.milestones.rules import MilestoneVerb
from services.core.milestones.service import Report

router = versioned_router("milestones")

_VERB = refusals(403, 404, 409, 412)


@dataclass(frozen=True, slots=True)
class Turn:
    """A locked milestone in the caller's scope, and a caller with the right to the verb."""

    milestone: Milestone
    desk: ActionContext
    session: Writing

    async def check(self, if_match: str | None, *, required: bool = False) -> None:
        """Refuse a change that is based on another version than the one that stands."""
        if if_match is None and not required:
            return
        current, _, etag = await milestone_detail(self.session, self.milestone, self.desk)
        check_version(if_match, etag, required=required, current=current)

    async def shown(self) -> Response:
        """Return the milestone as it stands after the change."""
        _, body, etag = await milestone_detail(self.session, self.milestone, self.desk)
        return json_answer(body, etag=etag)


@dataclass(frozen=True, slots=True)
class Taking:
    """The dependency that takes a milestone's turn for a verb, before the body is judged."""

    verb: MilestoneVerb

    async def __call__(
        self, milestone_id: MilestoneId, actor: Writer, session: Writing, held: Held
    ) -> Turn:
        """Return the turn.

        Raises:
            MilestoneNotFound: there is none of this id in the caller's scope.
            OwnMilestone, Forbidden: the caller has no right to the verb.
        """
        milestone = await queries.for_update(session, actor, milestone_id)
        if milestone is None:
            raise MilestoneNotFound
        plan = await held.plans.of_city(milestone.city_code, milestone.plan_code, session)
        desk = await writing_desk(session, held, plan, actor)
        service.check_right(desk, self.verb, milestone)
        return Turn(milestone, desk, session)


@router.patch(
    "/milestones/{milestone_id}",
    responses={**answering(examples.EDITED, ETAG), **_VERB, **refusals(428)},
    openapi_extra=asking(examples.EDIT, examples.RETITLE),
    response_model=MilestoneDetailOut,
)
async def edit_milestone(
    body: MilestonePatch,
    turn: Annotated[Turn, Depends(Taking("edit"))],
    if_match: IfMatch = None,
) -> Response:
    """Change what was assigned, give it a new due date, or assign a declined one anew.

    `If-Match` is required. A new due date needs its reason and begins a new epoch. It is for
    the office, and for a lead where another unit promised under its measures.
    """
    await turn.check(if_match, required=True)
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    await edit(turn.session, turn.milestone, desk=turn.desk, changes=changes)
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/accept",
    responses={**answering(examples.ACCEPTED, ETAG), **_VERB},
    response_model=MilestoneDetailOut,
)
async def accept_milestone(
    turn: Annotated[Turn, Depends(Taking("accept"))], if_match: IfMatch = None
) -> Response:
    """Sign for a milestone that was assigned to the caller's unit."""
    await turn.check(if_match)
    await service.accept(turn.session, turn.milestone, desk=turn.desk)
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/decline",
    responses={**answering(examples.DECLINED, ETAG), **_VERB},
    openapi_extra=asking(examples.DECLINE),
    response_model=MilestoneDetailOut,
)
async def decline_milestone(
    body: ReasonIn,
    turn: Annotated[Turn, Depends(Taking("decline"))],
    if_match: IfMatch = None,
) -> Response:
    """Refuse to sign for it, with the reason; whoever assigns may assign it anew."""
    await turn.check(if_match)
    await service.decline(turn.session, turn.milestone, desk=turn.desk, reason=body.reason)
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/progress",
    responses={**answering(examples.PROGRESSED, ETAG), **_VERB},
    openapi_extra=asking(examples.PROGRESS),
    response_model=MilestoneDetailOut,
)
async def report_milestone_progress(
    body: ProgressIn,
    turn: Annotated[Turn, Depends(Taking("progress"))],
    if_match: IfMatch = None,
) -> Response:
    """Report how far it is; that answers a return too."""
    await turn.check(if_match)
    report = Report(
        percent=body.percent,
        narrative=body.narrative,
        problems=body.problems,
        next_steps=body.next_steps,
        expected_date=body.expected_date,
    )
    await service.report_progress(turn.session, turn.milestone, desk=turn.desk, report=report)
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/complete",
    responses={**answering(examples.COMPLETED, ETAG), **_VERB},
    openapi_extra=asking(examples.COMPLETION),
    response_model=MilestoneDetailOut,
)
async def complete_milestone(
    body: CompleteIn,
    turn: Annotated[Turn, Depends(Taking("complete"))],
    if_match: IfMatch = None,
) -> Response:
    """Ask for closure, with what the milestone's `evidence_rule` demands."""
    await turn.check(if_match)
    await service.complete(
        turn.session,
        turn.milestone,
        desk=turn.desk,
        narrative=body.narrative,
        evidence=[piece.model_dump() for piece in body.evidence],
    )
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/close",
    responses={**answering(examples.CLOSED, ETAG), **_VERB},
    openapi_extra=asking(examples.CLOSURE),
    response_model=MilestoneDetailOut,
)
async def close_milestone(
    body: CloseIn,
    turn: Annotated[Turn, Depends(Taking("close"))],
    if_match: IfMatch = None,
) -> Response:
    """Close it with a grade. Nobody closes what their own unit promised or handed in.

    The office closes any; a lead what other units did under the measures that its unit leads.
    """
    await turn.check(if_match)
    await service.close(
        turn.session, turn.milestone, desk=turn.desk, grade=body.grade, comment=body.comment
    )
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/return",
    responses={**answering(examples.RETURNED, ETAG), **_VERB},
    openapi_extra=asking(examples.RETURN),
    response_model=MilestoneDetailOut,
)
async def return_milestone(
    body: ReasonIn,
    turn: Annotated[Turn, Depends(Taking("return"))],
    if_match: IfMatch = None,
) -> Response:
    """Send a request for closure back to its unit, which has to answer in time."""
    await turn.check(if_match)
    await service.return_(turn.session, turn.milestone, desk=turn.desk, reason=body.reason)
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/reopen",
    responses={**answering(examples.REOPENED, ETAG), **_VERB},
    openapi_extra=asking(examples.REOPENING),
    response_model=MilestoneDetailOut,
)
async def reopen_milestone(
    body: MilestoneReopenIn,
    turn: Annotated[Turn, Depends(Taking("reopen"))],
    if_match: IfMatch = None,
) -> Response:
    """Take a closed milestone up again: a new epoch, with a new due date if one is given."""
    await turn.check(if_match)
    await service.reopen(
        turn.session, turn.milestone, desk=turn.desk, reason=body.reason, due_date=body.due_date
    )
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/cancel",
    responses={**answering(examples.CANCELLED, ETAG), **_VERB},
    openapi_extra=asking(examples.CANCELLATION),
    response_model=MilestoneDetailOut,
)
async def cancel_milestone(
    body: ReasonIn,
    turn: Annotated[Turn, Depends(Taking("cancel"))],
    if_match: IfMatch = None,
) -> Response:
    """Give a milestone up for good, with the reason."""
    await turn.check(if_match)
    await service.cancel(turn.session, turn.milestone, desk=turn.desk, reason=body.reason)
    return await turn.shown()


@router.post(
    "/milestones/{milestone_id}/extensions",
    status_code=201,
    responses={
        **answering(extension_examples.REQUESTED, ETAG, LOCATION, status=201, model=ExtensionOut),
        **_VERB,
    },
    openapi_extra=asking(extension_examples.REQUEST),
    response_model=None,
)
async def request_milestone_extension(
    body: ExtensionIn,
    turn: Annotated[Turn, Depends(Taking("extensions"))],
    if_match: IfMatch = None,
) -> Response:
    """Ask for more time; one request may wait at a time, and the plan limits how many are granted.

    `If-Match` names the milestone's version. Until it is granted the present due date stands.
    """
    await turn.check(if_match)
    desk = turn.desk
    extension = await ask_for_milestone(
        turn.session,
        turn.milestone,
        desk=desk,
        proposed_date=body.proposed_date,
        reason=body.reason,
    )
    leads = desk.leads(turn.milestone.measure_code)
    _, answer, etag = extension_body(extension, desk.actor, leads)
    headers = {"ETag": etag, "Location": f"/v1/extensions/{extension.id}"}
    return Response(answer, 201, headers, media_type="application/json")
