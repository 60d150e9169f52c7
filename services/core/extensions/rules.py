"""The rules of requests for more time, whatever they are for. Pure: no session, no clock.

`extensions.service` checks the plan's `extension_limit`, at the request and again at the
decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from services.core.kit.errors import Fault
from services.core.kit.horizons import A_YEAR, too_far_ahead
from services.core.kit.text import Text

ExtensionState = Literal["requested", "approved", "denied", "withdrawn"]
ExtensionVerb = Literal["approve", "deny", "withdraw"]
ExtensionSubjectKind = Literal["milestone", "obligation"]

TRANSITIONS: Mapping[tuple[ExtensionState, ExtensionVerb], ExtensionState] = {
    ("requested", "approve"): "approved",
    ("requested", "deny"): "denied",
    ("requested", "withdraw"): "withdrawn",
}
"""The state machine: (state, verb) to state. A pair that is not listed is refused."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of an extension: a milestone or an obligation, locked by the caller.

    `due_date` is the date in force, `granted` the number of its extensions. `told` is additional
    data of its events.
    """

    kind: ExtensionSubjectKind
    id: UUID
    city_code: str
    plan_code: str
    organization_code: str
    due_date: date
    granted: int
    told: Mapping[str, object]


def proposal_faults(proposed: date, due_date: date, today: date) -> list[Fault]:
    """Return the faults of a proposed date: it must be in the future, at most a year ahead."""
    if proposed <= due_date:
        return [_not_later("/proposed_date", proposed, due_date)]
    if proposed < today:
        return [_passed("/proposed_date", proposed, today)]
    return too_far_ahead("/proposed_date", proposed, since=max(due_date, today), most=A_YEAR)


def grant_faults(granted: date, *, due_date: date, proposed: date, today: date) -> list[Fault]:
    """Return the faults of a granted date: after the present one, up to the proposed one.

    It must not be before today. A date before the proposed one is a partial grant.
    """
    if granted <= due_date:
        return [_not_later("/granted_date", granted, due_date)]
    if granted < today:
        return [_passed("/granted_date", granted, today)]
    if granted > proposed:
        return [
            Fault(
                "/granted_date",
                "later-than-proposed",
                Text(
                    f"批准的日期不得晚于申请的日期 {proposed}",
                    f"No later than what was asked for, {proposed}",
                ),
                granted.isoformat(),
            )
        ]
    return []


def _passed(pointer: str, day: date, today: date) -> Fault:
    words = Text(f"不能早于今天（{today}）", f"No time is given up to a day before today, {today}")
    return Fault(pointer, "date-passed", words, day.isoformat())


def _not_later(pointer: str, day: date, due_date: date) -> Fault:
    return Fault(
        pointer,
        "not-later",
        Text(f"须晚于现行期限 {due_date}", f"Must lie after the present due date {due_date}"),
        day.isoformat(),
    )
