"""The route that takes many assessments at once."""

from fastapi import Request, Response
from pydantic_core import to_json

from services.api.assessments.batch_schemas import (
    AssessmentBatchIn,
    AssessmentReportOut,
    report_of,
)
from services.api.assessments.routes import Assessor, SheetInPlan
from services.api.assessments.schemas import new_of
from services.api.context import PlanInScope, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering, asking
from services.api.problems import language_of
from services.api.routing import heavy, versioned_router
from services.core.assessments import queries
from services.core.assessments.service import AssessmentDesk, check_assessor
from services.core.assessments.writing import write_assessments

router = versioned_router("assessments")


@router.post(
    "/plans/{plan}/score-sheets/{sheet}/assessments/batch",
    responses={**answering("AssessmentReport"), **refusals(403, 404, 409)},
    openapi_extra=asking("AssessmentBatch"),
    response_model=AssessmentReportOut,
)
@heavy
async def write_assessment_batch(
    body: AssessmentBatchIn,
    request: Request,
    actor: Assessor,
    plan: PlanInScope,
    sheet: SheetInPlan,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Begin up to 1,000 assessments, or change drafts, by subject and period.

    The answer says what became of each. Where its subject is assessed for this period already, and
    that is a draft, the items that it names are replaced and the others stay; one that was handed
    in is rejected. Every fault of every item is told, and those without faults are written. Sent
    again, all of it is `unchanged` and writes nothing.
    """
    check_assessor(actor, sheet)
    in_force = await queries.sheet_version(session, plan.city_code, plan.code, sheet.code)
    desk = AssessmentDesk(plan, in_force, actor, resources.clock.now())
    written = await write_assessments(session, [new_of(one) for one in body.items], desk)
    report = report_of(written, language_of(request))
    return Response(to_json(report), media_type="application/json")
