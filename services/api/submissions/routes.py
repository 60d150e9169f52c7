"""Paths of submissions. Creating one is the hot write: one statement, one round trip."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic_core import to_json

from services.api.context import (
    Held,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    Resources,
    ValidateOnly,
    Writing,
    check_match,
    json_answer,
    request_key,
)
from services.api.contract import refusals
from services.api.plan.routes import parsed_period
from services.api.routing import ExactRoute, replayed
from services.api.security import permitted
from services.api.submissions.schemas import (
    CheckedSubmission,
    Faulty,
    HistoryOut,
    ReasonIn,
    RemarkIn,
    SubmissionIn,
    SubmissionListOut,
    SubmissionOut,
    SubmissionPatch,
    history_out,
    submission_body,
    submission_etag,
    submission_fields,
)
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.faults import faults_of
from services.core.kit.pagination import BadPageToken, new_page_token, read_page_token, read_uuid
from services.core.kit.text import Text
from services.core.plan.queries import PlanState
from services.core.submissions import queries, service
from services.core.submissions.creation import (
    Draft,
    Reply,
    create,
    draw_up,
    reference_faults,
)
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.models import Submission
from services.core.submissions.queries import Filters
from services.core.submissions.rules import Form, State, Verb

router = APIRouter(route_class=ExactRoute, tags=["submissions"])

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]
Reviewer = Annotated[Actor, Depends(permitted(Permission.REVIEW_SUBMISSIONS))]

_CREATED: dict[int | str, dict[str, Any]] = {201: {"model": SubmissionOut}}
_VERB = refusals(400, 401, 403, 404, 409, 412, 422)


@router.post(
    "/plans/{plan}/submissions",
    status_code=201,
    responses={**_CREATED, **refusals(400, 401, 403, 404, 409, 413, 415, 422)},
    response_model=None,
)
async def create_submission(
    body: CheckedSubmission,
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    held: Held,
    idempotency_key: IdempotencyKey = None,
    *,
    validate_only: ValidateOnly = False,
) -> Response:
    """Report a value. A second one for the same indicator, unit and period is 409."""
    draft = _draft(body, plan, actor)
    row = draw_up(draft, plan=plan, actor=actor, now=held.clock.now())
    answer, etag = submission_body(row, plan, actor), submission_etag(row)
    location = f"/v1/submissions/{row['id']}"
    reply = None
    if idempotency_key is not None and not validate_only:
        key = await request_key(request, actor, idempotency_key)
        reply = Reply(key, 201, answer, etag, location)
    async with held.database.pool.acquire() as connection:
        earlier = await create(
            connection,
            row=row,
            plan=plan,
            actor=actor.stamp(),
            reply=reply,
            true_now=held.clock.true_now(),
            preview=validate_only,
        )
    if earlier is not None:
        return replayed(earlier)
    held.doorbell.ring()
    return Response(
        answer, 201, {"ETag": etag, "Location": location}, media_type="application/json"
    )


def _draft(body: SubmissionIn | Faulty, plan: PlanState, actor: Actor) -> Draft:
    """Return what is to be reported, or every fault of shape and of reference at once."""
    if isinstance(body, Faulty):
        faults = faults_of(body.errors)
        members = body.members
        indicator, unit = members.get("indicator_code"), members.get("organization_code")
        faults += reference_faults(
            indicator if isinstance(indicator, str) else None,
            unit if isinstance(unit, str) else None,
            plan,
        )
        faults += _period_faults(members.get("period"), plan)
        raise InvalidInput(faults=faults)
    faults = _period_faults(body.period, plan) + _behalf_faults(body, actor)
    if faults:
        faults += reference_faults(body.indicator_code, body.organization_code, plan)
        raise InvalidInput(faults=faults)
    return Draft(
        indicator_code=body.indicator_code,
        organization_code=body.organization_code,
        period=body.period,
        form=Form(
            value=body.value,
            numerator=body.numerator,
            denominator=body.denominator,
            level=body.level,
            not_applicable_reason=body.not_applicable_reason,
        ),
        data_status=body.data_status,
        note=body.note,
        source=body.source,
        draft=body.draft,
    )


def _period_faults(code: object, plan: PlanState) -> list[Fault]:
    if not isinstance(code, str):
        return []
    try:
        parsed_period(plan, code, "/period")
    except InvalidInput as error:
        return list(error.faults)
    return []


def _behalf_faults(body: SubmissionIn, actor: Actor) -> list[Fault]:
    if body.on_behalf_of in {None, False}:
        return []
    if actor.role != "office":
        return [
            Fault(
                "/on_behalf_of",
                "office-only",
                Text("只有领导小组办公室可以代报", "Only the office reports on behalf of a unit"),
            )
        ]
    if body.on_behalf_of not in {True, body.organization_code}:
        return [
            Fault(
                "/on_behalf_of",
                "another-organization",
                Text("代报的单位与 organization_code 不一致", "It names another organization"),
                str(body.on_behalf_of),
            )
        ]
    return []


@router.get(
    "/plans/{plan}/submissions",
    responses=refusals(400, 401, 403, 404, 422),
    response_model=SubmissionListOut,
)
async def list_submissions(
    actor: Reader,
    plan: PlanInScope,
    held: Held,
    indicator_code: Annotated[str | None, Query(max_length=60)] = None,
    organization_code: Annotated[str | None, Query(max_length=60)] = None,
    period: Annotated[str | None, Query(max_length=40)] = None,
    state: State | None = None,
    changed_after: Annotated[
        int | None, Query(ge=0, le=2**62, description="List what changed since this log position")
    ] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> Response:
    """List the submissions that the caller may see, newest first."""
    if period is not None:
        parsed_period(plan, period, "/query/period")
    filters = Filters(indicator_code, organization_code, period, state)
    if changed_after is not None:
        if page_token is not None:
            raise BadPageToken
        return await _changes(held, actor, plan, filters, changed_after, page_size)
    named = {"plan": plan.code, **dict(filters.conditions())}
    after = None
    if page_token is not None:
        after = read_uuid(read_page_token(page_token, named, parts=1)[0])
    async with held.database.pool.acquire() as connection:
        rows = await queries.page(
            connection,
            actor,
            plan_code=plan.code,
            filters=filters,
            after=after,
            limit=page_size + 1,
        )
    page = rows[:page_size]
    more = len(rows) > page_size
    listed = {
        "items": [submission_fields(row, plan, actor) for row in page],
        "next_page_token": new_page_token([str(page[-1]["id"])], named) if more else None,
        "tombstones": [],
        "position": None,
        "has_more": more,
    }
    return Response(to_json(listed), media_type="application/json")


async def _changes(
    held: Resources,
    actor: Actor,
    plan: PlanState,
    filters: Filters,
    position: int,
    limit: int,
) -> Response:
    async with held.database.pool.acquire() as connection:
        rows, read_to, more = await queries.changed_after(
            connection,
            actor,
            plan_code=plan.code,
            filters=filters,
            position=position,
            limit=limit,
        )
    listed = {
        "items": [
            submission_fields(row, plan, actor) for row in rows if row["state"] != "withdrawn"
        ],
        "next_page_token": None,
        "tombstones": [
            {"id": row["id"], "position": row["position"]}
            for row in rows
            if row["state"] == "withdrawn"
        ],
        "position": read_to,
        "has_more": more,
    }
    return Response(to_json(listed), media_type="application/json")


@router.get(
    "/submissions/{submission_id}",
    responses=refusals(401, 403, 404, 422),
    response_model=SubmissionOut,
)
async def get_submission(
    submission_id: UUID, actor: Reader, held: Held, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one submission."""
    async with held.database.pool.acquire() as connection:
        row = await queries.one(connection, actor, submission_id)
    if row is None:
        raise SubmissionNotFound
    plan = await held.plans.of_city(row["city_code"], row["plan_code"])
    return json_answer(
        submission_body(row, plan, actor), etag=submission_etag(row), if_none_match=if_none_match
    )


