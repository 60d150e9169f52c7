"""The route that explains why a score changed between two boards of a period."""

from typing import Annotated

from fastapi import Query

from services.api.context import PlanInScope, Reading
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.routing import versioned_router
from services.api.scoring.change_schemas import ChangesOut
from services.api.scoring.change_views import (
    adjusted_difference,
    board_end,
    board_place,
    changes_fields,
    check_order,
)
from services.api.scoring.routes import Basis, Reader, check_basis
from services.core.plan.errors import PublicationNotFound
from services.core.scoring import queries
from services.core.scoring.comparing import compare_boards
from services.core.scoring.errors import BoardNotFound
from services.core.scoring.models import ScoreSnapshot

router = versioned_router("scores")

_FORMS = (
    "An instant `2026-01-31T16:00:00Z`, a date `2026-01-31` (its end, where the city is), a"
    " position of the log `1234`, or a publication `publication:1`"
)
From = Annotated[
    str, Query(alias="from", max_length=60, description=_FORMS, examples=["publication:1"])
]
To = Annotated[
    str | None,
    Query(max_length=60, description=f"{_FORMS}; default: now", examples=["2026-03-31"]),
]


@router.get(
    "/plans/{plan}/scoreboard/changes",
    responses={**answering("ScoreboardChanges"), **refusals(403, 404, 410)},
)
async def get_scoreboard_changes(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    from_: From,
    to: To = None,
    period: PeriodQuery = None,
    basis: Basis = "approved",
) -> ChangesOut:
    """Return why a score changed: the difference split exactly over indicators and causes.

    The points of all causes add up to `difference`, to the last digit. They are counted one
    after another in a fixed order, so that no part is counted twice: the plan's groups and
    scheme, then each indicator's rule and weight, target, day, and its values as they came to
    count. Of another unit's value only the points are told.
    """
    check_basis(actor, basis)
    wanted = period_of_board(plan, period)
    places = (board_place(from_, "/query/from", plan), board_place(to, "/query/to", plan))
    found: list[ScoreSnapshot | None] = [
        await queries.latest_board(
            session, plan.city_code, plan.code, period=wanted.code, basis=basis, **place
        )
        for place in places
    ]
    before, after = found
    for place, snapshot in zip(places, found, strict=True):
        if snapshot is None and "publication" in place:
            raise PublicationNotFound
    if after is None:
        raise BoardNotFound
    check_order(before, after, from_)
    compared = await compare_boards(session, plan, wanted, basis, before=before, after=after)
    return ChangesOut.model_validate(
        {
            "plan": plan.code,
            "period": wanted.code,
            "basis": basis,
            "from": board_end(before),
            "to": board_end(after),
            "adjusted_difference": adjusted_difference(before, after),
            **changes_fields(compared, actor, plan),
        }
    )
