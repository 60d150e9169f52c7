"""Reads a stored cell as a day, a month or a number. Pure.

A row is validated against the plan in force whenever it is written or confirmed. Until then it may
hold what an earlier version of the plan allowed: text, where the plan now has a day or a number.
Such text reads as no day and no number, here as in the SQL of measures.
"""

import re
from datetime import date
from decimal import Decimal

from services.core.kit.decimals import exact

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


def day_said(cell: object) -> date | None:
    """Return the day in a cell; None: it has none."""
    try:
        return date.fromisoformat(cell) if isinstance(cell, str) else None
    except ValueError:
        return None


def month_said(cell: object) -> str | None:
    """Return the month in a cell, such as `2025-09`; None: it has none."""
    return cell if isinstance(cell, str) and _MONTH.fullmatch(cell) else None


def number_said(cell: object) -> Decimal | None:
    """Return the number in a cell, exactly; None: it has none."""
    try:
        return exact(cell)
    except ValueError:
        return None
