"""Instants in requests: RFC 3339 with an offset, within the range that the database holds."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_WRITTEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_FIRST_YEAR = 1900
_LAST_YEAR = 2999


def _written(raw: Any) -> Any:
    # Pydantic would also accept a number, as seconds since 1970.
    if isinstance(raw, datetime) or (isinstance(raw, str) and _WRITTEN.fullmatch(raw)):
        return raw
    raise PydanticCustomError("datetime_parsing", "an instant such as 2026-01-31T16:00:00Z")


def _within_reach(instant: datetime) -> datetime:
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise PydanticCustomError("datetime_parsing", "an instant such as 2026-01-31T16:00:00Z")
    return instant


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_written),
    AfterValidator(_within_reach),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A pydantic field type: an instant with its offset, as text."""
