"""Routes of rankings: comparable units in order, and the units that are not ranked."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, PlanInScope, Reading, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.plan_parameters import PeriodFilter, PeriodQuery, period_of_board
from services.api.routing import versioned_router
from services.api.scoring.ranking_schemas import (
    RankingsOut,
    ReportingRankingsOut,
)
from services.api.scoring.ranking_views import (
    Group,
    drawn_board,
    ranked_by_reporting,
    ranked_by_score,
)
from services.api.scoring.routes import (
    AsOf,
    Basis,
    Published,
    Reader,
    check_alone,
    check_basis,
)
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.obligations.quality.queries import reporting_quality
from services.core.plan.errors import PublicationNotFound
from services.core.plan.periods import Period
from services.core.plan.queries import publication as publication_of
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period

router = versioned_router("scores")

ReportReader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]


@router.get(
    "/plans/{plan}/rankings",
    responses={**answering("Rankings", ETAG), **refusals(403, 404)},
    response_model=RankingsOut,
)
async def get_rankings(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    group: Group = "lead",
    period: PeriodQuery = None,
    basis: Basis = "approved",
    as_of: AsOf = None,
    publication: Published = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Rank units by the score of the indicators they answer for, in comparable groups.

    A unit's score is added from the scoreboard's rows as a group's is: of a lead over the
    indicators it leads, of a township over those that give it a target of its own. A unit of
    which too little can be assessed takes no place. Other townships are told to whoever sees
    their values.
    """
    check_basis(actor, basis)
    check_alone(publication, as_of)
    wanted = await _period(session, plan, period, publication)
    drawn = await drawn_board(
        session, resources, plan, wanted, basis=basis, as_of=as_of, publication=publication
    )
    listed = ranked_by_score(drawn.plan, actor, group, drawn.board, drawn.traces)
    body = to_json({**listed, **drawn.head, "period": wanted.code, "basis": basis})
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/rankings/reporting",
    responses={**answering("ReportingRankings", ETAG), **refusals(403, 404)},
    response_model=ReportingRankingsOut,
)
async def get_reporting_rankings(
    actor: ReportReader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    group: Group = "lead",
    period: PeriodFilter = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Rank units by the quality of their reporting: complete, in time, not returned, undisputed.

    Each value that is due, or came before it was, has a point for each of the four. A unit is
    told its own place; the others are told to whoever sees the reporting of all.
    """
    if period is not None:
        parsed_period(plan, period, "/query/period")
    today = resources.clock.today(plan.document.time_zone)
    counted = {
        one.code: one for one in await reporting_quality(session, plan, today=today, period=period)
    }
    listed = ranked_by_reporting(plan, actor, group, counted)
    body = to_json({**listed, "period": period})
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


async def _period(
    session: Reading, plan: PlanState, period: str | None, publication: int | None
) -> Period:
    """Return the period of the requested scoreboard.

    Raises:
        PublicationNotFound: nothing was published under this number, or another period was.
    """
    wanted = period_of_board(plan, period)
    if publication is None:
        return wanted
    published = await publication_of(session, plan.city_code, plan.code, publication)
    if published is None or (period is not None and wanted.code != published.period):
        raise PublicationNotFound
    return plan.period_calendar.period(published.period)
