"""Paths of a plan's periods: which there are, and opening, closing, publishing, reopening one."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Response

from services.api.context import Held, IfMatch, PlanInScope, Reading, Writing, check_match
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.plan import examples
from services.api.plan.opening import PeriodAskingOut, PeriodOpenIn, asking_out
from services.api.plan.schemas import PeriodListOut, PeriodOut, PeriodReopenIn
from services.api.plan.views import period_etag, period_out
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.obligations.asking import answered_periods
from services.core.obligations.service import move_period
from services.core.plan import queries
from services.core.plan.models import PlanPeriod
from services.core.plan.periods import Period
from services.core.plan.queries import PlanState
from services.core.plan.service import PeriodVerb

router = versioned_router("periods")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]
PeriodRunner = Annotated[Actor, Depends(permitted(Permission.RUN_PERIOD))]
PeriodCode = Annotated[
    str,
    Path(
        alias="period",
        max_length=40,
        description="A year `2025`, a half `2025-H1`, a quarter `2025-Q3` or a month `2025-09`",
        examples=["2025"],
    ),
]


def parsed_period(plan: PlanState, code: str, pointer: str) -> Period:
    """Return the period of a code.

    Raises:
        InvalidInput: it is no period, or begins before the plan does.
    """
    try:
        period = plan.period_calendar.period(code)
    except ValueError:
        raise InvalidInput(
            faults=[
                Fault(
                    pointer,
                    "invalid-period",
                    Text(
                        "周期应写作 2025、2025-H1、2025-Q3 或 2025-09",
                        "A period is written 2025, 2025-H1, 2025-Q3 or 2025-09",
                    ),
                    code[:40],
                )
            ]
        ) from None
    if period.last_day < plan.document.span.start:
        raise InvalidInput(
            faults=[
                Fault(
                    pointer,
                    "period-before-plan",
                    Text("该周期早于计划的开始", "The period ends before the plan begins"),
                    code,
                )
            ]
        )
    return period


@router.get(
    "/plans/{plan}/periods", responses={**answering(examples.PERIODS), **refusals(403, 404)}
)
async def list_periods(actor: Reader, plan: PlanInScope, session: Reading) -> PeriodListOut:
    """List the periods that were ever opened."""
    del actor
    answered = await answered_periods(session, plan)
    periods = [
        period_out(period, plan, answered=code in answered)
        for code, period in sorted(plan.periods.items())
    ]
    return PeriodListOut(items=periods, next_page_token=None)


async def _move(
    verb: PeriodVerb,
    code: str,
    actor: Actor,
    plan: PlanState,
    session: Writing,
    held: Held,
    response: Response,
    if_match: str | None,
) -> PeriodOut:
    row = await _moved(verb, code, actor, plan, session, held, if_match)
    response.headers["ETag"] = period_etag(row)
    return period_out(row, plan, answered=True)


async def _moved(
    verb: PeriodVerb,
    code: str,
    actor: Actor,
    plan: PlanState,
    session: Writing,
    held: Held,
    if_match: str | None,
    due_date: date | None = None,
    reason: str | None = None,
) -> PlanPeriod:
    period = parsed_period(plan, code, "/path/period")
    if if_match is not None:
        present = await queries.period_for_update(session, plan.city_code, plan.code, period.code)
        check_match(
            if_match,
            None if present is None else period_etag(present),
            required=False,
            current=None if present is None else period_out(present, plan, answered=True),
        )
    row = await move_period(
        session,
        plan=plan,
        period=period,
        verb=verb,
        actor=actor.stamp(),
        now=held.clock.now(),
        due_date=due_date,
        reason=reason,
    )
    held.plans.changed(session, plan.code)
    return row


async def _asking(
    session: Writing, plan: PlanState, row: PlanPeriod, response: Response
) -> PeriodAskingOut:
    response.headers["ETag"] = period_etag(row)
    answered = row.period in await answered_periods(session, plan, row.period)
    return await asking_out(session, plan, row, answered=answered)


_REFUSALS = refusals(403, 404, 409, 412)


@router.post(
    "/plans/{plan}/periods/{period}/open",
    responses={**answering(examples.OPENED, ETAG), **_REFUSALS},
    openapi_extra=asking(examples.OPENING, required=False),
)
async def open_period(
    body: PeriodOpenIn,
    actor: PeriodRunner,
    plan: PlanInScope,
    period: PeriodCode,
    session: Writing,
    held: Held,
    response: Response,
    if_match: IfMatch = None,
) -> PeriodAskingOut:
    """Ask the units for a period's values, which they owe from now on, each until its due date.

    The answer says how many values it asks for and from whom, with `validate_only` too. Where
    the date that the plan's rule gives has passed, `due_date` is asked for (422).
    """
    row = await _moved("open", period, actor, plan, session, held, if_match, body.due_date)
    return await _asking(session, plan, row, response)


@router.post(
    "/plans/{plan}/periods/{period}/cancel",
    responses={**answering(examples.CANCELLED, ETAG), **_REFUSALS},
)
async def cancel_period(
    actor: PeriodRunner,
    plan: PlanInScope,
    period: PeriodCode,
    session: Writing,
    held: Held,
    response: Response,
    if_match: IfMatch = None,
) -> PeriodOut:
    """Take the opening of a period back, while nobody answered it: nothing is owed for it then.

    Once a unit handed in a value, or the period was published, that is 409 `period-answered`.
    """
    return await _move("cancel", period, actor, plan, session, held, response, if_match)


@router.post(
    "/plans/{plan}/periods/{period}/close",
    responses={**answering(examples.CLOSED, ETAG), **_REFUSALS},
)
async def close_period(
    actor: PeriodRunner,
    plan: PlanInScope,
    period: PeriodCode,
    session: Writing,
    held: Held,
    response: Response,
    if_match: IfMatch = None,
) -> PeriodOut:
    """Stop the writing of a period's values; what is under review can still be decided."""
    return await _move("close", period, actor, plan, session, held, response, if_match)


@router.post(
    "/plans/{plan}/periods/{period}/publish",
    responses={**answering(examples.PUBLISHED, ETAG), **_REFUSALS},
)
async def publish_period(
    actor: PeriodRunner,
    plan: PlanInScope,
    period: PeriodCode,
    session: Writing,
    held: Held,
    response: Response,
    if_match: IfMatch = None,
) -> PeriodOut:
    """Freeze the scoreboard of a period under the next number."""
    return await _move("publish", period, actor, plan, session, held, response, if_match)


@router.post(
    "/plans/{plan}/periods/{period}/reopen",
    responses={**answering(examples.REOPENED, ETAG), **_REFUSALS},
    openapi_extra=asking(examples.REOPENING, required=False),
)
async def reopen_period(
    body: PeriodReopenIn,
    actor: PeriodRunner,
    plan: PlanInScope,
    period: PeriodCode,
    session: Writing,
    held: Held,
    response: Response,
    if_match: IfMatch = None,
) -> PeriodAskingOut:
    """Open a closed or published period again; it is scored anew from then on.

    What is not handed in is due as before, passed or not, unless a `due_date` gives more time.
    What was published is reopened for a `reason`, which its publication shows from then on.
    """
    row = await _moved(
        "reopen", period, actor, plan, session, held, if_match, body.due_date, body.reason
    )
    return await _asking(session, plan, row, response)
