"""Routes that change an assessment: edit, submit, return, confirm, publish, withdraw."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic_core import to_json
from typing_extensions import override

from services.api.assessments.routes import AssessmentId, Assessor
from services.api.assessments.schemas import (
    AssessmentOut,
    AssessmentPatch,
    assessment_etag,
    assessment_fields,
)
from services.api.context import IfMatch, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.reasons import ReasonIn, RemarkIn
from services.api.routing import versioned_router
from services.api.turns import Shown, Turn, in_scope
from services.core.assessments import queries, service
from services.core.assessments.errors import AssessmentNotFound
from services.core.assessments.models import Assessment
from services.core.assessments.rules import AssessmentVerb, sheet_in
from services.core.assessments.service import AssessmentDesk

router = versioned_router("assessments")

_VERB = refusals(403, 404, 409, 412)


@dataclass(frozen=True)
class AssessmentTurn(Turn[Assessment]):
    """The turn of a verb on an assessment, with the sheet that it is checked against."""

    verb: AssessmentVerb
    desk: AssessmentDesk

    @override
    async def shown(self) -> Shown:
        fields = assessment_fields(self.item, self.desk.plan, self.actor)
        return Shown(fields, to_json(fields), assessment_etag(self.item))

    async def move(self, if_match: str | None, reason: str | None) -> Response:
        """Run the verb, with the reason given."""
        return await self.act(if_match, service.move, self.verb, desk=self.desk, reason=reason)


def _taking(verb: AssessmentVerb) -> Any:
    """Return the dependency that locks an assessment for a verb."""

    async def take(
        assessment_id: AssessmentId, actor: Assessor, session: Writing, resources: ResourcesDep
    ) -> AssessmentTurn:
        row = in_scope(await queries.for_update(session, actor, assessment_id), AssessmentNotFound)
        plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
        sheet = sheet_in(plan, row.sheet_code)
        service.check_right(actor, verb, row, sheet)
        in_force = await queries.sheet_version(session, row.city_code, plan.code, sheet.code)
        desk = AssessmentDesk(plan, in_force, actor, resources.clock.now())
        return AssessmentTurn(row, actor, session, resources, verb, desk)

    return Depends(take)


@router.patch(
    "/assessments/{assessment_id}",
    responses={**answering("AssessmentEdited", ETAG), **_VERB, **refusals(428)},
    openapi_extra=asking("AssessmentEdit"),
    response_model=AssessmentOut,
)
async def edit_assessment(
    body: AssessmentPatch,
    turn: Annotated[AssessmentTurn, _taking("edit")],
    if_match: IfMatch = None,
) -> Response:
    """Change what was found, item by item. `If-Match` is required.

    It is judged by the sheet in force, with all that was found before.
    """
    await turn.check(if_match, required=True)
    await service.edit(turn.session, turn.item, findings=body.findings, desk=turn.desk)
    return await turn.answer()


@router.post(
    "/assessments/{assessment_id}/submit",
    responses={**answering("AssessmentSubmitted", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=AssessmentOut,
)
async def submit_assessment(
    body: RemarkIn, turn: Annotated[AssessmentTurn, _taking("submit")], if_match: IfMatch = None
) -> Response:
    """Hand an assessment in for another to look at. Every item but the bonuses is assessed then.

    From now on it keeps the version of the sheet that it is judged by.
    """
    return await turn.move(if_match, body.reason)


@router.post(
    "/assessments/{assessment_id}/return",
    responses={**answering("AssessmentReturned", ETAG), **_VERB},
    openapi_extra=asking("Reason"),
    response_model=AssessmentOut,
)
async def return_assessment(
    body: ReasonIn, turn: Annotated[AssessmentTurn, _taking("return")], if_match: IfMatch = None
) -> Response:
    """Send an assessment back to be worked on, with the reason."""
    return await turn.move(if_match, body.reason)


@router.post(
    "/assessments/{assessment_id}/confirm",
    responses={**answering("AssessmentConfirmed", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=AssessmentOut,
)
async def confirm_assessment(
    body: RemarkIn, turn: Annotated[AssessmentTurn, _taking("confirm")], if_match: IfMatch = None
) -> Response:
    """Confirm an assessment. Nobody confirms what they, or another key of their unit, assessed."""
    return await turn.move(if_match, body.reason)


@router.post(
    "/assessments/{assessment_id}/publish",
    responses={**answering("AssessmentPublished", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=AssessmentOut,
)
async def publish_assessment(
    body: RemarkIn, turn: Annotated[AssessmentTurn, _taking("publish")], if_match: IfMatch = None
) -> Response:
    """Publish an assessment: its unit sees it, and the days for an appeal begin. The office does.

    What is published stands; only an appeal that is upheld corrects it.
    """
    return await turn.move(if_match, body.reason)


@router.post(
    "/assessments/{assessment_id}/withdraw",
    responses={**answering("AssessmentWithdrawn", ETAG), **_VERB},
    openapi_extra=asking("Remark", required=False),
    response_model=AssessmentOut,
)
async def withdraw_assessment(
    body: RemarkIn, turn: Annotated[AssessmentTurn, _taking("withdraw")], if_match: IfMatch = None
) -> Response:
    """Take an assessment back that was not confirmed; its subject can be assessed anew."""
    return await turn.move(if_match, body.reason)
