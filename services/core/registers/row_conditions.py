"""Whether a row meets conditions; a measure evaluates the same conditions in SQL. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.core.plan.register_entries import RowCondition
from services.core.registers.stored_cells import day_said, month_said, number_said


def meets(
    cells: Mapping[str, Any], conditions: Sequence[RowCondition], last_day: date | None = None
) -> bool:
    """Return whether a row's contents meet every condition.

    `last_day` is that of the period of a measure; None: no period.
    """
    return all(_meets(cells.get(one.column), one, last_day) for one in conditions)


def said_by(cell: object, last_day: date) -> bool:
    """Return whether a cell has a day (a month: its first day) that is not after `last_day`."""
    month = month_said(cell)
    day = day_said(cell if month is None else f"{month}-01")
    return day is not None and day <= last_day


def _meets(cell: object, condition: RowCondition, last_day: date | None) -> bool:
    if condition.any_of and (cell is None or str(cell) not in condition.any_of):
        return False
    if condition.yes is not None and cell is not condition.yes:
        return False
    if condition.filled is not None and (cell is not None) != condition.filled:
        return False
    wanted = condition.by_period_end
    if wanted is not None and last_day is not None and said_by(cell, last_day) is not wanted:
        return False
    return _is_within(cell, condition)


def _is_within(cell: object, condition: RowCondition) -> bool:
    """Return whether a cell has a number within the bounds; without bounds, anything matches."""
    if condition.minimum is None and condition.maximum is None:
        return True
    number = number_said(cell)
    if number is None:
        return False
    above = condition.minimum is None or number >= condition.minimum
    return above and (condition.maximum is None or number <= condition.maximum)
