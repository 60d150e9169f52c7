"""The types of codes and days as a plan writes them, shared by everything that refers to one."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from services.core.kit.forms import form

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
Days = Annotated[int, Field(ge=0, le=366, strict=True)]
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_day(raw: Any) -> Any:
    # Pydantic would also accept a number as a day, in seconds since 1970.
    if isinstance(raw, date) or (isinstance(raw, str) and _DAY.fullmatch(raw)):
        return raw
    raise PydanticCustomError("date", "a day such as 2025-12-31")


Day = Annotated[
    date,
    Field(ge=date(1990, 1, 1), le=date(2100, 12, 31)),
    BeforeValidator(_written_day),
]

YearBegins = Annotated[
    str,
    form(
        r"^(0[1-9]|1[0-2])-01$",
        "应为某月 1 日，如 01-01 或 04-01",
        "Must be the first day of a month, such as 01-01 or 04-01",
    ),
]
"""The day on which each year of a plan begins."""

DEFAULT_YEAR_BEGINS = "01-01"
"""The default start of years: that of the calendar."""

CityCode = Annotated[
    str,
    form(
        r"^[0-9]{6}$",
        "应为 6 位行政区划代码，如 410183",
        "Must be a division code of 6 digits, such as 410183",
    ),
]
PlanCode = Annotated[
    str,
    form(
        r"^[0-9]{6}-[A-Za-z0-9][A-Za-z0-9._-]{0,31}$",
        "应为城市代码、连字符和名称，如 410183-2025",
        "Must be the city's code, a hyphen and a name, such as 410183-2025",
    ),
]
