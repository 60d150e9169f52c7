"""The route of lost points by subject and month."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.api.assessments.finding_schemas import LostPointsListOut, lost_fields
from services.api.assessments.routes import Reader
from services.api.context import PageSize, PageToken, PlanInScope, Reading
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.filters import OrganizationFilter, check_codes
from services.api.paging import cut, of_list
from services.api.plan_parameters import PeriodFilter
from services.api.routing import versioned_router
from services.core.assessments.lost_points.queries import LostFilters, lost_points
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.nearest import with_nearest
from services.core.kit.pagination import read_page_token, read_version
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.plan.visibility import sees_whole_plan

router = versioned_router("assessments")

_NO_SHEET = Text("计划中没有该评估细则", "The plan has no such score sheet")
_NO_MONTH = Text("应为月份，如 2025-09", "Must be a month, such as 2025-09")


@router.get(
    "/plans/{plan}/assessment-findings",
    responses={**answering("LostPoints"), **refusals(403, 404)},
)
async def list_assessment_findings(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    sheet_code: Annotated[
        str | None, Query(max_length=60, description="By this score sheet only")
    ] = None,
    organization_code: OrganizationFilter = None,
    item_code: Annotated[
        str | None, Query(max_length=60, description="Of items with this code only")
    ] = None,
    month: Annotated[
        str | None,
        Query(max_length=40, description="In this month only, such as `2025-09`"),
    ] = None,
    period: PeriodFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> LostPointsListOut:
    """List which subjects lost points by which item, for what, and in which month.

    It holds what was confirmed or published and the caller may see: whoever assesses sees all of
    it, a unit its own once that is published. A bonus that was not reached is no loss.
    """
    filters = LostFilters(sheet_code, organization_code, item_code, month, period)
    _check_periods(plan, filters)
    named = of_list(actor, "assessment-findings", plan=plan.code, **filters.named())
    after = None
    if page_token is not None:
        last, at = read_page_token(page_token, named, UUID, read_version)
        after = (last, at)
    found = await lost_points(
        session,
        actor,
        plan_code=plan.code,
        time_zone=plan.document.time_zone,
        filters=filters,
        after=after,
        limit=page_size + 1,
    )
    check_codes(found, plan, organization_code=organization_code)
    if not found and sheet_code is not None and sheet_code not in plan.sheets:
        told = with_nearest(_NO_SHEET, sheet_code, plan.sheets)
        raise InvalidInput(
            faults=[Fault("/query/sheet_code", "unknown-score-sheet", told, sheet_code)]
        )
    page, following = cut(found, page_size, named, lambda one: [one["id"], one["at"]])
    listed: dict[str, Any] = {
        "items": [lost_fields(one, plan) for one in page],
        "next_page_token": following,
        "limited_to_scope": not sees_whole_plan(actor),
    }
    return LostPointsListOut.model_validate(listed)


def _check_periods(plan: PlanState, filters: LostFilters) -> None:
    """Refuse codes that are not periods, and months that do not exist.

    Raises:
        InvalidInput: one of them is invalid.
    """
    if filters.period is not None:
        parsed_period(plan, filters.period, "/query/period")
    if filters.month is not None:
        parsed = parsed_period(plan, filters.month, "/query/month")
        if parsed.frequency != "monthly":
            fault = Fault("/query/month", "period-of-another-frequency", _NO_MONTH, filters.month)
            raise InvalidInput(faults=[fault])
