"""Decide what happens to a finding: its own notice, a line of a digest, or suppressed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from services.core.alerts.context import EvaluationContext
from services.core.alerts.cutoffs import Cutoffs
from services.core.alerts.escalation import Way, recipients, way_of
from services.core.alerts.findings import Due, Ended
from services.core.alerts.messages import deadline_message, resolved_message
from services.core.alerts.rules import alert_key
from services.core.alerts.sources import Source
from services.core.alerts.stages import Step, step_day
from services.core.kit.ids import new_id

NoticeOutcome = Literal["given", "gathered", "superseded", "held", "snoozed", "muted"]
SUPPRESSED: frozenset[NoticeOutcome] = frozenset({"held", "snoozed", "muted"})

_FROM_THE_START = -1000


@dataclass(frozen=True, slots=True)
class NoticeDecision:
    """The decision on one step of one alert.

    `row` holds the columns of the alert. `earlier` is the offset of the last stage that somebody
    was notified of: the stages between that one and this one are superseded. `escalated`: an
    earlier notice of its own had a lower level. `arrived`: it is already overdue when first seen,
    and only the office is notified. `day` is the day from which it could be sent, if only that day
    was waited for.
    """

    way: Way
    outcome: NoticeOutcome
    step: Step
    earlier: int
    escalated: bool
    arrived: bool
    row: Mapping[str, Any]
    day: date | None = None

    @property
    def unit(self) -> str:
        """The organization that is notified."""
        return str(self.row["organization_code"])


def decide(
    found: Due, ground: EvaluationContext, source: Source, steps: Cutoffs
) -> NoticeDecision | None:
    """Return the decision on a newly due step.

    None: it is suppressed, and the same or a later step was suppressed before: nothing is written.
    """
    step = steps.steps[found.step - 1]
    way = way_of(step.level, arrives=found.arrives)
    outcome = _suppressed(found, step, ground) or _OUTCOMES[way]
    if outcome in SUPPRESSED and step.offset <= _reach(found.suppressed_reach):
        return None
    due = ground.due_date(source, found.mark)
    day = step_day(due, ground.rule(source.rule), step, ground.calendar)
    return NoticeDecision(
        way=way,
        outcome=outcome,
        step=step,
        earlier=_reach(found.reach),
        escalated=found.given_level is not None and step.level > found.given_level,
        arrived=found.arrives,
        row=_row(found, step, ground, source, due, day),
        day=day if outcome == "given" and found.suppressed_reach is None else None,
    )


def _reach(offset: int | None) -> int:
    return _FROM_THE_START if offset is None else offset


_OUTCOMES: Mapping[Way, NoticeOutcome] = {
    "alone": "given",
    "daily": "gathered",
    "arrival": "superseded",
}


def _suppressed(found: Due, step: Step, ground: EvaluationContext) -> NoticeOutcome | None:
    """Return why a notice is suppressed: a reaction, or an alert of the parent."""
    top = step.level == ground.rules.top_level
    if found.arrives:
        return None
    if found.hold_until is not None and ground.moment.today < found.hold_until:
        if not top or found.holds_top:
            return "snoozed" if found.state == "snoozed" else "held"
        return None
    return "muted" if found.muted and not top else None


def _row(
    found: Due, step: Step, ground: EvaluationContext, source: Source, due: date, day: date
) -> dict[str, Any]:
    unit = ground.addressee(source, found.unit, found.measure_code, found.indicator_code)
    title = ground.title_of(found.label, found.measure_code, found.indicator_code)
    message = deadline_message(
        source.rule,
        title=title,
        unit=ground.name_of(found.unit or unit),
        due=due,
        today=ground.moment.today,
        colour=ground.colour(step.level),
    )
    lead = ground.lead_unit(found.measure_code, found.indicator_code)
    return {
        "id": found.alert_id or new_id(),
        "alert_key": alert_key(source.kind, found.subject_id, source.rule, found.epoch),
        "rule": source.rule,
        "subject_kind": source.kind,
        "subject_id": found.subject_id,
        "epoch": found.epoch,
        "organization_code": unit,
        "measure_code": found.measure_code,
        "indicator_code": found.indicator_code,
        "title": title,
        "message": message.zh,
        "message_en": message.en,
        "due_date": due,
        "recipients": recipients(ground.rules, step.level, unit, lead),
        "calendar": ground.calendar.status(due, day),
        **_told(step),
    }


def _told(step: Step) -> dict[str, Any]:
    return {
        "stage": step.stage,
        "repeat": step.repeat,
        "level": step.level,
        "reach": step.offset,
    }


def event_data(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of an alert's event, except its `alert_id` and `seq`."""
    return {
        "alert_key": row["alert_key"],
        "epoch": row["epoch"],
        "rule": row["rule"],
        "stage": row["stage"],
        "repeat": row["repeat"],
        "level": row["level"],
        "due_date": row["due_date"],
        "subject": {"kind": row["subject_kind"], "id": row["subject_id"]},
        "organization_code": row["organization_code"],
        "measure_code": row["measure_code"],
        "indicator_code": row["indicator_code"],
        "title": row["title"],
        "message": row["message"],
        "message_en": row["message_en"],
        "recipients": row["recipients"],
        "calendar": row["calendar"],
    }


@dataclass(frozen=True, slots=True)
class Resolution:
    """The end of an alert, and its event's data; None: nobody was notified, so no event."""

    alert_id: UUID
    reason: str
    data: Mapping[str, Any] | None


def ended(found: Ended) -> Resolution:
    """Return the end of an alert that has no open subject any more."""
    data = None
    if found.notified:
        message = resolved_message(found.image["title"], found.reason)
        image = {**found.image, "message": message.zh, "message_en": message.en}
        data = {**event_data(image), "reason": found.reason}
    return Resolution(found.alert_id, found.reason, data)
