"""The format of targets in a plan document: what is to be reached, and by when."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Line
from services.core.plan.members import (
    ConditionKind,
    Entry,
    PeriodCode,
    TargetKind,
)
from services.core.plan.periods import LAST_YEAR, PeriodCalendar
from services.core.plan.written import Code, Day, Year


class Condition(Entry):
    """One of the things that a target of the kinds all_of and any_of asks for."""

    kind: ConditionKind
    value: ExactDecimal | None = None
    upper: ExactDecimal | None = None


class _Dated(Entry):
    """Something to be reached by the end of a `year` or `period`, or `by` a day: one of them.

    `text` as printed. `value` belongs to the kinds that set a number; `upper` is the other end
    of `between`; `conditions` belong to all_of and any_of.
    """

    year: Year | None = None
    period: PeriodCode | None = None
    by: Day | None = None
    kind: TargetKind
    value: ExactDecimal | None = None
    upper: ExactDecimal | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
    text: Line

    def end(self, calendar: PeriodCalendar) -> date:
        """Return the target's date, its last day; validation ensures that it has one."""
        if self.by is not None:
            return self.by
        if self.period is not None:
            return calendar.period(self.period).last_day
        return calendar.year(self.year or LAST_YEAR).last_day

    def at_year(self, calendar: PeriodCalendar) -> int:
        """Return the plan's year that contains the target's date."""
        return calendar.year_of(self.end(calendar))


class TargetEntry(_Dated):
    """What is to be reached, and by when; `assigned_by` where another says how much."""

    assigned_by: Line | None = None


class UnitTarget(_Dated):
    """What one of the units that report an indicator is to reach for itself."""

    organization: Code


def prints_year(targets: Iterable[TargetEntry], year: int, calendar: PeriodCalendar) -> bool:
    """Return whether the plan itself prints a target for the end of a year.

    A printed target takes precedence: the superior cannot assign one for that year, and an
    assignment from before a version printed it no longer counts.
    """
    last = calendar.year(year).last_day
    return any(
        target.kind != "assigned_by_superior" and target.end(calendar) == last for target in targets
    )
