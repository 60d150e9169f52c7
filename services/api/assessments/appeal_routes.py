"""Routes of appeals, filed by the unit and decided by the office, and of published revisions."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from pydantic_core import to_json
from typing_extensions import override

from services.api.actors import name_actors
from services.api.answers import created, json_answer
from services.api.assessments.appeal_schemas import (
    AppealHistoryOut,
    AppealIn,
    AppealListOut,
    AppealOut,
    AppealUpheldIn,
    AssessmentRevisionListOut,
    appeal_body,
    appeal_etag,
    appeal_fields,
    contested_of,
    revision_fields,
)
from services.api.assessments.routes import AssessmentId, Reader, SeenAssessment
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
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.filters import OrganizationFilter, check_codes
from services.api.paging import after_id, after_version, cut, history_page, of_list
from services.api.reasons import ReasonIn, RemarkIn
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn, in_scope
from services.core.assessments import queries as assessment_queries
from services.core.assessments.appeals import queries, service
from services.core.assessments.appeals.errors import AppealNotFound
from services.core.assessments.appeals.models import Appeal
from services.core.assessments.appeals.queries import AppealFilters
from services.core.assessments.appeals.rules import AppealState, AppealVerb
from services.core.assessments.errors import AssessmentNotFound
from services.core.assessments.models import Assessment
from services.core.assessments.service import AssessmentDesk
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.plan.visibility import sees_whole_plan

router = versioned_router("assessments")

Filer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]
AppealId = Annotated[
    UUID,
    Path(description="Id of an appeal", examples=["019bd4a0-5c00-7d20-8b11-0d6c0f0e8a11"]),
]
_VERB = refusals(403, 404, 409, 412)


@router.get(
    "/assessments/{assessment_id}/revisions",
    responses={**answering("AssessmentRevisions"), **refusals(403, 404)},
)
async def list_assessment_revisions(
    row: SeenAssessment,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AssessmentRevisionListOut:
    """List what was published of an assessment, each with what is another since the one before.

    An appeal that is upheld makes the next one; what was published before stays readable.
    """
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    sheet = plan.sheets.get(row.sheet_code)
    named = of_list(actor, "assessment-revisions", of=row.id)
    after = after_version(page_token, named)
    # One more than a page on either side: the one before shows the change, the one after whether
    # more follow.
    found = list(
        await queries.revisions(
            session, row.city_code, row.id, after=max(after - 1, 0), limit=page_size + 2
        )
    )
    first = found.pop(0) if after and found else None
    page, following = cut(found, page_size, named, lambda one: [one.revision])
    befores = [first, *page]
    items = [
        revision_fields(one, before, sheet) for one, before in zip(page, befores, strict=False)
    ]
    return AssessmentRevisionListOut.model_validate({"items": items, "next_page_token": following})


async def _contested(assessment_id: AssessmentId, actor: Filer, session: Writing) -> Assessment:
    """Return an assessment that the caller sees and may contest, locked.

    Raises:
        AssessmentNotFound: no assessment with this id is in the caller's scope.
        Forbidden: the caller does not report for its unit.
    """
    row = in_scope(
        await assessment_queries.for_update(session, actor, assessment_id), AssessmentNotFound
    )
    service.check_filer(actor, row)
    return row


@router.post(
    "/assessments/{assessment_id}/appeals",
    status_code=201,
    responses={
        **answering("AppealFiled", ETAG, LOCATION, status=201, model=AppealOut),
        **refusals(403, 404, 409),
    },
    openapi_extra=asking("AppealAsked"),
    response_model=None,
)
async def create_appeal(
    body: AppealIn,
    row: Annotated[Assessment, Depends(_contested)],
    actor: Filer,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Contest items of a published assessment, until its `appeal_until`. Its unit does.

    One appeal at a time waits for its answer, and an item that was decided on is not contested
    again. Grounds are required; files of the unit's evidence may be named with them.
    """
    desk = await _desk(row, actor, session, resources)
    appeal = await service.file_appeal(session, row, contested_of(body), desk)
    location = f"/v1/appeals/{appeal.id}"
    return created(
        appeal_body(appeal, desk.plan, actor), etag=appeal_etag(appeal), location=location
    )


async def _desk(
    row: Assessment, actor: Actor, session: Writing, resources: ResourcesDep
) -> AssessmentDesk:
    """Return the desk of a submitted assessment, with the sheet version it is bound to."""
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    sheet = await assessment_queries.sheet_version(
        session, row.city_code, row.plan_code, row.sheet_code, row.sheet_version
    )
    return AssessmentDesk(plan, sheet, actor, resources.clock.now())


