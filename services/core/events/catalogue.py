"""The types of events. The list is open: receivers ignore what they do not know."""

from typing import Literal

EventType = Literal[
    "plan.published",
    "target.assigned",
    "question.settled",
    "period.opened",
    "period.closed",
    "period.published",
    "period.reopened",
    "submission.created",
    "submission.changed",
    "submission.submitted",
    "submission.approved",
    "submission.returned",
    "submission.reopened",
    "submission.withdrawn",
    "submission.falsified",
    "score.updated",
]
