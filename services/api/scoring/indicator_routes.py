"""Routes of one indicator's scores: its series over the periods, and the trace of one score."""

from collections import Counter
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request, Response

from services.api.context import PageSize, PageToken, PlanInScope, Reading, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import CONTENT_LANGUAGE, VARY, answering
from services.api.paging import cut, of_list
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.problems import language_of
from services.api.routing import versioned_router
from services.api.scoring.contribution_views import contribution_out, unit_in_scope
from services.api.scoring.routes import (
    AsOf,
    Basis,
    Published,
    Reader,
    check_alone,
    check_basis,
    published_board,
    unwritten_board,
)
from services.api.scoring.schemas import MethodOut, ScoreOut, SeriesOut
from services.core.kit.pagination import read_page_token, read_text
from services.core.plan.errors import IndicatorNotFound
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.versions.queries import plan_of_version, plan_that_had
from services.core.scoring import queries
from services.core.scoring.cases import periods_read
from services.core.scoring.counting import Contribution, ScoreSubject, contributions
from services.core.scoring.explanation import explain
from services.core.scoring.models import ScoreSnapshot
from services.core.scoring.reach import within_reach

router = versioned_router("scores")


async def _indicator_ever(
    code: Annotated[
        str,
        Path(
            max_length=60,
            description="Code of an indicator that the plan has, or had in an earlier version",
            examples=["U08"],
        ),
    ],
    plan: PlanInScope,
    session: Reading,
) -> str:
    await plan_that_had(session, plan, code)
    return code


IndicatorEver = Annotated[str, Depends(_indicator_ever)]
"""The code of an indicator that a scoreboard may show, even if the plan dropped it since."""


@router.get(
    "/plans/{plan}/indicators/{code}/series",
    responses={**answering("Series"), **refusals(403, 404)},
)
async def get_indicator_series(
    actor: Reader,
    plan: PlanInScope,
    code: IndicatorEver,
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
    code: IndicatorEver,
    session: Reading,
    resources: ResourcesDep,
    period: PeriodQuery = None,
    basis: Basis = "approved",
    as_of: AsOf = None,
    publication: Published = None,
) -> ScoreOut:
    """Return one score with everything it was made from, down to the submissions.

    `steps` are in the language that `Accept-Language` asks for. `publication` names a scoreboard
    that was frozen; an indicator that the plan dropped since still has its score there.
    """
    check_basis(actor, basis)
    wanted, snapshot = await _asked_for(session, plan, period, basis, as_of, publication)
    drawn_by = plan
    if snapshot is None:
        drawn, _ = await unwritten_board(session, resources, plan, wanted, as_of)
        board, traces, position = drawn.board, drawn.traces, 0
        scheme = plan.document.scheme
        method = MethodOut(name=scheme.name, version=scheme.version)
    else:
        drawn_by = await plan_of_version(session, plan, snapshot.plan_version)
        board, traces, position = snapshot.board, snapshot.traces, snapshot.position
        method = MethodOut(name=snapshot.method, version=snapshot.method_version)
    row = next((row for row in board["indicators"] if row["code"] == code), None)
    if row is None:  # the board's plan version has no such indicator
        raise IndicatorNotFound
    unit = unit_in_scope(actor, plan, drawn_by, code)
    inputs, outside = list[Contribution](), 0
    if snapshot is not None:
        place = ScoreSubject(code, basis, periods_read(drawn_by, wanted, drawn_by.indicators[code]))
        inputs, outside = await contributions(
            session, plan.city_code, plan.code, place=place, position=position, unit=unit
        )
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


async def _asked_for(
    session: Reading,
    plan: PlanState,
    period: str | None,
    basis: str,
    as_of: datetime | None,
    publication: int | None,
) -> tuple[Period, ScoreSnapshot | None]:
    """Return the requested scoreboard, None if none is drawn yet, and its period.

    Raises:
        PublicationNotFound: nothing was published under this number, or another period was.
    """
    check_alone(publication, as_of)
    if publication is not None:
        asked = None if period is None else period_of_board(plan, period)
        return await published_board(session, plan, publication, basis, asked)
    wanted = period_of_board(plan, period)
    return wanted, await queries.latest_board(
        session, plan.city_code, plan.code, period=wanted.code, basis=basis, as_of=as_of
    )
