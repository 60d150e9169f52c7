"""Routes of score sheets, and of assessments by them."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from pydantic_core import to_json

from services.api.actors import name_actors
from services.api.answers import body_etag, created, json_answer
from services.api.assessments.schemas import (
    AssessmentHistoryOut,
    AssessmentListOut,
    AssessmentOut,
    CheckedAssessment,
    ScoreSheetListOut,
    ScoreSheetVersionListOut,
    assessment_body,
    assessment_etag,
    new_of,
    sheet_fields,
    summary_fields,
    version_fields,
)
from services.api.context import (
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.filters import OrganizationFilter, check_codes
from services.api.paging import after_id, after_version, cut, history_page, of_list
from services.api.plan_parameters import PeriodFilter
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import in_scope
from services.core.assessments import queries
from services.core.assessments.errors import AssessmentNotFound
from services.core.assessments.models import Assessment
from services.core.assessments.queries import AssessmentFilters
from services.core.assessments.rules import AssessmentState, assesses, sheet_in
from services.core.assessments.service import AssessmentDesk, add_assessment, check_assessor
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.plan.sheet_entries import ScoreSheet
from services.core.plan.unknown_codes import parsed_period
from services.core.plan.visibility import sees_whole_plan
from services.core.registers import queries as register_queries

router = versioned_router("assessments")

PlanReader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]
Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
Assessor = Annotated[Actor, Depends(permitted(Permission.REVIEW_SUBMISSIONS))]
AssessmentId = Annotated[
    UUID,
    Path(description="Id of an assessment", examples=["019bd4a0-5c00-7d20-8b11-0d6c0f0e7a11"]),
]


SheetCode = Annotated[
    str,
    Path(
        alias="sheet",
        max_length=60,
        description="Code of a score sheet of the plan",
        examples=["TOWN"],
    ),
]


async def _sheet(sheet_code: SheetCode, plan: PlanInScope) -> ScoreSheet:
    return sheet_in(plan, sheet_code)


SheetInPlan = Annotated[ScoreSheet, Depends(_sheet)]


async def _sheet_ever(sheet_code: SheetCode, plan: PlanInScope, session: Reading) -> ScoreSheet:
    """Return a sheet for reading: the newest version of one that the plan dropped.

    Assessments by such a sheet stay readable.

    Raises:
        ScoreSheetNotFound: no version of the plan has it.
    """
    found = plan.sheets.get(sheet_code)
    if found is None:
        last = await queries.sheet_version(session, plan.city_code, plan.code, sheet_code)
        found = last.sheet
    return found


SheetToRead = Annotated[ScoreSheet, Depends(_sheet_ever)]


@router.get(
    "/plans/{plan}/score-sheets",
    responses={**answering("ScoreSheets", ETAG), **refusals(403, 404)},
    response_model=ScoreSheetListOut,
)
async def list_score_sheets(
    _actor: PlanReader, plan: PlanInScope, if_none_match: IfNoneMatch = None
) -> Response:
    """List the score sheets (评估细则) that the plan describes, with their items."""
    body = to_json({"items": [sheet_fields(one) for one in plan.document.score_sheets]})
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/score-sheets/{sheet}/versions",
    responses={**answering("ScoreSheetVersions"), **refusals(403, 404)},
)
async def list_score_sheet_versions(
    actor: PlanReader,
    plan: PlanInScope,
    sheet: SheetToRead,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ScoreSheetVersionListOut:
    """List a score sheet as it was: each version of the plan that changed it is another."""
    named = of_list(actor, "score-sheet-versions", plan=plan.code, sheet=sheet.code)
    found = await queries.sheet_versions(
        session,
        plan.city_code,
        plan.code,
        sheet.code,
        after=after_version(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(found, page_size, named, lambda one: [one.version])
    items = [version_fields(one) for one in page]
    return ScoreSheetVersionListOut.model_validate({"items": items, "next_page_token": following})


@router.get(
    "/plans/{plan}/score-sheets/{sheet}/assessments",
    responses={**answering("Assessments"), **refusals(403, 404)},
)
async def list_assessments(
    actor: Reader,
    plan: PlanInScope,
    sheet: SheetToRead,
    session: Reading,
    period: PeriodFilter = None,
    organization_code: OrganizationFilter = None,
    state: Annotated[AssessmentState | None, Query(description="In this state only")] = None,
    colour: Annotated[
        str | None, Query(max_length=60, description="With a total of this colour only")
    ] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AssessmentListOut:
    """List the assessments by a sheet that the caller may see, newest first, without their items.

    Whoever assesses sees all of them, a unit its own once they are published. What was withdrawn is
    listed where `state` asks for it.
    """
    if period is not None:
        parsed_period(plan, period, "/query/period")
    filters = AssessmentFilters(period, organization_code, state, colour)
    named = of_list(actor, "assessments", plan=plan.code, sheet=sheet.code, **filters.named())
    found = await queries.page(
        session,
        actor,
        plan_code=plan.code,
        sheet_code=sheet.code,
        filters=filters,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    check_codes(found, plan, organization_code=organization_code)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    listed: dict[str, Any] = {
        "items": [summary_fields(one, plan, actor) for one in page],
        "next_page_token": following,
        "limited_to_scope": not sees_whole_plan(actor),
    }
    return AssessmentListOut.model_validate(listed)


@router.post(
    "/plans/{plan}/score-sheets/{sheet}/assessments",
    status_code=201,
    responses={
        **answering("AssessmentBegun", ETAG, LOCATION, status=201, model=AssessmentOut),
        **refusals(403, 404, 409),
    },
    openapi_extra=asking("AssessmentAsked"),
    response_model=None,
)
async def create_assessment(
    body: CheckedAssessment,
    actor: Assessor,
    plan: PlanInScope,
    sheet: SheetInPlan,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Begin an assessment, as a draft. A second one of the same subject and period is 409.

    The office and the sheet's assessors assess. What was found is judged at once: points, total and
    colour come back with it, item by item, with the reason.
    """
    check_assessor(actor, sheet)
    new = new_of(body)
    in_force = await queries.sheet_version(session, plan.city_code, plan.code, sheet.code)
    row = None
    if new.row_id is not None:
        row = await register_queries.one(session, actor, new.row_id)
    desk = AssessmentDesk(plan, in_force, actor, resources.clock.now())
    made = await add_assessment(session, new, row, desk)
    body_of_it = assessment_body(made, plan, actor)
    location = f"/v1/assessments/{made.id}"
    return created(body_of_it, etag=assessment_etag(made), location=location)


