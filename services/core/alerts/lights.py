"""Red-light alerts, which have no date: raised and ended by a plan's newest approved scoreboard."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.core.alerts.context import EvaluationContext
from services.core.alerts.cutoffs import Cutoffs
from services.core.alerts.decisions import NoticeDecision, Resolution, ended
from services.core.alerts.escalation import recipients, way_of
from services.core.alerts.findings import Ended
from services.core.alerts.messages import light_message
from services.core.alerts.rules import alert_key
from services.core.alerts.stages import Step
from services.core.kit.ids import new_id
from services.core.kit.text import Text

RULE = "light_red"
_KIND = "indicator"

Alerts = Mapping[str, Mapping[str, Any]]
"""The last alert of each indicator whose light was ever red, by its subject's id."""


def board_periods(ground: EvaluationContext) -> Sequence[str]:
    """Return the periods of the scoreboards to read, in order: the plan's target years.

    For each indicator the last of them in which it has a light counts: a missed target is reported
    on its date, and stays red until a later year has another light.
    """
    document = ground.plan.document
    calendar = document.period_calendar
    years = {each.at_year(calendar) for one in document.indicators for each in one.targets}
    return [calendar.year(year).code for year in sorted(years)]


def light_steps(ground: EvaluationContext) -> Cutoffs:
    """Return the only step of a red light."""
    return Cutoffs((Step("red", 0, 0, ground.rules.rules.light_red.level),), ())


def light_decisions(
    ground: EvaluationContext, red: Mapping[str, tuple[str, str]], alerts: Alerts
) -> Iterator[NoticeDecision]:
    """Yield the lights that turned red since the last evaluation, if they may be sent now.

    `red` has the reason of each red light by code. A light that turns red again begins a new epoch.
    """
    rule = ground.rules.rules.light_red
    (step,) = light_steps(ground).steps
    way = way_of(step.level, arrives=ground.first)
    moment = ground.moment
    goes = {
        "alone": moment.window or step.level == ground.rules.top_level,
        "daily": moment.digests,
        "arrival": True,
    }[way]
    if not rule.enabled or not goes:
        return
    for code, reason in red.items():
        subject = f"{ground.plan.code}/{code}"
        last = alerts.get(subject)
        if last is not None and last["state"] != "resolved":
            continue
        yield NoticeDecision(
            way=way,
            outcome="superseded" if way == "arrival" else "gathered" if way == "daily" else "given",
            step=step,
            earlier=-1,
            escalated=False,
            arrived=ground.first,
            row=_row(ground, code, subject, step, Text(*reason), last["epoch"] + 1 if last else 1),
        )


def lights_recovered(
    ground: EvaluationContext, red: Mapping[str, object], alerts: Alerts
) -> list[Resolution]:
    """Return the ends of alerts whose lights are no longer red, or whose rule is off."""
    enabled = ground.rules.rules.light_red.enabled
    return [
        ended(
            Ended(
                UUID(alert["id"]), "recovered" if enabled else "rule_off", alert["notified"], alert
            )
        )
        for subject, alert in alerts.items()
        if alert["state"] != "resolved" and (not enabled or subject.rpartition("/")[2] not in red)
    ]


def by_subject(alerts: Sequence[Mapping[str, Any]]) -> Alerts:
    """Return alerts by the id of their subject."""
    return {alert["subject_id"]: alert for alert in alerts}


def _row(
    ground: EvaluationContext, code: str, subject: str, step: Step, reason: Text, epoch: int
) -> dict[str, Any]:
    indicator = ground.plan.indicators.get(code)
    lead = ground.lead_unit(None, code)
    unit = lead or ground.rules.office
    title = indicator.name if indicator else code
    message = light_message(title=title, reason=reason, colour=ground.colour(step.level))
    return {
        "id": new_id(),
        "alert_key": alert_key(_KIND, subject, RULE, epoch),
        "rule": RULE,
        "subject_kind": _KIND,
        "subject_id": subject,
        "epoch": epoch,
        "organization_code": unit,
        "measure_code": None,
        "indicator_code": code,
        "title": title,
        "message": message.zh,
        "message_en": message.en,
        "due_date": None,
        "recipients": recipients(ground.rules, step.level, unit, lead),
        "calendar": ground.calendar.status(ground.moment.today),
        "stage": step.stage,
        "repeat": step.repeat,
        "level": step.level,
        "reach": step.offset,
    }
