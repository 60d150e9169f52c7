"""What a device may send about a milestone, and how a conflict stores it. Pure."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from services.core.kit.decimals import plain_or_none
from services.core.milestones.reports.service import REPORTED

DisputedVerb = Literal["progress", "complete"]
"""The device's action: a progress report, or a request for closure."""

MilestoneConflictReason = Literal["both-changed", "moved-on"]
"""`both-changed`: the same field; `moved-on`: the milestone's state no longer allows the verb."""

FIELDS: Mapping[DisputedVerb, tuple[str, ...]] = {
    "progress": REPORTED,
    "complete": ("narrative", "evidence"),
}
"""The columns of each verb; each column is merged by itself."""

SEEN = tuple(dict.fromkeys(name for names in FIELDS.values() for name in names))
"""Every column that a device may send."""


def changed(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields that the device changed from what it had seen."""
    return tuple(name for name, then in wanted.items() if then != base[name])


def as_kept(columns: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return some fields as a conflict stores them: numbers and days as text."""
    return {name: _TO_KEEP.get(name, _as_it_is)(columns[name]) for name in fields}


def as_read(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns stored by a conflict or history, with the types of the table."""
    return {
        name: value if value is None or name not in _TO_READ else _TO_READ[name](value)
        for name, value in kept.items()
    }


def _as_it_is(value: Any) -> Any:
    return value


def _day_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


_TO_KEEP: Mapping[str, Any] = {"percent": plain_or_none, "expected_date": _day_text}
_TO_READ: Mapping[str, Any] = {"percent": Decimal, "expected_date": date.fromisoformat}
