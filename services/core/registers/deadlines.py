"""When a row that counts must be renewed, and when it must be rechecked. Pure."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from typing import Any

from services.core.plan.periods import months_of
from services.core.plan.register_entries import Register
from services.core.registers.judging import Cells, validity
from services.core.registers.stored_cells import day_said

_MOST_OF_TITLE = 200


def deadlines(register: Register, row: Mapping[str, Any], today: date) -> dict[str, Any]:
    """Return the deadlines of a row that is confirmed today, by the row's columns.

    They follow the plan by which it is confirmed, as its days of validity do. `row` is its state
    before: a correction without a day of recheck does not put the recheck off.
    """
    cells: Cells = row["cells"]
    first, last = validity(register, cells)
    renewal = register.renewal
    same = None if renewal is None or renewal.same is None else cells.get(renewal.same)
    return {
        "renew_by": None if renewal is None else last,
        "renewed_as": None if same is None else str(same),
        "recheck_by": _recheck_by(register, row, first, last, today),
        "title": title_of(register, cells),
    }


def _recheck_by(
    register: Register, row: Mapping[str, Any], first: date | None, last: date | None, today: date
) -> date | None:
    if register.recheck is None or register.cycle is None:
        return None
    months, checked = months_of(register.cycle), row["cells"].get(register.recheck)
    begun = first if checked is None else day_said(checked)
    if begun is None and (checked is not None or register.valid_from is not None):
        # Its day of validity or of recheck may still be filled in.
        return None
    if begun is None:
        due = _due_before(register, row) or months_later(today, months)
    else:
        due = months_later(begun, months)
    # A row that is no longer valid by then is renewed or ended, not rechecked.
    return None if last is not None and due > last else due


def _due_before(register: Register, row: Mapping[str, Any]) -> date | None:
    """Return the day of recheck of a row that counted before and had no day of recheck then."""
    counted: Cells | None = row["counted"]
    if counted is None or counted.get(register.recheck or "") is not None:
        return None
    before: date | None = row["recheck_by"]
    return before


def months_later(day: date, months: int) -> date:
    """Return the same day `months` later; the last of the month if that is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def title_of(register: Register, cells: Cells) -> str:
    """Return a row's title: its register, and the name or else the key of its subject."""
    named = None if register.title is None else cells.get(register.title)
    codes = register.key if named is None else (register.title,)
    said = " ".join(_shown(register, code, cells) for code in codes if code is not None)
    return f"{register.name} {said}"[:_MOST_OF_TITLE]


def _shown(register: Register, code: str, cells: Cells) -> str:
    column, cell = register.column(code), cells.get(code)
    choices = () if column is None else column.choices
    return next((one.name for one in choices if one.code == cell), str(cell))
