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
"""The outcome: not yet due; submitted by 24:00 of the due date; submitted later; not submitted
although due or its period is closed; no longer owed."""


def is_overdue(due_date: date, today: date, period_state: str) -> bool:
    """Return whether a value that was not submitted is overdue.

    It is after its due date, and at once if its period takes no more values.
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
    """Yield the values owed for a period: of every indicator with the period's frequency.

    `ended` has the local dates on which units were dissolved: a unit that ends before the due date
    owes nothing. `answered` has the former owner whose approved value is the city's, by (indicator,
    period): that unit owed it, and today's owner is not asked for it again. `cycle` returns an
    indicator's frequency in the year of a period.
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

    `due_by` is the plan's rule. Only a date that follows from the rule moves: a date that somebody
    set by hand stays.
    """
    for before, after in pairwise(calendars):
        if due_date == due_by(before):
            due_date = due_by(after)
    return due_date


@dataclass(frozen=True, slots=True)
class ExtensionFacts:
    """The facts that decide whether an obligation may be extended."""

    state: str
    period_state: str
    handed_in: bool
    extensions: int


def is_extendable(facts: ExtensionFacts) -> bool:
    """Return whether the due date can still move: owed, not submitted, and the period is open."""
    return facts.state == "owed" and facts.period_state == "open" and not facts.handed_in


def may_extend(facts: ExtensionFacts, extension_limit: int) -> bool:
    """Return whether an extension may be requested: the date can move, within the limit."""
    return is_extendable(facts) and facts.extensions < extension_limit


@dataclass(frozen=True, slots=True)
class DaysUntilDue:
    """Working days until a due date, or since it; the one that does not apply is None."""

    days_left: int | None = None
    days_overdue: int | None = None


def distance(
    status: ObligationStatus, due_date: date, day: date, calendar: WorkingCalendar
) -> DaysUntilDue:
    """Return the distance of a due date from `day`: today, or the day of a late submission."""
    match status:
        case "expected":
            return DaysUntilDue(days_left=calendar.between(day, due_date))
        case "late" | "missing":
            return DaysUntilDue(days_overdue=calendar.between(due_date, day))
        case "met" | "waived":
            return DaysUntilDue()
