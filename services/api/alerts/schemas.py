"""Pydantic schemas of alerts, their notices and their rules."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, WrapValidator

from services.api.contract.choices import one_of
from services.api.deferred_faults import keep_faults
from services.api.instants import Instant
from services.api.paging import PageOut, ScopedPageOut
from services.core.alerts.decisions import NoticeDecision
from services.core.alerts.models import Alert, AlertHistory, AlertNotice
from services.core.alerts.rule_set import RuleSet
from services.core.alerts.rules import STATES, allowed_actions
from services.core.alerts.service import AnswerContext, state_on
from services.core.identity.actor import Actor
from services.core.kit.said import Said, Words
from services.core.plan.written import Day

_CALENDARS = ("official", "provisional")
_VERBS = ("acknowledge", "snooze")
OUTCOMES = ("given", "gathered", "superseded", "held", "snoozed", "muted")


class AcknowledgeIn(Said):
    """An answer to a notice."""

    note: Words = Field(description="What is being done about it")
    promised_date: Day = Field(description="By when it will be done; today at the earliest")


class SnoozeIn(Said):
    """Putting an alert off."""

    until: Day = Field(description="The day on which it is told of again")
    reason: Words = Field(description="Why it can wait")


class AlertSubjectOut(BaseModel):
    """What an alert is about."""

    kind: str = Field(description="Such as `milestone`, `obligation` or `submission`")
    id: str = Field(description="Its id, or its code within the plan")


class AlertOut(BaseModel):
    """That something is due, late or otherwise calls for somebody."""

    id: UUID = Field(description="Its id, for good")
    alert_key: str = Field(description="The same for one thing, rule and epoch; in every notice")
    plan: str = Field(description="Code of the plan")
    rule: str = Field(description="The rule that raised it, such as `milestone_due`")
    subject: AlertSubjectOut = Field(description="What it is about")
    title: str = Field(description="Of what it is about, for people")
    organization_code: str = Field(description="The unit in charge")
    measure_code: str | None = Field(description="The measure, where it is a milestone's")
    indicator_code: str | None = Field(description="The indicator, where it is a value's")
    epoch: int = Field(description="Counts the due dates that the thing has had")
    due_date: date | None = Field(description="Null where nothing is due by a date")
    stage: str = Field(description="The last stage decided, such as `T-7`, `T0` or `O+3`")
    repeat: int = Field(description="How often the last stage was repeated")
    level: int = Field(description="0 to the top: how far it has escalated")
    seq: int = Field(description="Counts what was told of it: drop what is older than you have")
    state: Annotated[str, one_of(STATES)] = Field(description="How it stands today")
    message: str = Field(description="In a sentence, in Chinese")
    message_en: str = Field(description="The same in English")
    recipients: list[dict[str, Any]] = Field(description="Who was told, by unit and function")
    calendar: Annotated[str, one_of(_CALENDARS)] = Field(
        description="Whether the working days it was reckoned by were announced"
    )
    hold_until: date | None = Field(description="Nothing is told before, below the top level")
    promised_date: date | None = Field(description="What was promised with the acknowledgement")
    answer: str | None = Field(description="The note or the reason that was given last")
    raised_at: datetime = Field(description="When it was first decided on")
    updated_at: datetime = Field(description="When it last changed")
    resolved_at: datetime | None = Field(description="When its cause was gone")
    resolved_reason: str | None = Field(description="Why, such as `done` or `extended`")
    allowed_actions: list[Annotated[str, one_of(_VERBS)]] = Field(
        description="What this caller may do with it now"
    )


class AlertListOut(ScopedPageOut[AlertOut]):
    """Alerts, newest first."""


class NoticeOut(BaseModel):
    """What was decided about one stage of an alert."""

    stage: str = Field(description="Such as `T-1`")
    repeat: int = Field(description="The how-manieth repeat")
    level: int = Field(description="At which level")
    outcome: Annotated[str, one_of(OUTCOMES)] = Field(
        description="`given` by an event, `gathered` into a digest, `superseded` by a later stage,"
        " or kept back: `held`, `snoozed`, `muted`"
    )
    event_id: UUID | None = Field(description="The event that told it")
    rules_version: int = Field(description="Which version of the rules it was decided by")
    calendar_version: int = Field(description="Which version of the working days")
    decided_at: datetime = Field(description="When")


class AlertDetailOut(AlertOut):
    """One alert with its notices, the newest first."""

    notices: list[NoticeOut] = Field(description="The last hundred")


class AlertChangeOut(BaseModel):
    """One change of an alert."""

    version: int = Field(description="1 for the first")
    action: str = Field(description="What was done, such as `given` or `acknowledged`")
    after: dict[str, Any] = Field(description="What it was since")
    actor: dict[str, Any] = Field(description="Who: a person's key, or the engine")
    reason: str | None = Field(description="The note or reason given")
    rules_version: int = Field(description="Which version of the rules it was decided by")
    calendar_version: int = Field(description="Which version of the working days")
    occurred_at: datetime = Field(description="When")


class AlertHistoryOut(PageOut[AlertChangeOut]):
    """The changes of an alert, oldest first."""


class AlertRulesOut(BaseModel):
    """The alert rules of a plan."""

    plan: str = Field(description="Code of the plan")
    version: int = Field(description="0: the defaults; each change adds one")
    changed_at: datetime | None = Field(description="When; null for the defaults")
    changed_by: dict[str, Any] | None = Field(description="Who; null for the defaults")
    rule_set: dict[str, Any] = Field(description="The rules, as `PUT` takes them")


CheckedRules = Annotated[RuleSet, WrapValidator(keep_faults)]
"""A `RuleSet`, or a `Faulty` where its shape is wrong."""


class DryRunIn(Said):
    """Rules to try, or none for those in force, at an instant or now."""

    rule_set: CheckedRules | None = Field(default=None, description="Default: the rules in force")
    at: Instant | None = Field(
        default=None,
        description="When it is supposed to be, within ten years of the plan; default: now",
    )


CheckedDryRun = Annotated[DryRunIn, WrapValidator(keep_faults)]
"""A `DryRunIn`, or a `Faulty` where its shape is wrong outside the rules."""


class TriedOut(BaseModel):
    """A notice that would be given, or kept back."""

    rule: str = Field(description="The rule")
    stage: str = Field(description="The stage")
    repeat: int = Field(description="The how-manieth repeat")
    level: int = Field(description="At which level")
    outcome: Annotated[str, one_of(OUTCOMES)] = Field(description="What would become of it")
    subject: AlertSubjectOut = Field(description="What it is about")
    organization_code: str = Field(description="The unit in charge")
    due_date: date | None = Field(description="When it is due")
    message: str = Field(description="In a sentence, in Chinese")
    message_en: str = Field(description="The same in English")


class TriedCountOut(BaseModel):
    """How many notices of one sort there would be."""

    rule: str = Field(description="The rule")
    stage: str = Field(description="The stage")
    level: int = Field(description="The level")
    outcome: Annotated[str, one_of(OUTCOMES)] = Field(description="What would become of them")
    count: int = Field(description="How many")


class DryRunOut(BaseModel):
    """What an evaluation would do; nothing of it was done."""

    at: datetime = Field(description="The instant that was supposed")
    told: int = Field(description="Notices given alone or in digests")
    withheld: int = Field(description="Notices kept back")
    resolved: int = Field(description="Alerts whose cause is gone")
    digests: int = Field(description="Digests given")
    counts: list[TriedCountOut] = Field(description="By rule, stage, level and outcome")
    notices: list[TriedOut] = Field(description="The most severe five hundred")


def alert_fields(alert: Alert, *, standing: AnswerContext, actor: Actor) -> dict[str, Any]:
    """Return an alert as `AlertOut` has it."""
    state = state_on(alert, standing.today)
    same = (
        "id alert_key rule title organization_code measure_code indicator_code epoch due_date stage"
        " repeat level seq message message_en recipients calendar hold_until promised_date answer"
        " raised_at updated_at resolved_at resolved_reason"
    )
    return {
        **{name: getattr(alert, name) for name in same.split()},
        "plan": alert.plan_code,
        "subject": {"kind": alert.subject_kind, "id": alert.subject_id},
        "state": state,
        "allowed_actions": allowed_actions(
            actor, state, alert.organization_code, alert.level, standing.rules.top_level
        ),
    }


def notice_fields(notice: AlertNotice) -> dict[str, Any]:
    """Return a notice as `NoticeOut` has it."""
    return {name: getattr(notice, name) for name in NoticeOut.model_fields}


def change_out(change: AlertHistory) -> AlertChangeOut:
    """Return a change of an alert."""
    return AlertChangeOut(**{name: getattr(change, name) for name in AlertChangeOut.model_fields})


def tried_out(decision: NoticeDecision) -> TriedOut:
    """Return a notice of a trial."""
    row = decision.row
    return TriedOut(
        rule=row["rule"],
        stage=decision.step.stage,
        repeat=decision.step.repeat,
        level=decision.step.level,
        outcome=decision.outcome,
        subject=AlertSubjectOut(kind=row["subject_kind"], id=row["subject_id"]),
        organization_code=decision.unit,
        due_date=row["due_date"],
        message=row["message"],
        message_en=row["message_en"],
    )
