"""The event types. The list is open: receivers ignore types that they do not know."""

from collections.abc import Iterator
from typing import Literal, get_args

from services.core.kit.errors import Fault
from services.core.kit.nearest import nearest, with_all
from services.core.kit.text import Text

EventType = Literal[
    "plan.published",
    "target.assigned",
    "question.settled",
    "period.opened",
    "period.closed",
    "period.published",
    "period.reopened",
    "period.rescheduled",
    "period.cancelled",
    "submission.created",
    "submission.changed",
    "submission.submitted",
    "submission.approved",
    "submission.returned",
    "submission.reopened",
    "submission.withdrawn",
    "submission.falsified",
    "conflict.raised",
    "conflict.changed",
    "conflict.closed",
    "conflict.decided",
    "observation.recorded",
    "observation.corrected",
    "observation.withdrawn",
    "register_row.created",
    "register_row.changed",
    "register_row.confirmed",
    "register_row.ended",
    "register_row.revoked",
    "register_row.withdrawn",
    "register_row_conflict.raised",
    "register_row_conflict.decided",
    "assessment.created",
    "assessment.changed",
    "assessment.submitted",
    "assessment.returned",
    "assessment.confirmed",
    "assessment.published",
    "assessment.withdrawn",
    "assessment.corrected",
    "appeal.filed",
    "appeal.upheld",
    "appeal.refused",
    "appeal.withdrawn",
    "score.updated",
    "calendar.changed",
    "obligation.extended",
    "reminder.given",
    "milestone.created",
    "milestone.changed",
    "milestone.accepted",
    "milestone.declined",
    "milestone.progressed",
    "milestone.completed",
    "milestone.closed",
    "milestone.returned",
    "milestone.reopened",
    "milestone.cancelled",
    "milestone.rescheduled",
    "milestone_conflict.raised",
    "milestone_conflict.decided",
    "evidence.added",
    "evidence.removed",
    "extension.requested",
    "extension.decided",
    "extension.changed",
    "alert_rules.changed",
    "alert.raised",
    "alert.escalated",
    "alert.acknowledged",
    "alert.snoozed",
    "alert.resolved",
    "alert.digest",
    "webhook.test",
    "webhook.replayed",
    "webhook.failing",
    "webhook.disabled",
    "connector.changed",
    "connector.failing",
    "connector.secret_refused",
    "connector.disabled",
    "connector.refused",
    "connector.differing",
]

EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)

SUBJECT_KINDS = (
    *("plan", "indicator", "open_question", "period", "calendar", "scoreboard"),
    *("submission", "conflict", "observation", "obligation", "milestone", "extension"),
    *("milestone_conflict", "register_row_conflict"),
    *(
        "reminder",
        "register_row",
        "assessment",
        "appeal",
        "alert_rules",
        "alert",
        "alert_digest",
        "webhook_endpoint",
        "connector",
        "connector_item",
    ),
)
"""The kinds of subjects that events are about."""


def subject_faults(kind: str, place: str) -> Iterator[Fault]:
    """Yield the fault of an unknown kind of subject, with all the known ones."""
    if kind not in SUBJECT_KINDS:
        said = Text("没有这种事物", "There is no such kind of subject")
        yield Fault(place, "unknown-subject", with_all(said, SUBJECT_KINDS), kind[:200])


def type_faults(name: str, place: str) -> Iterator[Fault]:
    """Yield the fault of an unknown event type at `place`, with the closest known one."""
    if name in EVENT_TYPES:
        return
    near = nearest(name, EVENT_TYPES)
    if near is not None:
        said = Text(
            f"没有这种事件，是否想写 {near}？",
            f"There is no such type of event; did you mean {near}?",
        )
    else:
        kinds = sorted({one.split(".")[0] for one in EVENT_TYPES})
        said = Text(
            f"没有这种事件；写法如 submission.approved，点号前可写：{'、'.join(kinds)}",
            "There is no such type of event; one is written like submission.approved, and begins"
            f" with one of: {', '.join(kinds)}",
        )
    yield Fault(place, "unknown-event-type", said, name[:200])
