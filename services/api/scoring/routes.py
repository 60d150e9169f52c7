"""The route of the scoreboard, and functions about scoreboards that other routes use."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.answers import body_etag, json_answer
from services.api.context import (
    IfNoneMatch,
    PlanCode,
    Resources,
    resources_of,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.instants import Instant
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.response_cache import CachedRoute
from services.api.routing import access_of, plan_access, versioned_router
from services.api.scoring.schemas import (
    ScoreboardOut,
)
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan import queries as plan_queries
from services.core.plan.errors import PublicationNotFound
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.versions.queries import plan_of_version
from services.core.plan.visibility import sees_under_review
from services.core.scoring import queries
from services.core.scoring.board import Drawn, board_before
from services.core.scoring.models import ScoreSnapshot
from services.core.scoring.service import nothing_drawn

router = versioned_router("scores")
kept_router = versioned_router("scores", route_class=CachedRoute)

Reader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]
Basis = Annotated[
    Literal["approved", "submitted"],
    Query(description="`submitted` counts what is under review too: provisional, the office's"),
]
AsOf = Annotated[
    Instant | None,
    Query(
        description="As it was at this instant; default: now",
        examples=["2026-01-31T16:00:00Z"],
    ),
]

Published = Annotated[
    int | None,
    Query(
        ge=1,
        le=2**31 - 1,
        description="The scoreboard as it was published under this number; the period is the"
        " publication's",
        examples=[1],
    ),
]


def check_basis(actor: Actor, basis: str) -> None:
    """Refuse values under review to callers who may not see every submission of the plan."""
    if basis == "submitted" and not sees_under_review(actor):
        raise takes(
            "可看全部填报的 office 或 leader，权限范围 submissions:read",
            "the office or the leader of the whole plan, with the scope submissions:read",
        )


@kept_router.get(
    "/plans/{plan}/scoreboard",
    responses={**answering("Scoreboard", ETAG), **refusals(403, 404)},
    response_model=ScoreboardOut,
)
@plan_access(Permission.READ_PLAN)
async def get_scoreboard(
    request: Request,
    _plan: PlanCode,
    period: PeriodQuery = None,
    basis: Basis = "approved",
    as_of: AsOf = None,
    publication: Published = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return where the plan stands in a period: overall, by group and by indicator.

    `publication` names a scoreboard that was frozen, whatever became of its period since.
    """
    access, resources = access_of(request), resources_of(request)
    check_basis(access.actor, basis)
    body = await board_body(resources, access.plan, period, basis, as_of, publication)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


async def board_body(
    resources: Resources,
    plan: PlanState,
    period: str | None,
    basis: str,
    as_of: datetime | None,
    publication: int | None,
) -> bytes:
    """Return the body of the requested scoreboard.

    Raises:
        PublicationNotFound: nothing was published under this number, or another period was.
    """
    if publication is None:
        return await _read_board(resources, plan, period_of_board(plan, period), basis, as_of)
    check_alone(publication, as_of)
    asked = None if period is None else period_of_board(plan, period)
    return await _read_published(resources, plan, publication, basis, asked)


def check_alone(publication: int | None, as_of: datetime | None) -> None:
    """Refuse a publication number together with an instant: each names a board by itself."""
    if publication is not None and as_of is not None:
        detail = Text(
            "publication 与 as_of 只能给一个：前者是某次发布，后者是某一时刻",
            "Give `publication` or `as_of`, not both: each names a scoreboard",
        )
        raise InvalidInput(
            faults=[Fault("/query/publication", "not-with-as-of", detail, publication)]
        )