@router.get("/plans/{plan}/appeals", responses={**answering("Appeals"), **refusals(403, 404)})
async def list_appeals(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    sheet_code: Annotated[
        str | None, Query(max_length=60, description="By this score sheet only")
    ] = None,
    organization_code: OrganizationFilter = None,
    state: Annotated[AppealState | None, Query(description="In this state only")] = None,
    assessment_id: Annotated[UUID | None, Query(description="Against this assessment only")] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AppealListOut:
    """List the appeals of a plan that the caller may see, newest first.

    A unit sees its own, whoever assesses by a sheet those by it, the office all of them.
    """
    filters = AppealFilters(sheet_code, organization_code, state, assessment_id)
    named = of_list(actor, "appeals", plan=plan.code, **filters.named())
    found = await queries.page(
        session,
        actor,
        plan_code=plan.code,
        filters=filters,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    check_codes(found, plan, organization_code=organization_code)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    listed: dict[str, Any] = {
        "items": [appeal_fields(one, plan, actor) for one in page],
        "next_page_token": following,
        "limited_to_scope": not sees_whole_plan(actor),
    }
    return AppealListOut.model_validate(listed)


async def _seen(appeal_id: AppealId, actor: Reader, session: Reading) -> Appeal:
    """Return an appeal that the caller sees.

    Raises:
        AppealNotFound: no appeal with this id is in the caller's scope.
    """
    return in_scope(await queries.one(session, actor, appeal_id), AppealNotFound)


SeenAppeal = Annotated[Appeal, Depends(_seen)]


@router.get(
    "/appeals/{appeal_id}",
    responses={**answering("Appeal", ETAG), **refusals(403, 404)},
    response_model=AppealOut,
)
async def get_appeal(
    appeal: SeenAppeal,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return an appeal, with what it changed of each item where it was upheld."""
    plan = await resources.plans.of_city(appeal.city_code, appeal.plan_code, session)
    body = appeal_body(appeal, plan, actor)
    return json_answer(body, etag=appeal_etag(appeal), if_none_match=if_none_match)


@router.get(
    "/appeals/{appeal_id}/history",
    responses={**answering("AppealHistory"), **refusals(403, 404)},
)
async def get_appeal_history(
    appeal: SeenAppeal,
    actor: Reader,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AppealHistoryOut:
    """Return every change of an appeal: before and after, who, when and why."""
    named = of_list(actor, "appeal-history", of=appeal.id)
    history = partial(queries.history, session, appeal.city_code, appeal.id)
    listed = await history_page(history, page_token, named, page_size)
    await name_actors(session, appeal.city_code, listed["items"])
    return AppealHistoryOut.model_validate(listed)


@dataclass(frozen=True)
class AppealTurn(Turn[Appeal]):
    """The turn of a verb on an appeal, with the contested assessment and its sheet."""

    verb: AppealVerb
    assessment: Assessment
    desk: AssessmentDesk

    @override
    async def shown(self) -> Shown:
        fields = appeal_fields(self.item, self.desk.plan, self.actor)
        return Shown(fields, to_json(fields), appeal_etag(self.item))

    async def settle(self, if_match: str | None, reason: str | None) -> Response:
        """Run a verb that leaves the assessment unchanged, with the reason."""
        return await self.act(if_match, service.settle, self.verb, desk=self.desk, reason=reason)


def _taking(verb: AppealVerb) -> Any:
    """Return the dependency that locks an appeal for a verb."""
    writes = verb == "withdraw"
    permission = Permission.WRITE_SUBMISSIONS if writes else Permission.REVIEW_SUBMISSIONS

    async def take(
        appeal_id: AppealId,
        actor: Annotated[Actor, Depends(permitted(permission))],
        session: Writing,
        resources: ResourcesDep,
    ) -> AppealTurn:
        appeal, row = in_scope(
            await queries.with_assessment(session, actor, appeal_id), AppealNotFound
        )
        service.check_right(actor, verb, appeal, row)
        desk = await _desk(row, actor, session, resources)
        return AppealTurn(appeal, actor, session, resources, verb, row, desk)

    return Depends(take)


@router.post(
    "/appeals/{appeal_id}/uphold",
    responses={**answering("AppealUpheld", ETAG), **_VERB},
    openapi_extra=asking("AppealUpholding"),
    response_model=AppealOut,
)
async def uphold_appeal(
    body: AppealUpheldIn,
    turn: Annotated[AppealTurn, _taking("uphold")],
    if_match: IfMatch = None,
) -> Response:
    """Uphold an appeal: what was found of contested items is corrected and published at once.

    The office does, where it neither filed the appeal nor assessed. It is judged by the version of
    the sheet that the assessment keeps, and what was published before stays readable.
    """
    return await turn.act(
        if_match,
        service.uphold,
        assessment=turn.assessment,
        findings=body.findings,
        desk=turn.desk,
        reason=body.reason,
    )


@router.post(
    "/appeals/{appeal_id}/refuse",
    responses={**answering("AppealRefused", ETAG), **_VERB},
    openapi_extra=asking("Reason"),
    response_model=AppealOut,
)
async def refuse_appeal(
    body: ReasonIn, turn: Annotated[AppealTurn, _taking("refuse")], if_match: IfMatch = None
) -> Response:
    """Refuse an appeal, with the reason; the assessment stays as it is. The office does."""
    return await turn.settle(if_match, body.reason)


@router.post(
    "/appeals/{appeal_id}/withdraw",
    responses={**answering("AppealWithdrawn", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=AppealOut,
)
async def withdraw_appeal(
    body: RemarkIn, turn: Annotated[AppealTurn, _taking("withdraw")], if_match: IfMatch = None
) -> Response:
    """Take an appeal back before it is decided; its items may be contested again."""
    return await turn.settle(if_match, body.reason)
