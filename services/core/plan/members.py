"""What the members of a plan document are made of: codes, lines, days, kinds, exact numbers."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=5000)]
Year = Annotated[int, Field(ge=1990, le=2100, strict=True)]
PeriodCode = Annotated[
    str,
    StringConstraints(pattern=r"^(199[0-9]|20[0-9]{2}|2100)(-(H[12]|Q[1-4]|0[1-9]|1[0-2]))?$"),
]
"""`2025`, `2025-H1`, `2025-Q3` or `2025-09`."""

Days = Annotated[int, Field(ge=0, le=366, strict=True)]
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_day(raw: Any) -> Any:
    # Pydantic would also take a number for a day, as seconds since 1970.
    if isinstance(raw, date) or (isinstance(raw, str) and _DAY.fullmatch(raw)):
        return raw
    raise PydanticCustomError("date", "a day such as 2025-12-31")


Day = Annotated[
    date,
    Field(ge=date(1990, 1, 1), le=date(2100, 12, 31)),
    BeforeValidator(_written_day),
]

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


class Entry(BaseModel):
    """A part of a document: unknown members are refused, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
