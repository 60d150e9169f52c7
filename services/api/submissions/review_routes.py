"""Paths that change a submission: edit, submit, withdraw, approve, return, reopen, falsify."""

from typing import Annotated

from fastapi import Depends, Response

from services.api.answers import json_answer
from services.api.context import Held, IfMatch, Resources, Writing, check_match
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.submissions import examples
from services.api.submissions.routes import SubmissionId
from services.api.submissions.schemas import (
    ReasonIn,
    RemarkIn,
    SubmissionOut,
    SubmissionPatch,
    submission_body,
    submission_etag,
    submission_fields,
)
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.plan.queries import PlanState
from services.core.submissions import queries, service
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.models import Submission
from services.core.submissions.rules import SubmissionVerb

router = versioned_router("submissions")

Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]
Reviewer = Annotated[Actor, Depends(permitted(Permission.REVIEW_SUBMISSIONS))]

_VERB = refusals(403, 404, 409, 412)


async def _locked(session: Writing, actor: Actor, submission_id: SubmissionId) -> Submission:
    submission = await queries.for_update(session, actor, submission_id)
    if submission is None:
        raise SubmissionNotFound
    return submission


def _answer(submission: Submission, plan: PlanState, actor: Actor) -> Response:
    row = vars(submission)
    return json_answer(submission_body(row, plan, actor), etag=submission_etag(row))


@router.patch(
    "/submissions/{submission_id}",
    responses={**answering(examples.EDITED, ETAG), **_VERB, **refusals(428)},
    openapi_extra=asking(examples.EDIT),
    response_model=SubmissionOut,
)
async def edit_submission(
    submission_id: SubmissionId,
    body: SubmissionPatch,
    actor: Writer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Change what is reported while it is a draft or returned. `If-Match` is required."""
    submission = await _locked(session, actor, submission_id)
    plan = await held.plans.of_city(submission.city_code, submission.plan_code, session)
    row = vars(submission)
    check_match(
        if_match,
        submission_etag(row),
        required=True,
        current=submission_fields(row, plan, actor),
    )
    await service.edit(
        session,
        submission,
        plan=plan,
        actor=actor,
        changes={name: getattr(body, name) for name in body.model_fields_set},
        now=held.clock.now(),
    )
    return _answer(submission, plan, actor)


async def _move(
    verb: SubmissionVerb,
    submission_id: SubmissionId,
    reason: str | None,
    actor: Actor,
    session: Writing,
    held: Resources,
    if_match: str | None,
) -> Response:
    submission = await _locked(session, actor, submission_id)
    plan = await held.plans.of_city(submission.city_code, submission.plan_code, session)
    row = vars(submission)
    check_match(
        if_match,
        submission_etag(row),
        required=False,
        current=submission_fields(row, plan, actor),
    )
    await service.move(
        session,
        submission,
        verb,
        plan=plan,
        actor=actor,
        reason=reason,
        now=held.clock.now(),
    )
    return _answer(submission, plan, actor)


@router.post(
    "/submissions/{submission_id}/submit",
    responses={**answering(examples.SUBMITTED, ETAG), **_VERB},
    openapi_extra=asking(examples.REMARK, required=False),
    response_model=SubmissionOut,
)
async def submit_submission(
    submission_id: SubmissionId,
    body: RemarkIn,
    actor: Writer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Hand a draft or a returned one in for review."""
    return await _move("submit", submission_id, body.reason, actor, session, held, if_match)


@router.post(
    "/submissions/{submission_id}/withdraw",
    responses={**answering(examples.WITHDRAWN, ETAG), **_VERB},
    openapi_extra=asking(examples.REMARK, required=False),
    response_model=SubmissionOut,
)
async def withdraw_submission(
    submission_id: SubmissionId,
    body: RemarkIn,
    actor: Writer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Take back what was not approved yet; its place is free again."""
    return await _move("withdraw", submission_id, body.reason, actor, session, held, if_match)


@router.post(
    "/submissions/{submission_id}/approve",
    responses={**answering(examples.APPROVED, ETAG), **_VERB},
    openapi_extra=asking(examples.REMARK, required=False),
    response_model=SubmissionOut,
)
async def approve_submission(
    submission_id: SubmissionId,
    body: RemarkIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Approve it: from now on it counts.

    Nobody approves a revision that they, or another key of their unit, wrote or handed in.
    """
    return await _move("approve", submission_id, body.reason, actor, session, held, if_match)


@router.post(
    "/submissions/{submission_id}/return",
    responses={**answering(examples.RETURNED, ETAG), **_VERB},
    openapi_extra=asking(examples.REASON),
    response_model=SubmissionOut,
)
async def return_submission(
    submission_id: SubmissionId,
    body: ReasonIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Send it back to its unit, with the reason."""
    return await _move("return", submission_id, body.reason, actor, session, held, if_match)


@router.post(
    "/submissions/{submission_id}/reopen",
    responses={**answering(examples.REOPENED, ETAG), **_VERB},
    openapi_extra=asking(examples.REASON),
    response_model=SubmissionOut,
)
async def reopen_submission(
    submission_id: SubmissionId,
    body: ReasonIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Begin a correction: a new revision. The approved one counts until this one is approved."""
    return await _move("reopen", submission_id, body.reason, actor, session, held, if_match)


@router.post(
    "/submissions/{submission_id}/falsify",
    responses={**answering(examples.FALSIFIED, ETAG), **_VERB},
    openapi_extra=asking(examples.REASON),
    response_model=SubmissionOut,
)
async def falsify_submission(
    submission_id: SubmissionId,
    body: ReasonIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Mark an approved value as found falsified; the grade follows from it."""
    return await _move("falsify", submission_id, body.reason, actor, session, held, if_match)
