"""Whom each escalation level notifies, by function, and when a notice may be sent. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from services.core.alerts.rule_set import DeliveryHours, Party, RuleSet
from services.core.calendars.rules import WorkingCalendar

Way = Literal["alone", "daily", "arrival"]
"""The kind of delivery: an event of its own, a unit's daily digest, or the digest of subjects that
were already overdue when first seen."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as far as notices depend on it: the local day, and what may be sent now.

    `window` is open for notices below the top level, `digests` for the digest of the day.
    """

    now: datetime
    today: date
    window: bool
    digests: bool

    @classmethod
    def of(
        cls, now: datetime, time_zone: str, window: DeliveryHours, calendar: WorkingCalendar
    ) -> "Moment":
        """Return the moment of an instant in a plan's time zone."""
        local = now.astimezone(ZoneInfo(time_zone))
        worked = calendar.is_workday(local.date())
        hour = local.strftime("%H:%M")
        return cls(
            now=now,
            today=local.date(),
            window=worked and window.opens <= hour < window.closes,
            digests=worked and window.digest_at <= hour < window.closes,
        )


def way_of(level: int, *, arrives: bool) -> Way:
    """Return how a notice is delivered.

    A subject already overdue when first seen goes into one digest to the office; from its next
    stage on it is delivered like any other.
    """
    if arrives:
        return "arrival"
    return "daily" if level == 0 else "alone"


def recipients(rules: RuleSet, level: int, unit: str, lead: str | None) -> list[dict[str, Any]]:
    """Return the recipients up to a level, deduplicated, with the holders of the functions."""
    places: Mapping[Party, str | None] = {"unit": unit, "lead": lead, "office": rules.office}
    told = dict.fromkeys(
        (organization, recipient.function)
        for rung in rules.ladder[: level + 1]
        for recipient in rung.recipients
        if (organization := places[recipient.of]) is not None
    )
    return [
        {"organization_code": organization, "function": function, "filled_by": filled_by}
        for organization, function in told
        for filled_by in _filled(rules, organization, function)
    ]


def _filled(rules: RuleSet, organization: str, function: str) -> Iterator[str | None]:
    found = False
    for post in rules.posts:
        if (post.organization_code, post.function) == (organization, function):
            found = True
            yield post.filled_by
    if not found:
        yield None
