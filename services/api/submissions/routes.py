"""Routes of submissions. Creating one is the hot write: one statement, one round trip."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic_core import to_json

from services.api.actors import name_actors
from services.api.answers import created, json_answer
from services.api.context import (
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanCode,
    Reading,
    Resources,
    ResourcesDep,
    request_key,
    resources_of,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.deferred_faults import DeferredFaults
from services.api.filters import ChangedAfter, check_codes
from services.api.paging import after_id, cut, history_page, of_list
from services.api.plan_parameters import PeriodFilter
from services.api.routing import access_of, plan_access, replayed, versioned_router
from services.api.submissions.parameters import Reader, SubmissionId
from services.api.submissions.schemas import (
    CheckedSubmission,
    HistoryOut,
    SubmissionIn,
    SubmissionListOut,
    SubmissionOut,
    image_fields,
    submission_body,
    submission_etag,
    submission_fields,
)
from services.api.turns import in_scope
from services.api.write_options import IdempotencyKey, ValidateOnly
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.kit.faults import faults_of
from services.core.kit.pagination import BadPageToken
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.submissions import queries
from services.core.submissions.creation import (
    Reply,
    SubmissionDraft,
    create,
    draw_up,
    judged_at_entry,
    reference_faults,
)
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.judging import period_faults
from services.core.submissions.queries import SubmissionFilters
from services.core.submissions.rules import REMARKS, Form, Remarks, SubmissionState

router = versioned_router("submissions")


async def _seen(
    submission_id: SubmissionId, actor: Reader, resources: ResourcesDep
) -> Mapping[str, Any]:
    """Return a submission as the caller sees it.

    Raises:
        SubmissionNotFound: no submission with this id is in the caller's scope.
    """
    async with resources.reads.pool.acquire() as connection:
        return in_scope(await queries.one(connection, actor, submission_id), SubmissionNotFound)


Seen = Annotated[Mapping[str, Any], Depends(_seen)]


@router.post(
    "/plans/{plan}/submissions",
    status_code=201,
    responses={
        **answering("SubmissionSubmitted", ETAG, LOCATION, status=201, model=SubmissionOut),
        **refusals(403, 404, 409),
    },
    openapi_extra=asking("ReportRatio", "ReportValue", "ReportNotApplicable"),
    response_model=None,
)
@plan_access(Permission.WRITE_SUBMISSIONS)
async def create_submission(
    body: CheckedSubmission,
    request: Request,
    _plan: PlanCode,
    idempotency_key: IdempotencyKey = None,
    *,
    validate_only: ValidateOnly = False,
) -> Response:
    """Report a value. A second one for the same indicator, unit and period is 409.

    It is handed in for review at once unless `draft` is true. The 409 `submission-exists` names
    the first, unless that was withdrawn.
    """
    access, resources = access_of(request), resources_of(request)
    plan, actor = access.plan, access.actor
    now = resources.clock.now()
    draft = _draft(body, plan, plan.local_date(now))
    row = draw_up(draft, plan=plan, actor=actor, now=now)
    key = None
    if idempotency_key is not None and not validate_only:
        key = await request_key(request, actor, idempotency_key)
    etag, location = submission_etag(row), f"/v1/submissions/{row['id']}"
    pool = resources.database.pool
    row = await judged_at_entry(pool, row, plan=plan, actor=actor)
    # Serialise before taking a connection, so that none is held meanwhile.
    answer = submission_body(row, plan, actor)
    reply = None if key is None else Reply(key, 201, answer, etag, location)
    async with pool.acquire() as connection:
        earlier = await create(
            connection,
            row=row,
            plan=plan,
            actor=actor.stamp(),
            reply=reply,
            true_now=resources.clock.true_now(),
            preview=validate_only,
        )
    if earlier is not None:
        return replayed(earlier)
    resources.doorbell.ring()
    return created(answer, etag=etag, location=location)


def _draft(body: SubmissionIn | DeferredFaults, plan: PlanState, today: date) -> SubmissionDraft:
    """Return the submission to write, or raise every fault of shape and of reference at once."""
    if isinstance(body, DeferredFaults):
        faults = faults_of(body.errors)
        members = body.members
        indicator, unit = members.get("indicator_code"), members.get("organization_code")
        faults += reference_faults(
            indicator if isinstance(indicator, str) else None,
            unit if isinstance(unit, str) else None,
            plan,
        )
        if isinstance(period := members.get("period"), str):
            faults += period_faults(period, plan, today)
        raise InvalidInput(faults=faults)
    return SubmissionDraft(
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
        remarks=Remarks(**{name: getattr(body, name) for name in REMARKS}),
        draft=body.draft,
        on_behalf_of=body.on_behalf_of,
    )


@router.get(
    "/plans/{plan}/submissions",
    responses={**answering("Submissions"), **refusals(403, 404, 410)},
    response_model=SubmissionListOut,
)
@plan_access(Permission.READ_SUBMISSIONS)
async def list_submissions(
    request: Request,
    _plan: PlanCode,
    indicator_code: Annotated[
        str | None, Query(max_length=60, description="Of this indicator only")
    ] = None,
    organization_code: Annotated[
        str | None, Query(max_length=60, description="Of this organization only")
    ] = None,
    period: PeriodFilter = None,
    state: Annotated[SubmissionState | None, Query(description="In this state only")] = None,
    changed_after: ChangedAfter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> Response:
    """List the submissions that the caller may see, newest first.

    With `changed_after` it lists what changed since that position of the city's log, and as
    `tombstones` what left the list: withdrawn, or with `state` in another state now. Go on from
    `position` while `has_more`. The superior sees what was approved; while that is corrected, it
    goes on seeing the approved revision, which counts until the next one is approved.
    """
    access, resources = access_of(request), resources_of(request)
    plan, actor = access.plan, access.actor
    if period is not None:
        parsed_period(plan, period, "/query/period")
    filters = SubmissionFilters(indicator_code, organization_code, period, state)
    if changed_after is not None:
        if page_token is not None:
            raise BadPageToken
        return await _changes(resources, actor, plan, filters, changed_after, page_size)
    named = of_list(actor, "submissions", plan=plan.code, **dict(filters.conditions()))
    after = after_id(page_token, named)
    async with resources.reads.pool.acquire() as connection:
        rows = await queries.page(
            connection,
            actor,
            plan_code=plan.code,
            filters=filters,
            after=after,
            limit=page_size + 1,
        )
    check_codes(rows, plan, indicator_code=indicator_code, organization_code=organization_code)
    page, following = cut(rows, page_size, named, lambda one: [one["id"]])
    listed = {
        "items": [submission_fields(row, plan, actor) for row in page],
        "next_page_token": following,
        "tombstones": [],
        "position": None,
        "has_more": following is not None,
    }
    return Response(to_json(listed), media_type="application/json")


async def _changes(
    resources: Resources,
    actor: Actor,
    plan: PlanState,
    filters: SubmissionFilters,
    position: int,
    limit: int,
) -> Response:
    async with resources.reads.pool.acquire() as connection:
        rows, read_to, more, _ = await queries.changed_after(
            connection,
            actor,
            plan_code=plan.code,
            filters=filters,
            position=position,
            limit=limit,
        )
    check_codes(
        rows,
        plan,
        indicator_code=filters.indicator_code,
        organization_code=filters.organization_code,
    )
    here = [row for row in rows if _is_listed(row["state"], filters)]
    gone = [row for row in rows if not _is_listed(row["state"], filters)]
    listed = {
        "items": [submission_fields(row, plan, actor) for row in here],
        "next_page_token": None,
        "tombstones": [{"id": row["id"], "position": row["position"]} for row in gone],
        "position": read_to,
        "has_more": more,
    }
    return Response(to_json(listed), media_type="application/json")


def _is_listed(state: str, filters: SubmissionFilters) -> bool:
    return state != "withdrawn" and filters.state in {None, state}


@router.get(
    "/submissions/{submission_id}",
    responses={**answering("Submission", ETAG), **refusals(403, 404)},
    response_model=SubmissionOut,
)
async def get_submission(
    row: Seen, actor: Reader, resources: ResourcesDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one submission. The superior sees it as it was last approved."""
    plan = await resources.plans.of_city(row["city_code"], row["plan_code"])
    return json_answer(
        submission_body(row, plan, actor), etag=submission_etag(row), if_none_match=if_none_match
    )


@router.get(
    "/submissions/{submission_id}/history",
    responses={**answering("History"), **refusals(403, 404)},
)
async def get_submission_history(
    row: Seen,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> HistoryOut:
    """Return every change: before and after, who, when, by which channel and request, why.

    The superior sees the approvals, and what was found falsified.
    """
    named = of_list(actor, "submission-history", of=row["id"])
    history = partial(queries.history, session, actor, row["city_code"], row["id"])
    listed = await history_page(
        history, page_token, named, page_size, more=("claimed_at", "counts_from")
    )
    await name_actors(session, row["city_code"], listed["items"])
    plan = await resources.plans.of_city(row["city_code"], row["plan_code"], session)
    for item in listed["items"]:
        for side in ("before", "after"):
            if item[side] is not None:
                item[side] = image_fields(item[side], plan, actor)
    return HistoryOut.model_validate(listed)
