"""Options of a change: the preview flag and the idempotency key.

They are validated beside the session, not by it, so that a fault in them does not keep a route from
finding its item first: a caller that may not know of an item gets only 404.
"""

import re
from typing import Annotated

from fastapi import Header, Query, Request

from services.api.request_context import WriteOptions, context_of
from services.core.kit.forms import form

_SIGNS = "^[ -~]+$"
_KEY = form(
    _SIGNS,
    "只能含 ASCII 字母、数字和符号，如一个 UUID",
    "May hold ASCII letters, digits and signs only, such as a UUID",
)
_LONGEST_KEY = 255


def may_be_key(said: str) -> bool:
    """Return whether a header may be an idempotency key."""
    return len(said) <= _LONGEST_KEY and re.match(_SIGNS, said) is not None


IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=_LONGEST_KEY,
        pattern=_KEY.pattern,
        description="Makes a repeated POST answer as the first did, for 24 hours and for this"
        " credential: the same status, body, `ETag` and `Location`. With another body it is"
        " refused (422 `idempotency-key-reused`); while the first still runs, a repeat waits up"
        " to 10 s and then is 409 `request-in-progress`. Previews are not kept.",
        examples=["8f14e45f-ceea-467f-a8d5-2f0b6a0a1b1c"],
    ),
]
ValidateOnly = Annotated[
    bool,
    Query(
        description="A preview: the same checks and the same answer, and nothing is written, no"
        " event recorded"
    ),
]


async def read_write_options(
    request: Request,
    idempotency_key: IdempotencyKey = None,
    *,
    validate_only: ValidateOnly = False,
) -> None:
    """Store the options of a change. Every route that writes depends on this first."""
    kept = request.method == "POST" and not validate_only
    key = idempotency_key if kept else None
    context_of(request).options = WriteOptions(key, validate_only)


def write_options_of(request: Request) -> WriteOptions:
    """Return the options of a change."""
    return context_of(request).options
