"""What the members of a plan document are made of: codes, lines, days, kinds, exact numbers."""

import re
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from services.core.kit.forms import form
from services.core.kit.said import Said

Code = Annotated[
    str,
    form(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$",
        "应为字母或数字开头的编码，至多 40 个字符，如 U08 或 14.1",
        "Must be a code of at most 40 letters, digits and ._-, such as U08 or 14.1",
    ),
]
DivisionCode = Annotated[
    str,
    form(
        r"^[0-9]{6,12}$",
        "应为 6 至 12 位行政区划代码，如 410183107",
        "Must be a division code of 6 to 12 digits, such as 410183107",
    ),
]
Year = Annotated[int, Field(ge=1990, le=2100, strict=True)]
PeriodCode = Annotated[
    str,
    form(
        r"^(199[0-9]|20[0-9]{2}|2100)(-(H[12]|Q[1-4]|0[1-9]|1[0-2]))?$",
        "应为 2025、2025-H1、2025-Q3 或 2025-09 形式的周期",
        "Must be a period such as 2025, 2025-H1, 2025-Q3 or 2025-09",
    ),
]
"""`2025`, `2025-H1`, `2025-Q3` or `2025-09`."""

Days = Annotated[int, Field(ge=0, le=366, strict=True)]
_FIRST, _LAST = date(1990, 1, 1), date(2100, 12, 31)
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_day(raw: Any) -> Any:
    # Pydantic would also take a number for a day, as seconds since 1970.
    if isinstance(raw, date) or (isinstance(raw, str) and _DAY.fullmatch(raw)):
        return raw
    raise PydanticCustomError("date", "a day such as 2025-12-31")


Day = Annotated[
    date,
    Field(ge=_FIRST, le=_LAST),
    BeforeValidator(_written_day),
]


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


Deadline = Annotated[
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
"""A year, by whose end something is due, or a day."""

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
"""The kinds that a single number is judged by."""

TargetKind = Literal[
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
    "all_of",
    "any_of",
    "qualitative",
    "assigned_by_superior",
]
Direction = Literal["higher_better", "lower_better", "qualitative"]
Selection = Literal["mandatory", "optional", "self_selected"]
Frequency = Literal["annual", "half_yearly", "quarterly", "monthly"]
Comparison = Literal["same_period_last_year", "previous_period"]
AttainmentRule = Literal["graded", "all_or_nothing"]
Sharing = Literal["proportional", "equal", "not_shared"]


class Entry(Said):
    """A part of a document: unknown members are refused, and it never changes."""

    model_config = ConfigDict(frozen=True)
