"""Paths of rankings: units beside those they can be compared with, and who is none of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.context import Held, IfNoneMatch, PlanInScope, Reading, Resources
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.plan_parameters import PeriodFilter, PeriodQuery, period_of_board
from services.api.routing import versioned_router
from services.api.scoring.ranking_schemas import (
    RankingsOut,
    ReportingRankingsOut,
    quality_fields,
    ranked_fields,
    score_fields,
    unranked_fields,
)
from services.api.scoring.routes import (
    AsOf,
    Basis,
    Published,
    Reader,
    check_alone,
    check_basis,
    unwritten_board,
)
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.obligations.quality.queries import ReportingQuality, reporting_quality
from services.core.plan.errors import PublicationNotFound
from services.core.plan.periods import Period
from services.core.plan.queries import publication as publication_of
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.plan.versions.queries import plan_of_version
from services.core.plan.visibility import sees
from services.core.scoring import queries
from services.core.scoring.ranking import (
    RankedUnits,
    Standing,
    of_leads,
    of_reporting,
    of_townships,
    places,
)

router = versioned_router("scores")

ReportReader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
Group = Annotated[
    RankedUnits,
    Query(
        description="`lead`: the units that lead indicators; `township`: the township-level bodies,"
        " those of a kind among themselves"
    ),
]


DEFAULT_GROUP: RankedUnits = "lead"
"""The units that are ranked where nobody says which."""


@router.get(
    "/plans/{plan}/rankings",
    responses={**answering("Rankings", ETAG), **refusals(403, 404)},
    response_model=RankingsOut,
)
async def get_rankings(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    held: Held,
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
        session, held, plan, wanted, basis=basis, as_of=as_of, publication=publication
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
    held: Held,
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
    today = held.clock.today(plan.document.time_zone)
    counted = {
        one.code: one for one in await reporting_quality(session, plan, today=today, period=period)
    }
    listed = ranked_by_reporting(plan, actor, group, counted)
    body = to_json({**listed, "period": period})
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


def ranked_by_score(
    plan: PlanState,
    actor: Actor,
    group: RankedUnits,
    board: Mapping[str, Any],
    traces: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a ranking by a scoreboard as far as a caller sees it; `plan` is what that drew."""
    if group == "lead":
        standings = places(of_leads(plan.document, board["indicators"]))
        seen: Sequence[Standing] = standings
    else:
        standings = places(of_townships(plan.document, board["indicators"], traces))
        seen = within_reach(standings, plan, actor)
    ranked = ranked_fields(standings, seen, plan)
    items = [{**one, **score_fields(each)} for each, one in ranked]
    return {**_listed(plan, group, standings, seen), "items": items}


def ranked_by_reporting(
    plan: PlanState, actor: Actor, group: RankedUnits, counted: Mapping[str, ReportingQuality]
) -> dict[str, Any]:
    """Return a ranking by what was counted of each unit's reporting, as far as a caller sees it."""
    standings = places(of_reporting(plan.document, group, counted))
    seen = within_reach(standings, plan, actor)
    items = [
        {**one, **quality_fields(counted[each.organization_code])}
        for each, one in ranked_fields(standings, seen, plan)
    ]
    return {**_listed(plan, group, standings, seen), "items": items}


@dataclass(frozen=True, slots=True)
class DrawnBoard:
    """A scoreboard, the plan with the document that it was drawn by, and where it stands."""

    plan: PlanState
    board: Mapping[str, Any]
    traces: Mapping[str, Any]
    head: Mapping[str, Any]


async def _period(
    session: Reading, plan: PlanState, period: str | None, publication: int | None
) -> Period:
    """Return the period of the scoreboard that is asked for.

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


async def drawn_board(
    session: Reading,
    held: Resources,
    plan: PlanState,
    period: Period,
    *,
    basis: str,
    as_of: datetime | None,
    publication: int | None,
) -> DrawnBoard:
    """Return the scoreboard that is asked for, or one on which nothing stands yet.

    Raises:
        PublicationNotFound: what was published under this number was never drawn.
    """
    city, code = plan.city_code, plan.code
    found = await queries.latest_board(
        session,
        city,
        code,
        period=period.code,
        basis=basis,
        as_of=as_of,
        publication=publication,
    )
    if found is None and publication is not None:
        raise PublicationNotFound
    if found is None:
        empty, _ = unwritten_board(held, plan, period, as_of)
        scheme = plan.document.scheme
        method = {"name": scheme.name, "version": scheme.version}
        head = {"as_of": as_of, "position": 0, "publication_number": None, "method": method}
        return DrawnBoard(plan, empty.board, empty.traces, head)
    drawn_by = await plan_of_version(session, plan, found.plan_version)
    head = {
        "as_of": as_of or found.computed_at,
        "position": found.position,
        "publication_number": found.publication_number,
        "method": {"name": found.method, "version": found.method_version},
    }
    return DrawnBoard(drawn_by, found.board, found.traces, head)


def within_reach(
    standings: Sequence[Standing], plan: PlanState, actor: Actor
) -> Sequence[Standing]:
    """Return the standings of the units whose own values a caller sees."""
    return [
        one
        for one in standings
        if sees(
            actor,
            city_code=plan.city_code,
            plan_code=plan.code,
            units={one.organization_code},
            approved=True,  # sums of what the plan counts; under review is refused before
        )
    ]


def _listed(
    plan: PlanState, group: str, standings: Sequence[Standing], seen: Sequence[Standing]
) -> dict[str, Any]:
    return {
        "plan": plan.code,
        "group": group,
        "shown": plan.document.scheme.rankings.shown,
        "not_ranked": unranked_fields(seen, plan),
        "limited_to_scope": len(seen) < len(standings),
        "next_page_token": None,
    }
