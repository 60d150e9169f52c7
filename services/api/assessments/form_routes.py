"""The route of a score sheet as a form to fill in, with the items of every subject."""

from collections.abc import Sequence

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Response

from services.api.assessments.routes import Assessor, SheetInPlan
from services.api.context import IfNoneMatch, PlanInScope, Reading
from services.api.contract.refusals import refusals
from services.api.file_answers import XLSX, file_answer, file_response
from services.api.filters import OrganizationFilter
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.routing import heavy, versioned_router
from services.core.assessments import queries
from services.core.assessments.service import check_assessor
from services.core.assessments.subjects import cycle_faults
from services.core.imports.assessment_form import MOST_FORM_ROWS, assessment_form, form_subjects
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.unknown_codes import unknown_organization
from services.core.registers.models import RegisterRow

router = versioned_router("assessments")

# One at a time, so that many forms take no more CPU than one.
_one_at_a_time = CapacityLimiter(1)

_TOO_MANY = Text(
    "表格超过 {most} 行，请用 organization_code 按单位分别下载",
    "The form has more than {most} rows: take one for each unit, by organization_code",
)


@router.get(
    "/plans/{plan}/score-sheets/{sheet}/form.xlsx",
    response_class=Response,
    responses={**file_answer(XLSX, "AssessmentForm"), **refusals(403, 404)},
)
@heavy
async def get_assessment_form(
    actor: Assessor,
    plan: PlanInScope,
    sheet: SheetInPlan,
    session: Reading,
    period: PeriodQuery = None,
    organization_code: OrganizationFilter = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a score sheet as a form: a row for each item of each subject, with what was found.

    It has the units that the sheet assesses, the rows of its register that stand, or the villages
    that were assessed in this period or the one before, with room for others. Yellow cells are to
    be filled in; what was handed in is grey. Sent to `imports` with `score_sheet` it changes the
    rows that were changed in it and nothing else.
    """
    check_assessor(actor, sheet)
    if organization_code is not None and organization_code not in plan.organizations:
        place = "/query/organization_code"
        raise InvalidInput(faults=[unknown_organization(plan, place, organization_code)])
    asked = period_of_board(plan, period)
    if faults := cycle_faults(asked, sheet, "/query/period"):
        raise InvalidInput(faults=faults)
    most = MOST_FORM_ROWS // len(sheet.items)
    periods = [asked.code] if sheet.subject != "village" else [asked.code, asked.previous().code]
    found = await queries.standing_in(
        session,
        actor,
        plan_code=plan.code,
        sheet_code=sheet.code,
        periods=periods,
        organization_code=organization_code,
        limit=len(periods) * most + 1,
    )
    rows: Sequence[RegisterRow] = ()
    if sheet.rows_of is not None:
        rows = await queries.rows_to_assess(
            session,
            actor,
            plan_code=plan.code,
            register_code=sheet.rows_of,
            organization_code=organization_code,
            limit=most + 1,
        )
    subjects = form_subjects(sheet, plan, asked.code, found, rows, organization_code)
    if len(subjects) > most:
        told = _TOO_MANY.format(most=MOST_FORM_ROWS)
        raise InvalidInput(faults=[Fault("/query/organization_code", "too-many-rows", told)])
    name, content = await run_sync(
        assessment_form, sheet, plan, asked.code, subjects, limiter=_one_at_a_time
    )
    return file_response(content, name, XLSX, if_none_match)
