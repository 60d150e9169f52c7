"""Routes of a plan's periods: list, open, close, publish and reopen."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.answers import json_answer
from services.api.context import (
    IfMatch,
    PlanInScope,
    Reading,
    Resources,
    ResourcesDep,
    Writing,
    check_match,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.plan.opening import (
    PeriodAskingOut,
    PeriodClosedOut,
    PeriodOpenIn,
    asking_out,
    closed_out,
)
from services.api.plan.schemas import PeriodListOut, PeriodOut, PeriodReopenIn
from services.api.plan.views import period_etag, period_out
from services.api.plan_parameters import PeriodCode
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.obligations.queries import answered_periods
from services.core.obligations.service import move_period
from services.core.plan import queries
from services.core.plan.models import PlanPeriod
from services.core.plan.periods import Period
from services.core.plan.service import PeriodVerb
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period

router = versioned_router("periods")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]
PeriodRunner = Annotated[Actor, Depends(permitted(Permission.RUN_PERIOD))]


@router.get("/plans/{plan}/periods", responses={**answering("Periods"), **refusals(403, 404)})
async def list_periods(actor: Reader, plan: PlanInScope, session: Reading) -> PeriodListOut:
    """List the periods that were ever opened."""
    del actor
    answered = await answered_periods(session, plan)
    periods = [
        period_out(period, plan, answered=code in answered)
        for code, period in sorted(plan.periods.items())
    ]
    return PeriodListOut(items=periods, next_page_token=None)


@dataclass(frozen=True, slots=True)
class PeriodTurn:
    """The turn of a verb on a period, for a caller who runs the plan's periods.

    A period that was never opened has the state `planned`, and no version that a precondition could
    name.
    """

    verb: PeriodVerb
    period: Period
    actor: Actor
    plan: PlanState
    session: AsyncSession
    resources: Resources

    async def move(
        self, if_match: str | None, *, due_date: date | None = None, reason: str | None = None
    ) -> PlanPeriod:
        """Check the precondition, run the verb, and return the period."""
        if if_match is not None:
            await self._check(if_match)
        row = await move_period(
            self.session,
            plan=self.plan,
            period=self.period,
            verb=self.verb,
            actor=self.actor.stamp(),
            now=self.resources.clock.now(),
            due_date=due_date,
            reason=reason,
        )
        self.resources.plans.changed(self.session, self.plan.code)
        return row

    async def _check(self, if_match: str) -> None:
        row = await queries.period_for_update(
            self.session, self.plan.city_code, self.plan.code, self.period.code
        )
        etag = None if row is None else period_etag(row)
        current = None if row is None else period_out(row, self.plan, answered=True)
        check_match(if_match, etag, required=False, current=current)

    async def end(self, if_match: str | None) -> Response:
        """Run a verb after which no values are taken; return the period, and a warning."""
        row = await self.move(if_match)
        shown = closed_out(row, self.plan)
        return json_answer(shown.model_dump_json().encode(), etag=period_etag(row))

    async def act(self, if_match: str | None) -> Response:
        """Run the verb and return the period after it."""
        row = await self.move(if_match)
        shown = period_out(row, self.plan, answered=True)
        return json_answer(shown.model_dump_json().encode(), etag=period_etag(row))

    async def ask(
        self, if_match: str | None, *, due_date: date | None, reason: str | None = None
    ) -> Response:
        """Run a verb that asks units for values; return the values asked, by unit."""
        row = await self.move(if_match, due_date=due_date, reason=reason)
        answered = row.period in await answered_periods(self.session, self.plan, row.period)
        shown = await asking_out(self.session, self.plan, row, answered=answered)
        return json_answer(shown.model_dump_json().encode(), etag=period_etag(row))


def _taking(verb: PeriodVerb) -> Any:
    """Return the dependency that locks a period for a verb."""

    async def take(
        actor: PeriodRunner,
        plan: PlanInScope,
        code: PeriodCode,
        session: Writing,
        resources: ResourcesDep,
    ) -> PeriodTurn:
        period = parsed_period(plan, code, "/path/period")
        return PeriodTurn(verb, period, actor, plan, session, resources)

    return Depends(take)


_REFUSALS = refusals(403, 404, 409, 412)


@router.post(
    "/plans/{plan}/periods/{period}/open",
    responses={**answering("PeriodOpened", ETAG), **_REFUSALS},
    openapi_extra=asking("Opening", required=False),
    response_model=PeriodAskingOut,
)
async def open_period(
    body: PeriodOpenIn, turn: Annotated[PeriodTurn, _taking("open")], if_match: IfMatch = None
) -> Response:
    """Ask the units for a period's values, which they owe from now on, each until its due date.

    The answer says how many values it asks for and from whom, with `validate_only` too. Where
    the date that the plan's rule gives has passed, `due_date` is asked for (422).
    """
    return await turn.ask(if_match, due_date=body.due_date)


@router.post(
    "/plans/{plan}/periods/{period}/cancel",
    responses={**answering("PeriodCancelled", ETAG), **_REFUSALS},
    response_model=PeriodOut,
)
async def cancel_period(
    turn: Annotated[PeriodTurn, _taking("cancel")], if_match: IfMatch = None
) -> Response:
    """Take the opening of a period back, while nobody answered it: nothing is owed for it then.

    Once a unit handed in a value, or the period was published, that is 409 `period-answered`.
    """
    return await turn.act(if_match)


@router.post(
    "/plans/{plan}/periods/{period}/close",
    responses={**answering("PeriodClosed", ETAG), **_REFUSALS},
    response_model=PeriodClosedOut,
)
async def close_period(
    turn: Annotated[PeriodTurn, _taking("close")], if_match: IfMatch = None
) -> Response:
    """Stop the writing of a period's values; what is under review can still be decided.

    It closes nothing within the period; a quarter of a closed year still takes values, and moves
    the year's score. `warnings` names such periods.
    """
    return await turn.end(if_match)


@router.post(
    "/plans/{plan}/periods/{period}/publish",
    responses={**answering("PeriodPublished", ETAG), **_REFUSALS},
    response_model=PeriodOut,
)
async def publish_period(
    turn: Annotated[PeriodTurn, _taking("publish")], if_match: IfMatch = None
) -> Response:
    """Freeze the scoreboard of a period under the next number."""
    return await turn.act(if_match)


@router.post(
    "/plans/{plan}/periods/{period}/reopen",
    responses={**answering("PeriodReopened", ETAG), **_REFUSALS},
    openapi_extra=asking("Reopening", required=False),
    response_model=PeriodAskingOut,
)
async def reopen_period(
    body: PeriodReopenIn, turn: Annotated[PeriodTurn, _taking("reopen")], if_match: IfMatch = None
) -> Response:
    """Open a closed or published period again; it is scored anew from then on.

    What is not handed in is due as before, passed or not, unless a `due_date` gives more time: not
    before today, nor before the date in force (422). What was published is reopened for a
    `reason`, which its publication shows from then on.
    """
    return await turn.ask(if_match, due_date=body.due_date, reason=body.reason)
