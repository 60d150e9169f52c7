"""Commands on alerts and their rules: acknowledge, snooze, change the rules.

Each writes the new state, its history row and its event in the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.decisions import event_data
from services.core.alerts.errors import (
    AlertTransitionRefused,
    NotYourAlert,
    TopLevelNotSnoozed,
)
from services.core.alerts.models import Alert, AlertHistory, AlertRules
from services.core.alerts.rule_set import RuleSet, reference_faults
from services.core.alerts.rules import (
    TRANSITIONS,
    AlertState,
    AlertVerb,
    allowed_actions,
    answers_for,
    may_snooze,
)
from services.core.calendars.rules import WorkingCalendar
from services.core.events.catalogue import EventType
from services.core.events.service import NewEvent, record
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import InvalidInput
from services.core.kit.horizons import A_YEAR, not_within
from services.core.plan.state import PlanState

_EVENTS: Mapping[AlertVerb, EventType] = {
    "acknowledge": "alert.acknowledged",
    "snooze": "alert.snoozed",
}


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """The context of a reaction: the rules and working calendar in force, and the day."""

    rules: RuleSet
    rules_version: int
    calendar: WorkingCalendar
    now: datetime
    today: date


def state_on(alert: Alert, today: date) -> AlertState:
    """Return the state of an alert on a day: an expired snooze leaves it open."""
    if alert.state == "snoozed" and alert.hold_until is not None and alert.hold_until <= today:
        return "open"
    return alert.state  # type: ignore[return-value] # only states of ours are ever written


async def acknowledge(
    session: AsyncSession,
    alert: Alert,
    *,
    standing: AnswerContext,
    actor: Actor,
    note: str,
    promised_date: date,
) -> None:
    """Acknowledge a notice, with a note on what is being done, and a promised date.

    The next notice waits until the promised date is over, for at most three working days; a notice
    of the top level does not wait.

    Raises:
        NotYourAlert: the actor may not react for the unit.
        InvalidInput: the promised date has passed or lies too far ahead.
        AlertTransitionRefused: the state does not allow it; the allowed verbs are in `extra`.
    """
    check_right(alert, "acknowledge", standing, actor)
    last = standing.today + A_YEAR
    faults = not_within("/promised_date", promised_date, first=standing.today, last=last)
    if faults:
        raise InvalidInput(faults=faults)
    _check_state(alert, "acknowledge", standing, actor)
    calendar, days = standing.calendar, standing.rules.acknowledge_days
    kept = calendar.on_or_after(promised_date + timedelta(days=1))
    alert.hold_until = min(kept, calendar.shifted(standing.today, days))
    alert.holds_top = False
    alert.promised_date = promised_date
    await _write(session, alert, "acknowledge", standing, actor, note)


async def snooze(
    session: AsyncSession,
    alert: Alert,
    *,
    standing: AnswerContext,
    actor: Actor,
    until: date,
    reason: str,
) -> None:
    """Snooze an alert until a day, on which it is notified again, for a reason.

    Only the office's snooze suppresses the top level too.

    Raises:
        NotYourAlert, TopLevelNotSnoozed: the actor has no right to it.
        InvalidInput: the day is not ahead, or too far.
        AlertTransitionRefused: the state does not allow it; the allowed verbs are in `extra`.
    """
    check_right(alert, "snooze", standing, actor)
    longest = timedelta(days=standing.rules.snooze_days)
    first, last = standing.today + timedelta(days=1), standing.today + longest
    faults = not_within("/until", until, first=first, last=last)
    if faults:
        raise InvalidInput(faults=faults)
    _check_state(alert, "snooze", standing, actor)
    alert.hold_until = until
    alert.holds_top = actor.may(Permission.SNOOZE_TOP_ALERTS)
    alert.promised_date = None
    await _write(session, alert, "snooze", standing, actor, reason)


def check_right(alert: Alert, verb: AlertVerb, standing: AnswerContext, actor: Actor) -> None:
    """Check that the actor has the right to a verb, in any state of the alert.

    Raises:
        NotYourAlert: the actor may not react for the unit.
        TopLevelNotSnoozed: it is of the top level, which only the office snoozes.
    """
    if not answers_for(actor, alert.organization_code):
        raise NotYourAlert
    if verb == "snooze" and not may_snooze(actor, alert.level, standing.rules.top_level):
        raise TopLevelNotSnoozed


def _check_state(alert: Alert, verb: AlertVerb, standing: AnswerContext, actor: Actor) -> None:
    state = state_on(alert, standing.today)
    if (state, verb) not in TRANSITIONS:
        allowed = allowed_actions(
            actor, state, alert.organization_code, alert.level, standing.rules.top_level
        )
        raise AlertTransitionRefused(extra={"state": state, "allowed_actions": allowed})


async def _write(
    session: AsyncSession,
    alert: Alert,
    verb: AlertVerb,
    standing: AnswerContext,
    actor: Actor,
    words: str,
) -> None:
    event_type = _EVENTS[verb]
    alert.state = TRANSITIONS["open", verb]
    alert.answer, alert.answered_by, alert.answered_at = words, actor.stamp(), standing.now
    alert.seq += 1
    alert.version += 1
    alert.updated_at = standing.now
    await session.flush()
    await session.execute(
        insert(AlertHistory).values(
            city_code=alert.city_code,
            alert_id=alert.id,
            version=alert.version,
            action=event_type.removeprefix("alert."),
            after=image(alert),
            actor=actor.stamp(),
            reason=words,
            calendar_version=standing.calendar.version,
            rules_version=standing.rules_version,
            occurred_at=standing.now,
        )
    )
    await record(
        session,
        NewEvent(
            city_code=alert.city_code,
            plan_code=alert.plan_code,
            type=event_type,
            subject_kind="alert",
            subject_id=str(alert.id),
            organization_code=alert.organization_code,
            actor=actor.stamp(),
            data={
                **event_data(vars(alert)),
                **image(alert),
                "alert_id": alert.id,
                "answer": words,
            },
            occurred_at=standing.now,
        ),
    )


def image(alert: Alert) -> dict[str, Any]:
    """Return what history stores of an alert; the engine's SQL statements write the same."""
    return {
        "organization_code": alert.organization_code,
        "due_date": alert.due_date,
        "stage": alert.stage,
        "repeat": alert.repeat,
        "level": alert.level,
        "seq": alert.seq,
        "state": alert.state,
        "hold_until": alert.hold_until,
        "promised_date": alert.promised_date,
    }


async def change_rules(
    session: AsyncSession,
    *,
    plan: PlanState,
    rules: RuleSet,
    version: int,
    actor: Actor,
    now: datetime,
) -> AlertRules:
    """Put a new version of a plan's rules in force; earlier ones stay readable.

    The caller has locked the plan's rules, and checked that `version` is the one in force.

    Raises:
        InvalidInput: they refer to organizations that the plan does not have.
    """
    faults = reference_faults(rules.office, rules.posts, plan)
    if faults:
        raise InvalidInput(faults=faults)
    row = AlertRules(
        city_code=plan.city_code,
        plan_code=plan.code,
        version=version + 1,
        rule_set=rules.model_dump(mode="json"),
        changed_by=actor.stamp(),
        changed_at=now,
    )
    session.add(row)
    await session.flush()
    await record(
        session,
        NewEvent(
            city_code=plan.city_code,
            plan_code=plan.code,
            type="alert_rules.changed",
            subject_kind="alert_rules",
            subject_id=plan.code,
            organization_code=None,
            actor=actor.stamp(),
            data={"version": row.version},
            occurred_at=now,
        ),
    )
    return row
