"""Compares two scoreboards by indicator: two instants, or two publications."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fastapi import Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, PlanInScope, Reading
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.routing import versioned_router
from services.api.scoring.change_routes import From, To
from services.api.scoring.change_views import board_end, board_place, check_order
from services.api.scoring.comparison_schemas import ComparisonOut
from services.api.scoring.routes import Basis, Reader, check_basis
from services.core.kit.decimals import plain, total
from services.core.plan.errors import PublicationNotFound
from services.core.plan.queries import publication
from services.core.plan.state import PlanState
from services.core.scoring import queries
from services.core.scoring.errors import BoardNotFound
from services.core.scoring.lights import LIGHT_NAMES
from services.core.scoring.models import ScoreSnapshot

router = versioned_router("scores")

_STANDING = (
    *("state", "value", "display", "data_status", "met", "attainment", "weight", "light"),
    *("reason", "reason_en"),
)
_SAME = ("code", "name", "group", "selection", "unit")


@router.get(
    "/plans/{plan}/scoreboard/comparison",
    responses={**answering("ScoreboardComparison", ETAG), **refusals(403, 404, 410)},
    response_model=ComparisonOut,
)
async def get_scoreboard_comparison(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    from_: From,
    to: To = None,
    period: PeriodQuery = None,
    basis: Basis = "approved",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return two scoreboards side by side: every indicator of either, before and after.

    Without `period` a publication is of its own period, so that two periods can be compared. Why
    a score of one period changed is what `scoreboard/changes` says.
    """
    check_basis(actor, basis)
    before = await _board(session, plan, board_place(from_, "/query/from", plan), period, basis)
    after = await _board(session, plan, board_place(to, "/query/to", plan), period, basis)
    if after is None:
        raise BoardNotFound
    check_order(before, after, from_)
    body = to_json(
        {
            "plan": plan.code,
            "basis": basis,
            "from": _end(before),
            "to": _end(after),
            "difference": _difference(_overall(before), _overall(after), "score"),
            "items": _lines(before, after),
            "next_page_token": None,
        }
    )
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


async def _board(
    session: Reading, plan: PlanState, place: dict[str, Any], period: str | None, basis: str
) -> ScoreSnapshot | None:
    """Return the scoreboard with this name; None: none had been drawn by then.

    Raises:
        PublicationNotFound: nothing was published under this number, or another period was.
    """
    number = place.get("publication")
    if number is not None and period is None:
        published = await publication(session, plan.city_code, plan.code, number)
        if published is None:
            raise PublicationNotFound
        period = published.period
    wanted = period_of_board(plan, period)
    found = await queries.latest_board(
        session, plan.city_code, plan.code, period=wanted.code, basis=basis, **place
    )
    if found is None and number is not None:
        raise PublicationNotFound
    return found


def _overall(snapshot: ScoreSnapshot | None) -> Mapping[str, Any] | None:
    return None if snapshot is None else snapshot.board["overall"]


def _end(snapshot: ScoreSnapshot | None) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    overall = snapshot.board["overall"]
    return {
        **(board_end(snapshot) or {}),
        "period": snapshot.period,
        "grade_name": overall["grade_name"],
        "coverage": overall["coverage"],
    }


def _lines(before: ScoreSnapshot | None, after: ScoreSnapshot) -> list[dict[str, Any]]:
    """Return a line for each indicator in the later board's order, then the dropped ones."""
    earlier = {} if before is None else {row["code"]: row for row in before.board["indicators"]}
    later = {row["code"]: row for row in after.board["indicators"]}
    lines = []
    for code in {**later, **earlier}:
        one, other = earlier.get(code), later.get(code)
        named = other or one or {}
        lines.append(
            {
                **{name: named[name] for name in _SAME},
                "before": _standing(one),
                "after": _standing(other),
                "change": _difference(one, other, "value"),
                "attainment_change": _difference(one, other, "attainment"),
            }
        )
    return lines


def _standing(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: row.get(name) for name in _STANDING} | {"light_name": LIGHT_NAMES[row["light"]]}


def _difference(
    one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, name: str
) -> str | None:
    """Return the exact increase; None if either value is missing."""
    before, after = (None if row is None else row[name] for row in (one, other))
    if before is None or after is None:
        return None
    return plain(total([Decimal(after), Decimal(before).copy_negate()]))
