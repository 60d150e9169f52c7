"""Routes of the to-do list and of calendar tokens."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from services.api.agenda.schemas import (
    CalendarTokenIn,
    CalendarTokenListOut,
    CalendarTokenMadeOut,
    CalendarTokenOut,
    TodoListOut,
    counts_out,
    todo_out,
    token_fields,
)
from services.api.context import PageSize, PageToken, PlanInScope, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import LOCATION, answering, asking
from services.api.paging import after_id, cut, of_list
from services.api.request_context import context_of
from services.api.routing import versioned_router
from services.api.security import Caller, permitted
from services.api.turns import in_scope
from services.core.agenda import queries, service
from services.core.agenda.errors import CalendarTokenNotFound
from services.core.agenda.models import CalendarToken
from services.core.agenda.queries import PlanTurns, TodoPlace
from services.core.agenda.rules import KINDS, TodoKind, kinds_for, turns
from services.core.agenda.service import TokenRequest
from services.core.calendars.queries import working_calendar
from services.core.calendars.rules import WorkingCalendar
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.kit.pagination import read_page_token
from services.core.plan.queries import visible_plans
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import unknown_organization

router = versioned_router("agenda")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_MILESTONES))]
TokenId = Annotated[
    UUID,
    Path(description="Id of a calendar token", examples=["019bb0f1-6b00-7a10-8a44-0d6c0f0e5a77"]),
]


@router.get("/me/todo", responses={**answering("Todo"), **refusals(404)})
async def list_todo(
    actor: Caller,
    session: Reading,
    resources: ResourcesDep,
    request: Request,
    plan: Annotated[
        str | None, Query(max_length=60, description="Only what is of this plan")
    ] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> TodoListOut:
    """List what waits for the caller, soonest due first, and count it by kind.

    A unit's key sees what the unit has to report, correct, sign for and work on; a lead's also
    what it has to review, close, reassign and decide; the office's what nobody else can decide,
    and what a lead left undecided until it was overdue. Who only reads has nothing to do.
    """
    if plan is not None:
        await resources.plans.get(plan, actor, session)
    known = await visible_plans(session, actor, plan_code=plan) if kinds_for(actor) else []
    codes = [one.code for one in known]
    plans = {code: await resources.plans.get(code, actor, session) for code in codes}
    calendars = {code: await _calendar(session, state) for code, state in plans.items()}
    days = {
        code: PlanTurns(
            code,
            state.document.time_zone,
            today := resources.clock.today(state.document.time_zone),
            turns(state.document.supervision, calendars[code], today),
            list(state.registers),
        )
        for code, state in plans.items()
    }
    named = of_list(actor, "todo", plan=plan)
    found, counts = await queries.waiting(
        session,
        actor,
        list(days.values()),
        after=None if page_token is None else _place(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(
        found, page_size, named, lambda one: [one.due_date, one.kind, one.subject_id]
    )
    return TodoListOut(
        items=[
            todo_out(
                one,
                plans[one.plan_code],
                calendars[one.plan_code],
                days[one.plan_code].today,
                prefix=request.scope.get("root_path", ""),
            )
            for one in page
        ],
        next_page_token=following,
        total=sum(count.waiting for count in counts.values()),
        overdue=sum(count.overdue for count in counts.values()),
        counts=counts_out(counts),
    )


def _place(page_token: str, named: Mapping[str, object]) -> TodoPlace:
    return TodoPlace(*read_page_token(page_token, named, date.fromisoformat, _kind, UUID))


def _kind(part: str) -> TodoKind:
    return KINDS[KINDS.index(part)]


async def _calendar(session: Reading, plan: PlanState) -> WorkingCalendar:
    return await working_calendar(session, plan.city_code, plan.document.supervision.calendar)


@router.post(
    "/plans/{plan}/calendar-tokens",
    status_code=201,
    responses={
        **answering("CalendarTokenMade", LOCATION, status=201),
        **refusals(403, 404),
    },
    openapi_extra=asking("CalendarTokenAsked"),
)
async def create_calendar_token(
    body: CalendarTokenIn,
    request: Request,
    actor: Reader,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
    response: Response,
) -> CalendarTokenMadeOut:
    """Make a calendar to subscribe to. Its address is in this answer and nowhere else.

    It works without a key until it is revoked, or the key that made it is.
    """
    unit = body.organization_code
    if unit is not None and unit not in plan.organizations:
        raise InvalidInput(faults=[unknown_organization(plan, "/organization_code", unit)])
    token, secret = await service.create_token(
        session,
        request=TokenRequest(
            plan.code,
            body.scope,
            unit or actor.organization_code,
            body.name,
        ),
        actor=actor,
        now=resources.clock.true_now(),
    )
    fields = token_fields(token)
    prefix = request.scope.get("root_path", "")
    response.headers["Location"] = f"/v1/calendar-tokens/{token.id}"
    # A secret is never stored: the reply kept for repeats omits it.
    context_of(request).kept_reply = (
        CalendarTokenMadeOut(**fields, path=None).model_dump_json().encode()
    )
    return CalendarTokenMadeOut(
        **fields, path=f"{prefix}/v1/plans/{plan.code}/calendar.ics?token={secret}"
    )


@router.get("/calendar-tokens", responses={**answering("CalendarTokens"), **refusals(403)})
async def list_calendar_tokens(
    actor: Reader, session: Reading, page_size: PageSize = 50, page_token: PageToken = None
) -> CalendarTokenListOut:
    """List the calendar tokens that this key made, revoked ones too."""
    named = of_list(actor, "calendar-tokens")
    found = await queries.tokens_of(
        session, actor, after=after_id(page_token, named), limit=page_size + 1
    )
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return CalendarTokenListOut(
        items=[CalendarTokenOut(**token_fields(token)) for token in page],
        next_page_token=following,
    )


async def _taken(token_id: TokenId, actor: Reader, session: Writing) -> CalendarToken:
    token = await queries.token_for_update(session, actor, token_id)
    return in_scope(token, CalendarTokenNotFound)


@router.delete("/calendar-tokens/{token_id}", status_code=204, responses=refusals(403, 404))
async def revoke_calendar_token(
    token: Annotated[CalendarToken, Depends(_taken)],
    actor: Reader,
    session: Writing,
    resources: ResourcesDep,
) -> None:
    """Revoke a calendar token: its address answers 401 from then on. Again changes nothing."""
    await service.revoke_token(session, token, actor=actor, now=resources.clock.true_now())
