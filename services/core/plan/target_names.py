"""Display name of a target: its text, or the number that it sets. Pure.

Sentences, scoreboards, papers, sheets and messages all take it from here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import plain

FULL = Decimal(100)
"""The value that a full coverage must reach, in percent."""

NAMELESS = "—"
"""The name of a target with neither text nor number."""

_SIGNS: Mapping[str, str] = {
    "at_least": "≥",
    "more_than": ">",
    "at_most": "≤",
    "less_than": "<",
    "full_coverage": "≥",
}


def figure_of(kind: str, value: Decimal | None, upper: Decimal | None) -> str | None:
    """Return the number of a target with its sign, such as `≥ 40`; None if it sets none."""
    if kind == "between" and value is not None and upper is not None:
        return f"{plain(value)}–{plain(upper)}"
    if kind == "full_coverage" and value is None:
        value = FULL
    return f"{_SIGNS[kind]} {plain(value)}" if kind in _SIGNS and value is not None else None


def name_of(kind: str, value: Decimal | None, upper: Decimal | None, text: str | None) -> str:
    """Return the display name of a target: its text, or else its number."""
    return text or figure_of(kind, value, upper) or NAMELESS


def name_of_written(target: Mapping[str, Any]) -> str:
    """Return the display name of a target stored as JSON, in a scoreboard or an event."""
    value, upper = target.get("value"), target.get("upper")
    return name_of(
        target["kind"],
        None if value is None else Decimal(value),
        None if upper is None else Decimal(upper),
        target.get("text"),
    )
