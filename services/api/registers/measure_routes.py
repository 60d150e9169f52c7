"""Routes of results computed from a register's rows: figures, quotas, findings."""

from collections.abc import Mapping

from services.api.context import PlanInScope, Reading, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.registers.check_schemas import RowFindingsOut, finding_fields
from services.api.registers.measure_schemas import (
    MeasuredFigureListOut,
    QuotaListOut,
    figure_fields,
    quota_fields,
)
from services.api.registers.parameters import Reader, RegisterToRead, Seen
from services.api.routing import versioned_router
from services.core.identity.reach import Reach
from services.core.plan.periods import Period
from services.core.plan.register_entries import Register
from services.core.plan.visibility import sees_whole_plan
from services.core.registers.measures import queries
from services.core.registers.measures.queries import FigureRow
from services.core.registers.measures.rules import sees_figures
from services.core.registers.neighbours.queries import findings_of
from services.core.registers.neighbours.rules import told_to
from services.core.registers.quotas import QuotaLine, lines_of, measure_of, whole_number

router = versioned_router("registers")


@router.get(
    "/plans/{plan}/registers/{register}/measures",
    responses={**answering("MeasuredFigures"), **refusals(403, 404)},
)
async def list_register_measures(
    actor: Reader,
    plan: PlanInScope,
    register: RegisterToRead,
    session: Reading,
    period: PeriodQuery = None,
) -> MeasuredFigureListOut:
    """Return what the measures of a register give for a period, as its rows stand now.

    Beside each stands what was proposed last, with the rows that it was reckoned from. Who does not
    see every row of the register sees the figures of its own unit alone.
    """
    asked = period_of_board(plan, period)
    items = []
    whole = sees_figures(actor, register)
    for measure in register.measures:
        found = await queries.measured(session, plan, register, measure, [asked])
        last: Mapping[str | None, FigureRow] = {
            row["organization_code"]: row
            for row in await queries.latest(session, plan, register, measure, [asked.code])
        }
        items += [
            figure_fields(one, measure, plan, last, _wanted(register, measure.code, asked))
            for one in found
            if whole or (one.organization_code or "") == actor.organization_code
        ]
    return MeasuredFigureListOut.model_validate(
        {"items": items, "limited_to_scope": not (whole or sees_whole_plan(actor))}
    )


def _wanted(register: Register, measure_code: str, period: Period) -> int | None:
    quota = register.quota
    if quota is None or quota.measure != measure_code:
        return None
    return whole_number(quota, period.in_year)


@router.get(
    "/plans/{plan}/registers/{register}/quotas",
    responses={**answering("RegisterQuotas"), **refusals(403, 404)},
)
async def list_register_quotas(
    actor: Reader,
    plan: PlanInScope,
    register: RegisterToRead,
    session: Reading,
    period: PeriodQuery = None,
) -> QuotaListOut:
    """Return how many rows count of how many that are wanted, by category and unit.

    It is of the year that the period lies in, as the rows stand now. Who does not see every row of
    the register sees the lines of its own unit alone.
    """
    asked = plan.period_calendar.year(period_of_board(plan, period).in_year)
    whole, lines = sees_figures(actor, register), list[QuotaLine]()
    quota = register.quota
    if quota is not None:
        counted = await queries.counted_by(
            session, plan, register, measure_of(register, quota), quota.by, [asked]
        )
        units = None if whole else {actor.organization_code or ""}
        lines = lines_of(register, quota, asked.year, counted.get(asked.code, {}), units)
    return QuotaListOut.model_validate(
        {
            "year": asked.year,
            "measure_code": None if quota is None else quota.measure,
            "refuses": quota is not None and quota.over == "refused",
            "items": [quota_fields(one, register, plan) for one in lines],
            "limited_to_scope": not (whole or sees_whole_plan(actor)),
        }
    )


@router.get(
    "/register-rows/{row_id}/findings",
    responses={**answering("RowFindings"), **refusals(403, 404)},
)
async def get_register_row_findings(
    row: Seen, actor: Reader, session: Reading, resources: ResourcesDep
) -> RowFindingsOut:
    """Return what a row breaks beside other rows of its unit, as they stand now.

    It is held against earlier months and other registers by the checks that the plan states. What
    is missing is named, and never taken for 0. What only found fault with it does not keep it from
    being confirmed. The superior has it held against what was confirmed; both sides are told to
    whoever sees the rows that they are of.
    """
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    register = plan.registers.get(row.register_code)
    found = []
    if register is not None:
        confirmed = actor.reach is Reach.APPROVED
        found = await findings_of(session, vars(row), register, confirmed=confirmed)
        found = told_to(actor, row.organization_code, found, plan.registers)
    return RowFindingsOut.model_validate({"findings": finding_fields(found)})
