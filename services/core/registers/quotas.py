"""How many rows of a register are listed, of the number that its quota wants. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.core.plan.periods import Period, PeriodCalendar
from services.core.plan.quota_entries import RowQuota
from services.core.plan.register_entries import Register, RegisterMeasure
from services.core.registers.row_conditions import meets
from services.core.registers.stored_cells import day_said, month_said

RowsByChoice = Mapping[tuple[str, str | None], int]
"""The number of rows that count, by category and unit; None: all units together."""


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """A category, for a unit or (None) the city; `wanted` None: no number was assigned."""

    choice: str
    organization_code: str | None
    named: int
    wanted: int | None

    @property
    def over(self) -> int:
        """How many rows exceed the wanted number."""
        return 0 if self.wanted is None else max(self.named - self.wanted, 0)


def measure_of(register: Register, quota: RowQuota) -> RegisterMeasure:
    """Return the measure that says which rows count; a valid plan always has it."""
    return next(one for one in register.measures if one.code == quota.measure)


def wanted_of(quota: RowQuota, year: int) -> RowsByChoice:
    """Return the wanted number of rows by the end of a year, by category and unit.

    If none is stated for the city, it is the sum of its units' numbers.
    """
    found: dict[tuple[str, str | None], int] = {}
    stated = [one for one in quota.numbers if one.year == year]
    for one in stated:
        if one.unit is not None:
            found[one.choice, one.unit] = one.wanted
            found[one.choice, None] = found.get((one.choice, None), 0) + one.wanted
    return found | {(one.choice, None): one.wanted for one in stated if one.unit is None}


def lines_of(
    register: Register, quota: RowQuota, year: int, counted: RowsByChoice, units: set[str] | None
) -> list[QuotaLine]:
    """Return a line for each category, the city's first, in the order of the column's choices.

    `units` limits the lines to these units; None: the city's and every unit's.
    """
    wanted, column = wanted_of(quota, year), register.column(quota.by)
    lines = []
    for choice in () if column is None else column.choices:
        if units is None:
            lines.append(_line(choice.code, None, counted, wanted))
        named = {unit for code, unit in (*counted, *wanted) if code == choice.code and unit}
        lines += [
            _line(choice.code, unit, counted, wanted)
            for unit in sorted(named if units is None else named & units)
        ]
    return lines


def _line(choice: str, unit: str | None, counted: RowsByChoice, wanted: RowsByChoice) -> QuotaLine:
    return QuotaLine(choice, unit, counted.get((choice, unit), 0), wanted.get((choice, unit)))


def whole_number(quota: RowQuota, year: int) -> int | None:
    """Return the city's wanted number over all categories; None: no number was assigned."""
    of_city = [number for (_, unit), number in wanted_of(quota, year).items() if unit is None]
    return sum(of_city) if of_city else None


def newly_counting(
    quota: RowQuota,
    measure: RegisterMeasure,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    calendar: PeriodCalendar,
) -> list[Period]:
    """Return the years with a quota in which a change makes a row count in its category.

    `before` and `after` are the row's columns; a confirmed row was never ended.
    """
    years = [calendar.year(year) for year in sorted({one.year for one in quota.numbers})]
    choice = _choice(quota, after)
    return [
        year
        for year in years
        if counts_for(measure, after, year)
        and not (_choice(quota, before) == choice and counts_for(measure, before, year))
    ]


def _choice(quota: RowQuota, row: Mapping[str, Any]) -> object:
    return (row["counted"] or {}).get(quota.by)


def counts_for(measure: RegisterMeasure, row: Mapping[str, Any], period: Period) -> bool:
    """Return whether a row counts for a period; its measure evaluates the same in SQL."""
    counted = row["counted"]
    if counted is None or not meets(counted, measure.where, period.last_day):
        return False
    if measure.at == "period_end" or measure.day is None:
        begun = row["valid_from"] is None or row["valid_from"] <= period.last_day
        return begun and (row["valid_to"] is None or row["valid_to"] >= period.last_day)
    said = counted.get(measure.day)
    # A month stands for its first day.
    day = day_said(said if month_said(said) is None else f"{said}-01")
    if day is None:
        return False
    return day <= period.last_day and (measure.at != "in_period" or day >= period.first_day)
