"""Keyset pages: an opaque token that remembers the last key and the filters it belongs to."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.core.kit.errors import DomainError, Kind
from services.core.kit.text import Text


class BadPageToken(DomainError):
    """The token was not given out here, or for another list or other filters."""

    code = "bad-page-token"
    kind = Kind.MALFORMED
    title = Text("分页标记无效", "The page token is not valid")


def _fingerprint(filters: Mapping[str, object]) -> str:
    text = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def new_page_token(last_key: Sequence[str], filters: Mapping[str, object]) -> str:
    """Return the token that goes on after `last_key` under the same `filters`."""
    text = json.dumps([_fingerprint(filters), *last_key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_page_token(token: str, filters: Mapping[str, object], *, parts: int) -> list[str]:
    """Return the last key inside `token`.

    Raises:
        BadPageToken: it is no token of ours or belongs to other filters.
    """
    try:
        padded = token + "=" * (-len(token) % 4)
        parsed: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        fingerprint, *last_key = parsed
    except (ValueError, TypeError, RecursionError):
        raise BadPageToken from None
    if (
        fingerprint != _fingerprint(filters)
        or len(last_key) != parts
        or not all(isinstance(part, str) and "\x00" not in part for part in last_key)
    ):
        raise BadPageToken(
            Text("该标记属于另一个列表或筛选条件", "The token belongs to another list or filter")
        )
    return [str(part) for part in last_key]


def read_uuid(part: str) -> UUID:
    """Return the id that a part of a page token holds.

    Raises:
        BadPageToken: it holds none.
    """
    try:
        return UUID(part)
    except ValueError:
        raise BadPageToken from None
