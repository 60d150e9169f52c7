"""Which deadlines an event may have created, moved or ended. Pure."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import get_args
from uuid import UUID

from services.core.alerts.sources import AlertSubjectKind
from services.core.events.catalogue import EventType
from services.core.events.queries import LogEvent

_WHOLE = (
    "plan.published",
    "target.assigned",
    "calendar.changed",
    "alert_rules.changed",
    "period.opened",
    "period.closed",
    "period.published",
    "period.reopened",
    "period.rescheduled",
    "period.cancelled",
)
_ONE = (
    "submission.submitted",
    "submission.approved",
    "submission.returned",
    "submission.reopened",
    "submission.withdrawn",
    "obligation.extended",
    "milestone.created",
    "milestone.changed",
    "milestone.accepted",
    "milestone.declined",
    "milestone.completed",
    "milestone.closed",
    "milestone.returned",
    "milestone.reopened",
    "milestone.cancelled",
    "milestone.rescheduled",
    "conflict.raised",
    "conflict.closed",
    "conflict.decided",
    "extension.requested",
    "extension.decided",
)
_LIGHTS = "score.updated"

TYPES: tuple[EventType, ...] = tuple(
    each for each in get_args(EventType) if each in {*_WHOLE, *_ONE, _LIGHTS}
)
"""The types of events that can affect alerts."""

EVERY_PLAN = None
"""Stands for all plans of the city: the event belongs to no plan."""


@dataclass(slots=True)
class AffectedAlerts:
    """The part of a plan to evaluate: all of it, some subjects, or the lights."""

    whole: bool = False
    lights: bool = False
    ids: dict[str, set[UUID]] = field(default_factory=dict)

    def of(self, kind: str) -> list[UUID]:
        """Return the ids of the affected subjects of a kind."""
        return sorted(self.ids.get(kind, ()))

    def add(self, kind: str, *ids: UUID) -> None:
        """Add affected subjects."""
        self.ids.setdefault(kind, set()).update(ids)


def affected(events: Iterable[LogEvent]) -> dict[str | None, AffectedAlerts]:
    """Return what a batch of events affects, by plan code; `EVERY_PLAN` for the whole city."""
    found: dict[str | None, AffectedAlerts] = {}
    for event in events:
        touch = found.setdefault(event.plan_code, AffectedAlerts())
        if event.type in _WHOLE:
            touch.whole = True
        elif event.type == _LIGHTS:
            touch.lights = True
        elif event.subject_kind in get_args(AlertSubjectKind):
            with suppress(ValueError):
                touch.add(event.subject_kind, UUID(event.subject_id))
    return found
