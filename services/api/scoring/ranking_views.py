"""Renders rankings, and finds the board they are drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from services.api.context import Reading, Resources
from services.api.scoring.ranking_schemas import (
    quality_fields,
    ranked_fields,
    score_fields,
    unranked_fields,
)
from services.api.scoring.routes import (
    unwritten_board,
)
from services.core.identity.actor import Actor
from services.core.obligations.quality.queries import ReportingQuality
from services.core.plan.errors import PublicationNotFound
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
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

Group = Annotated[
    RankedUnits,
    Query(
        description="`lead`: the units that lead indicators; `township`: the township-level bodies,"
        " those of a kind among themselves"
    ),
]


DEFAULT_GROUP: RankedUnits = "lead"
"""The units that are ranked by default."""


def ranked_by_score(
    plan: PlanState,
    actor: Actor,
    group: RankedUnits,
    board: Mapping[str, Any],
    traces: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the part of a ranking by score that a caller sees; `plan` is the board's version."""
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
    """Return the part of a ranking by reporting quality that a caller sees."""
    standings = places(of_reporting(plan.document, group, counted))
    seen = within_reach(standings, plan, actor)
    items = [
        {**one, **quality_fields(counted[each.organization_code])}
        for each, one in ranked_fields(standings, seen, plan)
    ]
    return {**_listed(plan, group, standings, seen), "items": items}


@dataclass(frozen=True, slots=True)
class DrawnBoard:
    """A scoreboard, the plan with the document it was drawn by, and its position."""

    plan: PlanState
    board: Mapping[str, Any]
    traces: Mapping[str, Any]
    head: Mapping[str, Any]


async def drawn_board(
    session: Reading,
    resources: Resources,
    plan: PlanState,
    period: Period,
    *,
    basis: str,
    as_of: datetime | None,
    publication: int | None,
) -> DrawnBoard:
    """Return the requested scoreboard, or an empty one if none was drawn.

    Raises:
        PublicationNotFound: no board was drawn for the publication of this number.
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
        empty, _ = await unwritten_board(session, resources, plan, period, as_of)
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
            approved=True,  # values under review were refused before
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
