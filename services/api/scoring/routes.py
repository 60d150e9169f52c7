"""Paths of scores: the scoreboard, an indicator's series, and the trace of one score."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.context import (
    Held,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanCode,
    PlanInScope,
    Reading,
    Resources,
    resources_of,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import CONTENT_LANGUAGE, ETAG, VARY, answering
from services.api.instants import Instant
from services.api.paging import cut, of_list
from services.api.plan_parameters import IndicatorCode, PeriodQuery, period_of_board
from services.api.problems import language_of
from services.api.response_cache import CachedRoute
from services.api.routing import access_of, plan_access, versioned_router
from services.api.scoring.schemas import (
    ContributionOut,
    MethodOut,
    ScoreboardOut,
    ScoreOut,
    SeriesOut,
)
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.pagination import read_page_token, read_text
from services.core.kit.text import Text
from services.core.plan import queries as plan_queries
from services.core.plan.errors import IndicatorNotFound, PublicationNotFound
from services.core.plan.leads import leads_of
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_every, sees_under_review
from services.core.scoring import queries
from services.core.scoring.board import Drawn, board_before, empty_board
from services.core.scoring.cases import periods_read
from services.core.scoring.counting import Contribution, ScoreSubject, contributions
from services.core.scoring.explanation import explain
from services.core.scoring.reach import within_reach
from services.core.submissions.rules import text_of

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
    """Let only those see values under review who may see every submission of the plan."""
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
    access, held = access_of(request), resources_of(request)
    check_basis(access.actor, basis)
    body = await board_body(held, access.plan, period, basis, as_of, publication)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


async def board_body(
    held: Resources,
    plan: PlanState,
    period: str | None,
    basis: str,
    as_of: datetime | None,
    publication: int | None,
) -> bytes:
    """Return the body of the scoreboard that is asked for.

    Raises:
        PublicationNotFound: nothing was published under this number, or another period was.
    """
    if publication is None:
        return await _read_board(held, plan, period_of_board(plan, period), basis, as_of)
    check_alone(publication, as_of)
    asked = None if period is None else period_of_board(plan, period)
    return await _read_published(held, plan, publication, basis, asked)


def check_alone(publication: int | None, as_of: datetime | None) -> None:
    """Refuse a number together with an instant: each names a board by itself."""
    if publication is not None and as_of is not None:
        detail = Text(
            "publication 与 as_of 只能给一个：前者是某次发布，后者是某一时刻",
            "Give `publication` or `as_of`, not both: each names a scoreboard",
        )
        raise InvalidInput(
            faults=[Fault("/query/publication", "not-with-as-of", detail, publication)]
        )


async def _read_board(
    held: Resources, plan: PlanState, period: Period, basis: str, as_of: datetime | None
) -> bytes:
    """Return a scoreboard's body: the snapshot in force, or one on which nothing stands yet."""
    row, board = await _snapshot(held, plan, period, basis, as_of)
    if row is None:
        drawn, day = unwritten_board(held, plan, period, as_of)
        head = _head(plan, period, basis) | {"as_of": as_of, "position": 0, "local_date": day}
        return to_json({**head, **drawn.board})
    return _body(plan, period, basis, row, board, as_of)


def unwritten_board(
    held: Resources, plan: PlanState, period: Period, as_of: datetime | None
) -> tuple[Drawn, date]:
    """Return a board of which there is no snapshot, and its local date.

    As of a time gone by nothing of today's state is on it: nothing was known then.
    """
    now = held.clock.now()
    if as_of is not None and as_of < now:
        return board_before(plan, period, as_of), plan.local_date(as_of)
    today = plan.local_date(now)
    return empty_board(plan, period, today), today


async def _read_published(
    held: Resources, plan: PlanState, number: int, basis: str, asked: Period | None
) -> bytes:
    """Return the body of the scoreboard that was published under a number.

    Raises:
        PublicationNotFound: there is none, or it is of another period than the one asked for.
    """
    async with held.reads.sessions() as session:
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
    period = plan.period_calendar.period(published.period)
    return _body(plan, period, basis, vars(snapshot), to_json(snapshot.board), None)


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
    """Return a snapshot's body. The board is stored as it is shown: its text follows the head."""
    head = _head(plan, period, basis) | {
        "plan_version": row["plan_version"],
        "as_of": as_of or row["computed_at"],
        "position": row["position"],
        "local_date": row["local_date"],
        "method": {"name": row["method"], "version": row["method_version"]},
        "publication_number": row["publication_number"],
    }
    return to_json(head)[:-1] + b"," + board[1:]


async def _snapshot(
    held: Resources, plan: PlanState, period: Period, basis: str, as_of: datetime | None
) -> tuple[Mapping[str, Any] | None, bytes]:
    if as_of is None:
        async with held.reads.pool.acquire() as connection:
            row = await queries.latest_board_text(
                connection, plan.city_code, plan.code, period=period.code, basis=basis
            )
        return row, row["board"].encode() if row else b""
    async with held.reads.sessions() as session:
        snapshot = await queries.latest_board(
            session, plan.city_code, plan.code, period=period.code, basis=basis, as_of=as_of
        )
    if snapshot is None:
        return None, b""
    return vars(snapshot), to_json(snapshot.board)


