"""The rules of reporting obligations: who owes what, until when, and its status. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from services.core.calendars.rules import WorkingCalendar
from services.core.plan.document import Indicator, PlanDocument
from services.core.plan.leads import reporters_of
from services.core.plan.members import Frequency
from services.core.plan.periods import Period

ObligationStatus = Literal["expected", "met", "late", "missing", "waived"]
"""What became of it: not yet due, handed in by 24:00 of the due date, handed in after, due or
its period closed and nothing handed in, owed no more."""


def is_overdue(due_date: date, today: date, period_state: str) -> bool:
    """Return whether a value that was not handed in counts as overdue.

    It does once its date has passed, and at once where its period takes no more values.
    """
    return due_date < today or period_state != "open"


@dataclass(frozen=True, slots=True)
class OwedValue:
    """A value that a unit owes for a period."""

    indicator_code: str
    organization_code: str
    period: str
    due_date: date


def _as_documented(indicator: Indicator, _period: Period) -> Frequency:
    return indicator.frequency


def owed_for(
    document: PlanDocument,
    period: Period,
    due_date: date,
    ended: Mapping[str, date],
    answered: Mapping[tuple[str, str], str],
    *,
    cycle: Callable[[Indicator, Period], Frequency] = _as_documented,
) -> Iterator[OwedValue]:
    """Yield what is owed for a period: of every indicator that is reported as often as it is.

    `ended` tells since which local date a unit is no more: who ends before the due date owes
    nothing. `answered` names the former owner whose approved value is the city's, by (indicator,
    period): it was owed by that unit, and the owner of today is not asked for it again. `cycle`
    tells how often an indicator is reported in the year of a period.
    """
    units = {entry.code: entry for entry in document.organizations}
    for indicator in document.indicators:
        if cycle(indicator, period) == period.frequency:
            former = answered.get((indicator.code, period.code))
            for unit in reporters_of(indicator, units) if former is None else (former,):
                if ended.get(unit, due_date) >= due_date:
                    yield OwedValue(indicator.code, unit, period.code, due_date)


def moved_due_date(
    due_date: date, due_by: Callable[[WorkingCalendar], date], calendars: Sequence[WorkingCalendar]
) -> date:
    """Return a due date after its calendar changed; `calendars` are its states, oldest first.

    `due_by` is the plan's rule. Only a date that the rule gave moves: one that somebody set by hand
    is none that the rule gives, and stays where it is.
    """
    for before, after in pairwise(calendars):
        if due_date == due_by(before):
            due_date = due_by(after)
    return due_date


@dataclass(frozen=True, slots=True)
class ExtensionFacts:
    """What decides whether more time may be given: states, and how often it was."""

    state: str
    period_state: str
    handed_in: bool
    extensions: int


def is_extendable(facts: ExtensionFacts) -> bool:
    """Return whether its date can still move: it is owed, not handed in, and still can be."""
    return facts.state == "owed" and facts.period_state == "open" and not facts.handed_in


def may_extend(facts: ExtensionFacts, extension_limit: int) -> bool:
    """Return whether more time may be asked for: it was not granted too often already."""
    return is_extendable(facts) and facts.extensions < extension_limit


@dataclass(frozen=True, slots=True)
class DaysUntilDue:
    """Working days until a due date, or since it; None where the other one tells."""

    days_left: int | None = None
    days_overdue: int | None = None


def distance(
    status: ObligationStatus, due_date: date, day: date, calendar: WorkingCalendar
) -> DaysUntilDue:
    """Return how far a due date is from `day`: today, or when a late value was handed in."""
    match status:
        case "expected":
            return DaysUntilDue(days_left=calendar.between(day, due_date))
        case "late" | "missing":
            return DaysUntilDue(days_overdue=calendar.between(due_date, day))
        case "met" | "waived":
            return DaysUntilDue()
