"""Routes of alerts: list and read them, acknowledge and snooze."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.api.alerts.schemas import (
    AcknowledgeIn,
    AlertDetailOut,
    AlertHistoryOut,
    AlertListOut,
    SnoozeIn,
    alert_fields,
    change_out,
    notice_fields,
)
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    Resources,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.filters import OrganizationFilter, check_codes
from services.api.paging import after_id, after_version, cut, of_list
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn, in_scope, shown_item
from services.core.alerts import queries, service
from services.core.alerts.errors import AlertNotFound
from services.core.alerts.following import rules_of
from services.core.alerts.models import Alert
from services.core.alerts.queries import AlertFilters
from services.core.alerts.rule_set import RULES
from services.core.alerts.rules import AlertState, AlertVerb
from services.core.alerts.service import AnswerContext
from services.core.calendars.queries import working_calendar
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.nearest import with_nearest
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_whole_plan

router = versioned_router("alerts")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_ALERTS))]
Answerer = Annotated[Actor, Depends(permitted(Permission.ANSWER_ALERTS))]
AlertId = Annotated[
    UUID, Path(description="Id of an alert", examples=["019bb0f1-6b00-7a10-8a44-0d6c0f0e5b01"])
]

_NOTICES_SHOWN = 100
_VERB = refusals(403, 404, 409, 412)


async def standing_of(
    session: AsyncSession, plan: PlanState, resources: Resources
) -> AnswerContext:
    """Return the current rules, calendar and time by which a plan's alerts are answered."""
    rules, version = await rules_of(session, plan)
    supervision = plan.document.supervision
    calendar = await working_calendar(session, plan.city_code, supervision.calendar)
    today = resources.clock.today(plan.document.time_zone)
    return AnswerContext(rules, version, calendar, resources.clock.now(), today)


