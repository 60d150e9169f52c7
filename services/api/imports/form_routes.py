"""The route of a form: the values a unit is asked for, prefilled with what is known."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, PlanInScope, Reading, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.imports.form_schemas import FormOut, form_fields
from services.api.imports.template_routes import Asked, UnitQuery, of_unit
from services.api.plan_parameters import PeriodQuery
from services.api.routing import heavy, versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.imports import queries
from services.core.imports.suggestions import cells, looked_at
from services.core.obligations import queries as obligations
from services.core.obligations.queries import ObligationFilters
from services.core.observations import queries as observations

router = versioned_router("imports")


Filler = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]


async def _asked(actor: Filler, plan: PlanInScope, period: PeriodQuery = None) -> Asked:
    """Return the plan and period of the requested form."""
    return Asked("indicators", plan, period, actor)


@router.get(
    "/plans/{plan}/form",
    responses={**answering("Form", ETAG), **refusals(403, 404)},
    response_model=FormOut,
)
@heavy
async def get_form_of_unit(
    asked: Annotated[Asked, Depends(_asked)],
    session: Reading,
    resources: ResourcesDep,
    organization_code: UnitQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return what a unit is asked for in a period, each value with what is known of it.

    What the unit said so far is there as it stands, its own drafts too. An earlier value is a
    suggestion with its source, and so is what another source says of this very value; to take one
    over, report it for this period.
    """
    wanted = of_unit(asked, organization_code)
    plan, period, unit = wanted.plan, wanted.period, wanted.unit
    assert period is not None  # noqa: S101 (of form 01)
    assert unit is not None  # noqa: S101 (`of_unit` names one)
    owing = await queries.owed_by(session, plan, period, unit)
    reported = await queries.reported_in(session, plan, looked_at(period), unit)
    observed = await observations.of_unit(session, plan, period.code, unit)
    filters = ObligationFilters(period=period.code, organization_code=unit)
    owed = await obligations.page(
        session,
        asked.actor,
        plan,
        today=resources.clock.today(plan.document.time_zone),
        filters=filters,
        after=None,
        limit=len(plan.indicators),
    )
    fields = form_fields(
        cells(plan, period, unit, owing.get(unit, ()), reported, observed),
        {one.indicator_code: one for one in owed},
        plan=plan,
        unit=unit,
        period=period,
        actor=asked.actor,
    )
    body = to_json(fields)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)
