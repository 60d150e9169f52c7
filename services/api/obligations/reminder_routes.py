"""Routes of reminders: the office reminds exactly the units that have not reported, once a day."""

from typing import Annotated

from fastapi import Depends

from services.api.actors import name_actors
from services.api.context import PageSize, PageToken, PlanInScope, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering, asking
from services.api.obligations.reminder_schemas import (
    RemindedOut,
    ReminderIn,
    ReminderListOut,
    ReminderOut,
    reminder_out,
)
from services.api.paging import after_id, cut, of_list
from services.api.plan_parameters import PeriodCode
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.obligations.reminders import queries
from services.core.obligations.reminders.service import remind
from services.core.plan.unknown_codes import parsed_period, unknown_organizations

router = versioned_router("obligations")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
PeriodRunner = Annotated[Actor, Depends(permitted(Permission.RUN_PERIOD))]


@router.post(
    "/plans/{plan}/periods/{period}/reminders",
    responses={**answering("Reminded"), **refusals(403, 404, 409)},
    openapi_extra=asking("Reminding", required=False),
)
async def remind_units(
    body: ReminderIn,
    actor: PeriodRunner,
    plan: PlanInScope,
    code: PeriodCode,
    session: Writing,
    resources: ResourcesDep,
) -> RemindedOut:
    """Remind the units that have not handed in what they owe for an open period, and no others.

    Each hears of it once a day, by an event of its own: a second call on a day reminds nobody
    twice. A draft is not handed in; a value that was returned is.
    """
    period = parsed_period(plan, code, "/path/period")
    named = enumerate(body.organization_codes or ())
    faults = unknown_organizations(
        plan, [(f"/organization_codes/{place}", unit) for place, unit in named]
    )
    if faults:
        raise InvalidInput(faults=faults)
    done = await remind(
        session,
        plan=plan,
        period=period,
        units=None if body.organization_codes is None else set(body.organization_codes),
        note=body.note,
        actor=actor.stamp(),
        now=resources.clock.now(),
    )
    items = [reminder_out(one, plan) for one in done.given]
    await name_actors(session, plan.city_code, items)
    return RemindedOut(
        items=[ReminderOut.model_validate(one) for one in items], already_reminded=done.already
    )


@router.get(
    "/plans/{plan}/periods/{period}/reminders",
    responses={**answering("Reminders"), **refusals(403, 404)},
)
async def list_reminders(
    actor: Reader,
    plan: PlanInScope,
    code: PeriodCode,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ReminderListOut:
    """List who was reminded of a period and what was missing then, newest first.

    A unit sees its own.
    """
    if actor.reach is Reach.APPROVED:
        raise takes("本市的角色", "a role of the city")
    period = parsed_period(plan, code, "/path/period").code
    named = of_list(actor, "reminders", plan=plan.code, period=period)
    found = await queries.reminders(
        session, actor, plan, period, before=after_id(page_token, named), limit=page_size + 1
    )
    page, following = cut(found, page_size, named, lambda one: [one.id])
    items = [reminder_out(one, plan) for one in page]
    await name_actors(session, plan.city_code, items)
    return ReminderListOut(
        items=[ReminderOut.model_validate(one) for one in items], next_page_token=following
    )
