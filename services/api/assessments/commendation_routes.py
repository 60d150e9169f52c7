"""The route of the evidence list for commendations: each unit's ranks and obstacles."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.assessments.commendation_schemas import UnitCommendationsOut, commended_fields
from services.api.context import IfNoneMatch, PlanInScope, Reading, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.routing import versioned_router
from services.api.scoring.ranking_views import DEFAULT_GROUP, Group, drawn_board
from services.api.security import permitted
from services.core.assessments.commendation.queries import against_commending
from services.core.assessments.commendation.rules import (
    commended,
    in_plan_order,
    periods_within,
    red_lights,
)
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.plan.visibility import sees
from services.core.scoring.ranking import of_leads, of_townships, places

router = versioned_router("scores")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]


@router.get(
    "/plans/{plan}/rankings/commendation",
    responses={**answering("Commendations", ETAG), **refusals(403, 404)},
    response_model=UnitCommendationsOut,
)
async def list_commendations(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    group: Group = DEFAULT_GROUP,
    period: PeriodQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List units as they rank by score, with what speaks against commending each (表彰).

    Excluded is who has a red light, a value that was found false, an overdue milestone or an
    overdue report; each with its evidence. It proposes, and nobody is commended by it. A unit sees
    itself, the office and the leader see all.
    """
    if not actor.may(Permission.READ_MILESTONES):
        raise takes("权限范围 milestones:read", "the scope milestones:read, too")
    wanted = period_of_board(plan, period)
    drawn = await drawn_board(
        session, resources, plan, wanted, basis="approved", as_of=None, publication=None
    )
    rows, document = drawn.board["indicators"], drawn.plan.document
    standings = places(
        of_townships(document, rows, drawn.traces)
        if group == "township"
        else of_leads(document, rows)
    )
    seen = [
        one
        for one in standings
        if sees(actor, city_code=plan.city_code, plan_code=plan.code, units={one.organization_code})
    ]
    today = resources.clock.today(plan.document.time_zone)
    against = await against_commending(
        session,
        plan,
        units=[one.organization_code for one in seen],
        periods=periods_within(wanted),
        today=today,
    )
    if document.scheme.rankings.shown == "tiers":
        seen = in_plan_order(seen, document)
    found = commended(seen, red_lights(document, group, rows, drawn.traces), against)
    listed = {
        "plan": plan.code,
        "group": group,
        "shown": document.scheme.rankings.shown,
        "period": wanted.code,
        "as_of": drawn.head["as_of"],
        "position": drawn.head["position"],
        "overdue_on": today,
        "items": [commended_fields(one, drawn.plan) for one in found],
        "limited_to_scope": len(seen) < len(standings),
        "next_page_token": None,
    }
    body = to_json(listed)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)
