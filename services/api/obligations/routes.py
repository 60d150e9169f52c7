"""Routes of reporting obligations: who owes which value by when, and what was reported."""

from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from services.api.actors import name_actors
from services.api.answers import body_etag, json_answer
from services.api.context import (
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.filters import IndicatorFilter, OrganizationFilter, check_codes
from services.api.obligations.parameters import ObligationId
from services.api.obligations.schemas import (
    BurdenOut,
    Days,
    ObligationHistoryOut,
    ObligationListOut,
    ObligationOut,
    ReportingRatesOut,
    burden_out,
    obligation_out,
    rates_out,
)
from services.api.paging import cut, history_page, of_list
from services.api.plan_parameters import PeriodFilter
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import in_scope
from services.core.calendars.queries import working_calendar
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission
from services.core.kit.pagination import read_page_token
from services.core.obligations import queries
from services.core.obligations.errors import ObligationNotFound
from services.core.obligations.models import Obligation
from services.core.obligations.queries import Grouping, ObligationFilters
from services.core.obligations.rules import ObligationStatus
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.plan.written import Day

router = versioned_router("obligations")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]


async def _days(session: Reading, plan: PlanState, today: date) -> Days:
    code = plan.document.supervision.calendar
    return Days(await working_calendar(session, plan.city_code, code), plan, today)


@router.get(
    "/plans/{plan}/obligations",
    responses={**answering("Obligations"), **refusals(403, 404)},
)
async def list_obligations(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    period: PeriodFilter = None,
    organization_code: OrganizationFilter = None,
    indicator_code: IndicatorFilter = None,
    status: Annotated[
        ObligationStatus | None,
        Query(description="With this status only; `waived` lists what is otherwise left out"),
    ] = None,
    due_before: Annotated[Day | None, Query(description="Due before this day")] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ObligationListOut:
    """List what is owed and what became of it, soonest due first.

    A reporter sees what its unit owes; a lead also what is owed for the indicators it leads; the
    superior reads the rates alone.
    """
    if actor.reach is Reach.APPROVED:
        raise takes(
            "本市的角色；superior 只能查看报送率",
            "a role of the city; the superior reads the reporting rates alone",
        )
    if period is not None:
        parsed_period(plan, period, "/query/period")
    filters = ObligationFilters(period, organization_code, indicator_code, status, due_before)
    named = of_list(actor, "obligations", plan=plan.code, **filters.named())
    after = None
    if page_token is not None:
        after = read_page_token(page_token, named, date.fromisoformat, UUID)
    today = resources.clock.today(plan.document.time_zone)
    found = await queries.page(
        session,
        actor,
        plan,
        today=today,
        filters=filters,
        after=after,
        limit=page_size + 1,
    )
    check_codes(found, plan, indicator_code=indicator_code, organization_code=organization_code)
    days = await _days(session, plan, today)
    page, following = cut(found, page_size, named, lambda one: [one.due_date, one.id])
    return ObligationListOut(
        items=[obligation_out(one, plan, days) for one in page], next_page_token=following
    )


async def _seen(obligation_id: ObligationId, actor: Reader, session: Reading) -> Obligation:
    """Return an obligation that the caller sees.

    Raises:
        ObligationNotFound: no obligation with this id is in the caller's scope.
    """
    return in_scope(await queries.visible(session, actor, obligation_id), ObligationNotFound)


Seen = Annotated[Obligation, Depends(_seen)]


@router.get(
    "/obligations/{obligation_id}",
    responses={**answering("Obligation", ETAG), **refusals(403, 404)},
    response_model=ObligationOut,
)
async def get_obligation(
    row: Seen,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one obligation.

    What became of it follows from the day and from the submission in its place, and the ETag
    changes with them.
    """
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    today = resources.clock.today(plan.document.time_zone)
    found = in_scope(await queries.one(session, plan, row.id, today=today), ObligationNotFound)
    answer = obligation_out(found, plan, await _days(session, plan, today))
    body = answer.model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/obligations/{obligation_id}/history",
    responses={**answering("ObligationHistory"), **refusals(403, 404)},
)
async def get_obligation_history(
    row: Seen,
    actor: Reader,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ObligationHistoryOut:
    """Return every change of an obligation: its raising, each new date, and who began it."""
    named = of_list(actor, "obligation-history", of=row.id)
    history = partial(queries.history, session, row.city_code, row.id)
    listed = await history_page(history, page_token, named, page_size)
    await name_actors(session, row.city_code, listed["items"])
    return ObligationHistoryOut.model_validate(listed)


@router.get(
    "/plans/{plan}/reporting-rates",
    responses={**answering("ReportingRates"), **refusals(403, 404)},
)
async def get_reporting_rates(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    period: PeriodFilter = None,
    by: Annotated[Grouping, Query(description="What the rates are told by")] = "organization",
) -> ReportingRatesOut:
    """Return how much of what is owed was handed in, and in time; never above 100 %.

    Told of what the caller may see; the superior reads the sums of all of the plan.
    """
    if period is not None:
        parsed_period(plan, period, "/query/period")
    today = resources.clock.today(plan.document.time_zone)
    counted = await queries.counted(session, actor, plan, today=today, by=by, period=period)
    return rates_out(counted, plan, by=by, period=period)


@router.get("/plans/{plan}/burden", responses={**answering("Burden"), **refusals(403, 404)})
async def get_burden(
    actor: Reader, plan: PlanInScope, session: Reading, period: PeriodFilter = None
) -> BurdenOut:
    """Return what collecting the values asks of each unit: how many, how prepared, at what notice.

    Told of what the caller may see, of a lead's what the indicators it leads ask of others; the
    superior reads the sums of all of the plan.
    """
    periods = [parsed_period(plan, period, "/query/period")] if period is not None else []
    if period is None:
        periods = [plan.period_calendar.period(code) for code in plan.periods]
    return burden_out(await queries.burden(session, actor, plan, periods), plan, period)