@router.get(
    "/plans/{plan}/indicators/{code}/series",
    responses={**answering("Series"), **refusals(403, 404)},
)
async def get_indicator_series(
    actor: Reader,
    plan: PlanInScope,
    code: IndicatorCode,
    session: Reading,
    basis: Basis = "approved",
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> SeriesOut:
    """Return an indicator's standing in every period that has a scoreboard, by period code."""
    check_basis(actor, basis)
    named = of_list(actor, "series", plan=plan.code, indicator=code, basis=basis)
    after = "" if page_token is None else read_page_token(page_token, named, read_text)[0]
    points = await queries.series(
        session,
        plan.city_code,
        plan.code,
        indicator=code,
        basis=basis,
        after_period=after,
        limit=page_size + 1,
    )
    page, following = cut(points, page_size, named, lambda one: [one.period])
    return SeriesOut.model_validate(
        {
            "plan": plan.code,
            "indicator_code": code,
            "basis": basis,
            "items": [{**point.row, "period": point.period} for point in page],
            "next_page_token": following,
        }
    )


@router.get(
    "/plans/{plan}/indicators/{code}/score",
    responses={**answering("Score", CONTENT_LANGUAGE, VARY), **refusals(403, 404)},
)
async def get_indicator_score(
    request: Request,
    response: Response,
    actor: Reader,
    plan: PlanInScope,
    code: IndicatorCode,
    session: Reading,
    held: Held,
    period: PeriodQuery = None,
    basis: Basis = "approved",
    as_of: AsOf = None,
) -> ScoreOut:
    """Return one score with everything it was made from, down to the submissions.

    `steps` are in the language that `Accept-Language` asks for.
    """
    check_basis(actor, basis)
    wanted = period_of_board(plan, period)
    unit = unit_in_scope(actor, plan, code)
    snapshot = await queries.latest_board(
        session, plan.city_code, plan.code, period=wanted.code, basis=basis, as_of=as_of
    )
    if snapshot is None:
        drawn, _ = unwritten_board(held, plan, wanted, as_of)
        board, traces, position = drawn.board, drawn.traces, 0
        method = MethodOut(name=plan.document.scheme.name, version=plan.document.scheme.version)
        inputs, outside = list[Contribution](), 0
    else:
        board, traces, position = snapshot.board, snapshot.traces, snapshot.position
        method = MethodOut(name=snapshot.method, version=snapshot.method_version)
        place = ScoreSubject(code, basis, periods_read(wanted, plan.indicators[code]))
        inputs, outside = await contributions(
            session, plan.city_code, plan.code, place=place, position=position, unit=unit
        )
    row = next((row for row in board["indicators"] if row["code"] == code), None)
    if row is None:  # a board frozen before a later version of the plan brought this indicator
        raise IndicatorNotFound
    language = language_of(request)
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Authorization, Accept-Language"
    trace = traces[code]
    if unit is not None:
        reported = Counter(one.period for one in inputs)
        trace = within_reach(trace, unit.__eq__, reported)
    units = [
        {**each, "name": plan.organization_name(each["organization_code"])}
        for each in trace.get("units", ())
    ]
    return ScoreOut.model_validate(
        {
            "plan": plan.code,
            "indicator_code": code,
            "period": wanted.code,
            "basis": basis,
            "position": position,
            "method": method,
            "score": row,
            "steps": [step.in_(language) for step in explain(traces[code], trace)],
            "trace": trace,
            "units": units,
            "units_outside_scope": len(traces[code].get("units", ())) - len(units),
            "submissions": [contribution_out(one) for one in inputs],
            "submissions_outside_scope": outside,
        }
    )


def unit_in_scope(actor: Actor, plan: PlanState, code: str) -> str | None:
    """Return the unit whose contributions alone are the caller's to see; None: everybody's.

    As with submissions; `""` is no unit's code.
    """
    if not actor.may(Permission.READ_SUBMISSIONS):
        return ""
    everybodys = sees_every(
        actor,
        city_code=plan.city_code,
        plan_code=plan.code,
        leads=leads_of(plan.indicators[code]),
        approved=True,  # what is under review is refused before (`check_basis`)
    )
    if everybodys:
        return None
    return actor.organization_code or ""


def contribution_out(one: Contribution) -> ContributionOut:
    """Return a value that counted as it is told of."""
    return ContributionOut(
        submission_id=one.submission_id,
        revision=one.revision,
        organization_code=one.organization_code,
        period=one.period,
        value=text_of(one.value),
        numerator=text_of(one.numerator),
        denominator=text_of(one.denominator),
        level=one.level,
        not_applicable_reason=one.not_applicable_reason,
        provisional=one.provisional,
        falsified=one.falsified,
    )