async def _seen(assessment_id: AssessmentId, actor: Reader, session: Reading) -> Assessment:
    """Return an assessment that the caller sees.

    Raises:
        AssessmentNotFound: no assessment with this id is in the caller's scope.
    """
    return in_scope(await queries.one(session, actor, assessment_id), AssessmentNotFound)


SeenAssessment = Annotated[Assessment, Depends(_seen)]


@router.get(
    "/assessments/{assessment_id}",
    responses={**answering("Assessment", ETAG), **refusals(403, 404)},
    response_model=AssessmentOut,
)
async def get_assessment(
    row: SeenAssessment,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return an assessment with what was found and what that gives, item by item."""
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    body = assessment_body(row, plan, actor)
    return json_answer(body, etag=assessment_etag(row), if_none_match=if_none_match)


@router.get(
    "/assessments/{assessment_id}/history",
    responses={**answering("AssessmentHistory"), **refusals(403, 404)},
)
async def get_assessment_history(
    row: SeenAssessment,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AssessmentHistoryOut:
    """Return every change of an assessment: before and after, who, when and why.

    Whoever does not assess by its sheet sees it from its publication on.
    """
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    sheet = plan.sheets.get(row.sheet_code)
    in_full = sheet is not None and assesses(actor, sheet)
    named = of_list(actor, "assessment-history", of=row.id)
    history = partial(queries.history, session, actor, row.city_code, row.id, in_full=in_full)
    listed = await history_page(history, page_token, named, page_size)
    await name_actors(session, row.city_code, listed["items"])
    return AssessmentHistoryOut.model_validate(listed)
