"""The path of figures over the rows of a register."""

from collections.abc import Mapping

from services.api.context import PlanInScope, Reading
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.registers.measure_schemas import MeasuredFigureListOut, figure_fields
from services.api.registers.routes import Reader, RegisterInPlan
from services.api.routing import versioned_router
from services.core.plan.visibility import sees_whole_plan
from services.core.registers.measures import queries
from services.core.registers.measures.queries import FigureRow
from services.core.registers.measures.rules import sees_figures

router = versioned_router("registers")


@router.get(
    "/plans/{plan}/registers/{register}/measures",
    responses={**answering("MeasuredFigures"), **refusals(403, 404)},
)
async def list_register_measures(
    actor: Reader,
    plan: PlanInScope,
    register: RegisterInPlan,
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
            figure_fields(one, measure, plan, last)
            for one in found
            if whole or (one.organization_code or "") == actor.organization_code
        ]
    return MeasuredFigureListOut.model_validate(
        {"items": items, "limited_to_scope": not (whole or sees_whole_plan(actor))}
    )
