"""Routes that change a submission: edit, submit, withdraw, approve, return, reopen, falsify."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic_core import to_json
from typing_extensions import override

from services.api.context import IfMatch, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.reasons import ReasonIn, RemarkIn
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.submissions.parameters import SubmissionId
from services.api.submissions.schemas import (
    SubmissionOut,
    SubmissionPatch,
    submission_etag,
    submission_fields,
)
from services.api.turns import Shown, Turn, in_scope
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.plan.state import PlanState
from services.core.submissions import queries, service
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.models import Submission
from services.core.submissions.rules import WRITING_VERBS, SubmissionVerb
from services.core.submissions.verbs import check_right

router = versioned_router("submissions")

_VERB = refusals(403, 404, 409, 412)


@dataclass(frozen=True)
class SubmissionTurn(Turn[Submission]):
    """The turn of a verb on a submission, with the plan that it is checked against."""

    verb: SubmissionVerb
    plan: PlanState

    @override
    async def shown(self) -> Shown:
        row = vars(self.item)
        fields = submission_fields(row, self.plan, self.actor)
        return Shown(fields, to_json(fields), submission_etag(row))

    async def move(self, if_match: str | None, reason: str | None) -> Response:
        """Run the verb, with the reason given."""
        return await self.act(
            if_match,
            service.move,
            self.verb,
            plan=self.plan,
            actor=self.actor,
            reason=reason,
            now=self.resources.clock.now(),
        )


def _taking(verb: SubmissionVerb) -> Any:
    """Return the dependency that locks a submission for a verb."""
    writes = verb in WRITING_VERBS
    permission = Permission.WRITE_SUBMISSIONS if writes else Permission.REVIEW_SUBMISSIONS

    async def take(
        submission_id: SubmissionId,
        actor: Annotated[Actor, Depends(permitted(permission))],
        session: Writing,
        resources: ResourcesDep,
    ) -> SubmissionTurn:
        submission = in_scope(
            await queries.for_update(session, actor, submission_id), SubmissionNotFound
        )
        plan = await resources.plans.of_city(submission.city_code, submission.plan_code, session)
        check_right(actor, verb, vars(submission), plan)
        return SubmissionTurn(submission, actor, session, resources, verb, plan)

    return Depends(take)


@router.patch(
    "/submissions/{submission_id}",
    responses={**answering("SubmissionEdited", ETAG), **_VERB, **refusals(428)},
    openapi_extra=asking("Edit"),
    response_model=SubmissionOut,
)
async def edit_submission(
    body: SubmissionPatch,
    turn: Annotated[SubmissionTurn, _taking("edit")],
    if_match: IfMatch = None,
) -> Response:
    """Change what is reported while it is a draft or returned. `If-Match` is required."""
    await turn.check(if_match, required=True)
    await service.edit(
        turn.session,
        turn.item,
        plan=turn.plan,
        actor=turn.actor,
        changes={name: getattr(body, name) for name in body.model_fields_set},
        now=turn.resources.clock.now(),
    )
    return await turn.answer()


@router.post(
    "/submissions/{submission_id}/submit",
    responses={**answering("SubmissionSubmitted", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=SubmissionOut,
)
async def submit_submission(
    body: RemarkIn, turn: Annotated[SubmissionTurn, _taking("submit")], if_match: IfMatch = None
) -> Response:
    """Hand a draft or a returned one in for review."""
    return await turn.move(if_match, body.reason)


@router.post(
    "/submissions/{submission_id}/withdraw",
    responses={**answering("SubmissionWithdrawn", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=SubmissionOut,
)
async def withdraw_submission(
    body: RemarkIn, turn: Annotated[SubmissionTurn, _taking("withdraw")], if_match: IfMatch = None
) -> Response:
    """Take back what was not approved yet; its place is free again."""
    return await turn.move(if_match, body.reason)


@router.post(
    "/submissions/{submission_id}/approve",
    responses={**answering("SubmissionApproved", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=SubmissionOut,
)
async def approve_submission(
    body: RemarkIn, turn: Annotated[SubmissionTurn, _taking("approve")], if_match: IfMatch = None
) -> Response:
    """Approve it: from now on it counts.

    Nobody approves a revision that they, or another key of their unit, wrote or handed in.
    """
    return await turn.move(if_match, body.reason)


@router.post(
    "/submissions/{submission_id}/return",
    responses={**answering("SubmissionReturned", ETAG), **_VERB},
    openapi_extra=asking("Reason"),
    response_model=SubmissionOut,
)
async def return_submission(
    body: ReasonIn, turn: Annotated[SubmissionTurn, _taking("return")], if_match: IfMatch = None
) -> Response:
    """Send it back to its unit, with the reason."""
    return await turn.move(if_match, body.reason)


@router.post(
    "/submissions/{submission_id}/reopen",
    responses={**answering("SubmissionReopened", ETAG), **_VERB},
    openapi_extra=asking("Reason"),
    response_model=SubmissionOut,
)
async def reopen_submission(
    body: ReasonIn, turn: Annotated[SubmissionTurn, _taking("reopen")], if_match: IfMatch = None
) -> Response:
    """Begin a correction: a new revision. The approved one counts until this one is approved."""
    return await turn.move(if_match, body.reason)


@router.post(
    "/submissions/{submission_id}/falsify",
    responses={**answering("SubmissionFalsified", ETAG), **_VERB},
    openapi_extra=asking("Reason"),
    response_model=SubmissionOut,
)
async def falsify_submission(
    body: ReasonIn, turn: Annotated[SubmissionTurn, _taking("falsify")], if_match: IfMatch = None
) -> Response:
    """Mark an approved value as found falsified; the grade follows from it."""
    return await turn.move(if_match, body.reason)
