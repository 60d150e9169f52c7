"""The basic types of a plan document's members: codes, lines, days, kinds, exact numbers."""

import re
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from services.core.kit.forms import form
from services.core.kit.said import Said
from services.core.plan.member_words import describe_members
from services.core.plan.written import Days

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST, _LAST = date(1990, 1, 1), date(2100, 12, 31)

PeriodCode = Annotated[
    str,
    form(
        r"^(199[0-9]|20[0-9]{2}|2100)(-(H[12]|Q[1-4]|0[1-9]|1[0-2]))?$",
        "应为 2025、2025-H1、2025-Q3 或 2025-09 形式的周期",
        "Must be a period such as 2025, 2025-H1, 2025-Q3 or 2025-09",
    ),
]
"""`2025`, `2025-H1`, `2025-Q3` or `2025-09`."""


def _year_or_day(raw: Any) -> int | date:
    if isinstance(raw, int) and not isinstance(raw, bool) and _FIRST.year <= raw <= _LAST.year:
        return raw
    if isinstance(raw, str) and _DAY.fullmatch(raw):
        with suppress(ValueError):
            raw = date.fromisoformat(raw)
    if isinstance(raw, date) and _FIRST <= raw <= _LAST:
        return raw
    raise PydanticCustomError(
        "deadline",
        "Must be a year or a day, such as 2025 or 2025-06-30",
        {"zh": "应为年份或日期，如 2025 或 2025-06-30"},
    )


def _as_written(deadline: int | date) -> int | str:
    return deadline.isoformat() if isinstance(deadline, date) else deadline


WrittenDeadline = Annotated[
    int | date,
    PlainValidator(_year_or_day),
    PlainSerializer(_as_written, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1990, "maximum": 2100},
                {"type": "string", "format": "date"},
            ]
        }
    ),
]
"""A year, at the end of which something is due, or a day."""

ConditionKind = Literal[
    "at_least",
    "more_than",
    "at_most",
    "less_than",
    "between",
    "full_coverage",
    "negative_growth",
    "rising",
    "falling",
    "not_worse",
]
"""The kinds of target with a single number."""

TargetKind = Literal[ConditionKind, "all_of", "any_of", "qualitative", "assigned_by_superior"]
Direction = Literal["higher_better", "lower_better", "qualitative"]
Selection = Literal["mandatory", "optional", "self_selected"]
Frequency = Literal["annual", "half_yearly", "quarterly", "monthly"]
Comparison = Literal["same_period_last_year", "previous_period"]
AttainmentRule = Literal["graded", "all_or_nothing"]
Sharing = Literal["proportional", "equal", "not_shared"]


class Entry(Said):
    """A part of a document: unknown members are refused, and it never changes."""

    model_config = ConfigDict(frozen=True, json_schema_extra=describe_members)


class DueDays(Entry):
    """Days after a period's end by which its values are due, by frequency.

    `unit` says whether they are calendar days or working days; `on_rest_day` what holds where
    calendar days end on a rest day: that day all the same, or the next working day.
    """

    annual: Days
    half_yearly: Days
    quarterly: Days
    monthly: Days
    unit: Literal["calendar", "working"] = "calendar"
    on_rest_day: Literal["same_day", "next_working_day"] = "same_day"
