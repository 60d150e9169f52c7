"""Selects the target that a period is measured against. Judges nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.core.kit.text import Text
from services.core.plan.document import (
    Condition,
    Indicator,
    TargetEntry,
    TargetKind,
    UnitTarget,
)
from services.core.plan.models import AssignedTarget
from services.core.plan.periods import Period, PeriodCalendar
from services.core.plan.target_names import figure_of, name_of
from services.core.plan.targets import prints_year
from services.core.scoring.figures import HUNDRED
from services.core.scoring.time_gone import MONTHS_IN_YEAR, whole_months

NUMERIC_KINDS: frozenset[TargetKind] = frozenset(
    {"at_least", "more_than", "at_most", "less_than", "full_coverage"}
)
"""The kinds that set one number."""

TRENDS: frozenset[TargetKind] = frozenset({"rising", "falling", "not_worse"})
"""The kinds that compare with an earlier period."""

_ONLY_A_NUMBER = re.compile(r"[≥≤<>＜＞=\s]*(-?\d+(?:\.\d+)?)[\s%％]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition on a number: a kind and its bounds."""

    kind: TargetKind
    value: Decimal | None = None
    upper: Decimal | None = None

    @property
    def bound(self) -> Decimal | None:
        """The single bound; for full coverage 100."""
        if self.kind == "full_coverage" and self.value is None:
            return HUNDRED
        return self.value if self.kind in NUMERIC_KINDS else None


@dataclass(frozen=True, slots=True)
class Target:
    """A target in force. `kind` is assigned_by_superior only while nothing is assigned.

    `year` is the plan's; `ends` is its date if that is not the end of the calendar year. `months`
    is the length of the span that a sum is for: a year, its period, or from the start of the plan's
    year to its date. `sequence`, `document_number` and `document_date` identify the assignment it
    comes from.
    """

    year: int
    kind: TargetKind
    value: Decimal | None
    text: str | None
    source: Literal["plan", "assigned"] = "plan"
    sequence: int | None = None
    document_number: str | None = None
    document_date: str | None = None
    upper: Decimal | None = None
    conditions: tuple[Asked, ...] = ()
    ends: date | None = None
    months: int = MONTHS_IN_YEAR

    @property
    def bound(self) -> Decimal | None:
        """The single bound, if its kind has one."""
        return Asked(self.kind, self.value).bound

    @property
    def kinds(self) -> frozenset[TargetKind]:
        """All its kinds: its own, or those of its conditions."""
        if self.conditions:
            return frozenset(each.kind for each in self.conditions)
        return frozenset({self.kind})

    @property
    def sets_number(self) -> bool:
        """Whether any of its kinds sets a number or a range."""
        return bool((NUMERIC_KINDS | {"between"}) & self.kinds)

    @property
    def compares(self) -> bool:
        """Whether it compares with an earlier period."""
        return bool(TRENDS & self.kinds)

    @property
    def figure(self) -> str | None:
        """The bound with its sign, such as `≥ 40`; None if it sets no number."""
        return figure_of(self.kind, self.value, self.upper)

    @property
    def span(self) -> Text:
        """The span that its sum is for, in words."""
        if self.months == MONTHS_IN_YEAR:
            return Text("全年", "the whole year")
        return Text(f"{self.months}个月", f"{self.months} months")

    @property
    def remark(self) -> str | None:
        """The target's text, as far as it says more than the figure."""
        number = _ONLY_A_NUMBER.fullmatch(self.text or "")
        if number is not None and Decimal(number[1]) == self.bound:
            return None
        return self.text or None

    @property
    def name(self) -> str:
        """Its name in a sentence: the text, or else the figure."""
        return name_of(self.kind, self.value, self.upper, self.text)

    @property
    def end(self) -> date:
        """The target's date, the last day on which it can be reached."""
        return self.ends or date(self.year, 12, 31)


def target_for(
    indicator: Indicator,
    period: Period,
    assigned: Mapping[tuple[str, int], Sequence[AssignedTarget]],
) -> Target:
    """Return the target with the earliest date not before a period's end; if none, the latest.

    For each year, the superior's last assignment applies unless the plan prints a target.
    """
    targets = targets_of(indicator, assigned, period.calendar)
    return next((each for each in targets if each.end >= period.last_day), targets[-1])


def targets_of(
    indicator: Indicator,
    assigned: Mapping[tuple[str, int], Sequence[AssignedTarget]],
    calendar: PeriodCalendar,
) -> list[Target]:
    """Return the targets of an indicator that are in force, by date.

    A plan version may print a target that the superior assigned before: then the printed one
    applies.
    """
    found = {
        entry.end(calendar): _printed(entry, calendar) for entry in reversed(indicator.targets)
    }
    for (code, year), rows in assigned.items():
        if code == indicator.code and not prints_year(indicator.targets, year, calendar):
            found[calendar.year(year).last_day] = _assigned(rows[-1], calendar)
    return [found[day] for day in sorted(found)]


def _printed(entry: TargetEntry | UnitTarget, calendar: PeriodCalendar) -> Target:
    end, year = entry.end(calendar), entry.at_year(calendar)
    return Target(
        year=year,
        kind=entry.kind,
        value=entry.value,
        text=entry.text,
        upper=entry.upper,
        conditions=tuple(Asked(each.kind, each.value, each.upper) for each in entry.conditions),
        ends=end if entry.year is None else _ends(year, calendar),
        months=_months(entry, calendar),
    )


def _months(entry: TargetEntry | UnitTarget, calendar: PeriodCalendar) -> int:
    """Return how many months a sum for a target covers; at least one."""
    if entry.period is not None:
        return calendar.period(entry.period).months
    if entry.by is None:
        return MONTHS_IN_YEAR
    return max(whole_months(calendar.year(entry.at_year(calendar)).first_day, entry.by) + 1, 1)


def _ends(year: int, calendar: PeriodCalendar) -> date | None:
    """Return the last day of a plan's year; None if it is the last of the calendar year."""
    last = calendar.year(year).last_day
    return None if last == date(year, 12, 31) else last


def _assigned(row: AssignedTarget, calendar: PeriodCalendar) -> Target:
    return Target(
        year=row.year,
        kind=row.kind,  # type: ignore[arg-type]  # a text column, checked when it was written
        value=row.value,
        upper=row.upper,
        conditions=tuple(
            Asked(each.kind, each.value, each.upper)
            for each in map(Condition.model_validate, row.conditions or ())
        ),
        text=row.text,
        source="assigned",
        sequence=row.sequence,
        document_number=row.document_number,
        document_date=row.document_date.isoformat(),
        ends=_ends(row.year, calendar),
    )