@router.get("/plans/{plan}/alerts", responses={**answering("Alerts"), **refusals(403, 404)})
async def list_alerts(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    state: Annotated[AlertState | None, Query(description="In this state only")] = None,
    organization_code: OrganizationFilter = None,
    level: Annotated[int | None, Query(ge=0, le=20, description="At this level only")] = None,
    rule: Annotated[str | None, Query(max_length=60, description="Of this rule only")] = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AlertListOut:
    """List the alerts that the caller may see, newest first.

    A unit sees its own, a lead also those of the measures and indicators it leads, the office
    and the leader all.
    """
    if rule is not None and rule not in RULES:
        said = Text("没有这条规则", "There is no such rule")
        fault = Fault("/query/rule", "unknown-rule", with_nearest(said, rule, RULES), rule)
        raise InvalidInput(faults=[fault])
    asked = [state, organization_code, level, rule]
    named = of_list(actor, "alerts", plan=plan.code, asked=asked)
    standing = await standing_of(session, plan, resources)
    found = await queries.page(
        session,
        actor,
        plan_code=plan.code,
        filters=AlertFilters(state, organization_code, level, rule),
        today=standing.today,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    check_codes(found, plan, organization_code=organization_code)
    _check_level(found, standing, level)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return AlertListOut.model_validate(
        {
            "items": [alert_fields(one, standing=standing, actor=actor) for one in page],
            "next_page_token": following,
            "limited_to_scope": not sees_whole_plan(actor),
        }
    )


def _check_level(found: Sized, standing: AnswerContext, level: int | None) -> None:
    """Refuse a level that found nothing and is not on the ladder; an earlier one may have had it.

    Raises:
        InvalidInput: nothing was found, and the ladder ends below the level.
    """
    top = standing.rules.top_level
    if not found and level is not None and level > top:
        detail = Text(f"没有该级别，可写 0 至 {top}", f"There is no such level; write 0 to {top}")
        raise InvalidInput(faults=[Fault("/query/level", "unknown-level", detail, level)])


async def _shown(
    session: AsyncSession, alert: Alert, standing: AnswerContext, actor: Actor
) -> Shown:
    """Return an alert as `AlertDetailOut` has it."""
    notices = await queries.notices(session, alert.city_code, alert.alert_key, limit=_NOTICES_SHOWN)
    fields: dict[str, Any] = alert_fields(alert, standing=standing, actor=actor)
    fields["notices"] = [notice_fields(one) for one in notices]
    return shown_item(alert, fields)


async def _seen(alert_id: AlertId, actor: Reader, session: Reading) -> Alert:
    """Return an alert that the caller sees.

    Raises:
        AlertNotFound: no alert with this id is in the caller's scope.
    """
    return in_scope(await queries.one(session, actor, alert_id), AlertNotFound)


Seen = Annotated[Alert, Depends(_seen)]


@router.get(
    "/alerts/{alert_id}",
    responses={**answering("Alert", ETAG), **refusals(403, 404)},
    response_model=AlertDetailOut,
)
async def get_alert(
    alert: Seen,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one alert with its notices: what was told when, what was kept back, by which rules."""
    plan = await resources.plans.of_city(alert.city_code, alert.plan_code, session)
    shown = await _shown(session, alert, await standing_of(session, plan, resources), actor)
    return shown.answer(if_none_match)


@router.get(
    "/alerts/{alert_id}/history",
    responses={**answering("AlertHistory"), **refusals(403, 404)},
)
async def get_alert_history(
    alert: Seen,
    actor: Reader,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> AlertHistoryOut:
    """Return the changes of an alert, oldest first."""
    named = of_list(actor, "alert-history", of=alert.id)
    after = after_version(page_token, named)
    found = await queries.history(
        session, alert.city_code, alert.id, after=after, limit=page_size + 1
    )
    page, following = cut(found, page_size, named, lambda one: [one.version])
    return AlertHistoryOut(items=[change_out(one) for one in page], next_page_token=following)


@dataclass(frozen=True)
class AlertTurn(Turn[Alert]):
    """The turn of a verb on an alert, with the context its answer is checked against."""

    standing: AnswerContext

    @override
    async def shown(self) -> Shown:
        return await _shown(self.session, self.item, self.standing, self.actor)


def _taking(verb: AlertVerb) -> Any:
    """Return the dependency that locks an alert for a verb."""

    async def take(
        alert_id: AlertId, actor: Answerer, session: Writing, resources: ResourcesDep
    ) -> AlertTurn:
        alert = in_scope(
            await queries.one(session, actor, alert_id, for_update=True), AlertNotFound
        )
        plan = await resources.plans.of_city(alert.city_code, alert.plan_code, session)
        standing = await standing_of(session, plan, resources)
        service.check_right(alert, verb, standing, actor)
        return AlertTurn(alert, actor, session, resources, standing)

    return Depends(take)


@router.post(
    "/alerts/{alert_id}/acknowledge",
    responses={**answering("AlertAcknowledged", ETAG), **_VERB},
    openapi_extra=asking("Acknowledge"),
    response_model=AlertDetailOut,
)
async def acknowledge_alert(
    body: AcknowledgeIn,
    turn: Annotated[AlertTurn, _taking("acknowledge")],
    if_match: IfMatch = None,
) -> Response:
    """Say what is being done, and by when it will be.

    The next notice waits for the promised date, at most three working days; the top level does
    not wait.
    """
    return await turn.act(
        if_match,
        service.acknowledge,
        standing=turn.standing,
        actor=turn.actor,
        note=body.note,
        promised_date=body.promised_date,
    )


@router.post(
    "/alerts/{alert_id}/snooze",
    responses={**answering("AlertSnoozed", ETAG), **_VERB},
    openapi_extra=asking("Snooze"),
    response_model=AlertDetailOut,
)
async def snooze_alert(
    body: SnoozeIn,
    turn: Annotated[AlertTurn, _taking("snooze")],
    if_match: IfMatch = None,
) -> Response:
    """Put an alert off until a day, on which it is told of again. The top level is the office's."""
    return await turn.act(
        if_match,
        service.snooze,
        standing=turn.standing,
        actor=turn.actor,
        until=body.until,
        reason=body.reason,
    )