async def _read_board(
    resources: Resources, plan: PlanState, period: Period, basis: str, as_of: datetime | None
) -> bytes:
    """Return a scoreboard's body: of the snapshot in force, or an empty board."""
    row, board = await _snapshot(resources, plan, period, basis, as_of)
    if row is None:
        async with resources.reads.sessions() as session:
            drawn, day = await unwritten_board(session, resources, plan, period, as_of)
        head = _head(plan, period, basis) | {"as_of": as_of, "position": 0, "local_date": day}
        return to_json({**head, **drawn.board})
    drawn_by = plan
    if row["plan_version"] != plan.version:
        async with resources.reads.sessions() as session:
            drawn_by = await plan_of_version(session, plan, row["plan_version"])
    return _body(drawn_by, period, basis, row, board, as_of)


async def unwritten_board(
    session: AsyncSession,
    resources: Resources,
    plan: PlanState,
    period: Period,
    as_of: datetime | None,
) -> tuple[Drawn, date]:
    """Return a board without a snapshot, and its local date.

    For a past instant it shows nothing of today's state, because nothing was known then.
    """
    now = resources.clock.now()
    if as_of is not None and as_of < now:
        return board_before(plan, period, as_of), plan.local_date(as_of)
    today = plan.local_date(now)
    return await nothing_drawn(session, plan, period, today), today


async def _read_published(
    resources: Resources, plan: PlanState, number: int, basis: str, asked: Period | None
) -> bytes:
    """Return the body of the scoreboard that was published under a number.

    Raises:
        PublicationNotFound: there is none, or it is of another period than the one requested.
    """
    async with resources.reads.sessions() as session:
        period, snapshot = await published_board(session, plan, number, basis, asked)
        drawn_by = await plan_of_version(session, plan, snapshot.plan_version)
    return _body(drawn_by, period, basis, vars(snapshot), to_json(snapshot.board), None)


async def published_board(
    session: AsyncSession, plan: PlanState, number: int, basis: str, asked: Period | None
) -> tuple[Period, ScoreSnapshot]:
    """Return the scoreboard that was published under a number, and its period.

    Raises:
        PublicationNotFound: there is none, or it is of another period than the one requested.
    """
    published = await plan_queries.publication(session, plan.city_code, plan.code, number)
    if published is None or (asked is not None and asked.code != published.period):
        raise PublicationNotFound
    snapshot = await queries.latest_board(
        session,
        plan.city_code,
        plan.code,
        period=published.period,
        basis=basis,
        publication=number,
    )
    if snapshot is None:
        raise PublicationNotFound
    return plan.period_calendar.period(published.period), snapshot


def _head(plan: PlanState, period: Period, basis: str) -> dict[str, Any]:
    return {
        "plan": plan.code,
        "plan_version": plan.version,
        "plan_status": plan.document.status,
        "period": period.code,
        "basis": basis,
        "method": {"name": plan.document.scheme.name, "version": plan.document.scheme.version},
        "publication_number": None,
    }


def _body(
    plan: PlanState,
    period: Period,
    basis: str,
    row: Mapping[str, Any],
    board: bytes,
    as_of: datetime | None,
) -> bytes:
    """Return a snapshot's body; `plan` is in the version that the board was drawn by.

    The board is stored as JSON text, which is appended to the head unchanged.
    """
    head = _head(plan, period, basis) | {
        "as_of": as_of or row["computed_at"],
        "position": row["position"],
        "local_date": row["local_date"],
        "method": {"name": row["method"], "version": row["method_version"]},
        "publication_number": row["publication_number"],
    }
    return to_json(head)[:-1] + b"," + board[1:]


async def _snapshot(
    resources: Resources, plan: PlanState, period: Period, basis: str, as_of: datetime | None
) -> tuple[Mapping[str, Any] | None, bytes]:
    if as_of is None:
        async with resources.reads.pool.acquire() as connection:
            row = await queries.latest_board_text(
                connection, plan.city_code, plan.code, period=period.code, basis=basis
            )
        return row, row["board"].encode() if row else b""
    async with resources.reads.sessions() as session:
        snapshot = await queries.latest_board(
            session, plan.city_code, plan.code, period=period.code, basis=basis, as_of=as_of
        )
    if snapshot is None:
        return None, b""
    return vars(snapshot), to_json(snapshot.board)