@router.get("/submissions/{submission_id}/history", responses=refusals(400, 401, 403, 404, 422))
async def get_submission_history(
    submission_id: UUID,
    actor: Reader,
    held: Held,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> HistoryOut:
    """Return every change: before and after, who, when, by which channel and request, why."""
    async with held.database.pool.acquire() as connection:
        row = await queries.one(connection, actor, submission_id)
    if row is None:
        raise SubmissionNotFound
    named = {"history": str(submission_id)}
    after = 0
    if page_token is not None:
        version = read_page_token(page_token, named, parts=1)[0]
        after = int(version) if version.isdigit() else 0
    # One more than asked on either side: the one before gives `before`, the one after `more`.
    found = list(
        await queries.history(
            session, row["city_code"], submission_id, after=max(after - 1, 0), limit=page_size + 2
        )
    )
    before = found.pop(0).after if after else None
    page = found[:page_size]
    return HistoryOut(
        items=history_out(page, before),
        next_page_token=new_page_token([str(page[-1].version)], named)
        if len(found) > page_size
        else None,
    )


async def _locked(session: Writing, actor: Actor, submission_id: UUID) -> Submission:
    submission = await queries.for_update(session, actor, submission_id)
    if submission is None:
        raise SubmissionNotFound
    return submission


def _answer(submission: Submission, plan: PlanState, actor: Actor) -> Response:
    row = vars(submission)
    return json_answer(submission_body(row, plan, actor), etag=submission_etag(row))


@router.patch(
    "/submissions/{submission_id}",
    responses=refusals(400, 401, 403, 404, 409, 412, 415, 422, 428),
    response_model=SubmissionOut,
)
async def edit_submission(
    submission_id: UUID,
    body: SubmissionPatch,
    actor: Writer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Change what is reported while it is a draft or returned. `If-Match` is required."""
    submission = await _locked(session, actor, submission_id)
    plan = await held.plans.of_city(submission.city_code, submission.plan_code)
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
    verb: Verb,
    submission_id: UUID,
    reason: str | None,
    actor: Actor,
    session: Writing,
    held: Resources,
    if_match: str | None,
) -> Response:
    submission = await _locked(session, actor, submission_id)
    plan = await held.plans.of_city(submission.city_code, submission.plan_code)
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


@router.post("/submissions/{submission_id}/submit", responses=_VERB, response_model=SubmissionOut)
async def submit_submission(
    submission_id: UUID,
    body: RemarkIn,
    actor: Writer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Hand a draft or a returned one in for review."""
    return await _move("submit", submission_id, body.reason, actor, session, held, if_match)


@router.post("/submissions/{submission_id}/withdraw", responses=_VERB, response_model=SubmissionOut)
async def withdraw_submission(
    submission_id: UUID,
    body: RemarkIn,
    actor: Writer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Take back what was not approved yet; its place is free again."""
    return await _move("withdraw", submission_id, body.reason, actor, session, held, if_match)


@router.post("/submissions/{submission_id}/approve", responses=_VERB, response_model=SubmissionOut)
async def approve_submission(
    submission_id: UUID,
    body: RemarkIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Approve it: from now on it counts. Nobody approves what their own unit reported."""
    return await _move("approve", submission_id, body.reason, actor, session, held, if_match)


@router.post("/submissions/{submission_id}/return", responses=_VERB, response_model=SubmissionOut)
async def return_submission(
    submission_id: UUID,
    body: ReasonIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Send it back to its unit, with the reason."""
    return await _move("return", submission_id, body.reason, actor, session, held, if_match)


@router.post("/submissions/{submission_id}/reopen", responses=_VERB, response_model=SubmissionOut)
async def reopen_submission(
    submission_id: UUID,
    body: ReasonIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Begin a correction: a new revision. The approved one counts until this one is approved."""
    return await _move("reopen", submission_id, body.reason, actor, session, held, if_match)


@router.post("/submissions/{submission_id}/falsify", responses=_VERB, response_model=SubmissionOut)
async def falsify_submission(
    submission_id: UUID,
    body: ReasonIn,
    actor: Reviewer,
    session: Writing,
    held: Held,
    if_match: IfMatch = None,
) -> Response:
    """Mark an approved value as found falsified; the grade follows from it."""
    return await _move("falsify", submission_id, body.reason, actor, session, held, if_match)
