"""Keyset pagination: an opaque token holds the last key and a fingerprint of the filters."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text


class BadPageToken(DomainError):
    """The token was not given out here, or for another list or other filters."""

    code = "bad-page-token"
    kind = RefusalKind.MALFORMED
    title = Text("分页标记无效", "The page token is not valid")


_LONGEST_NUMBER = 19


def _fingerprint(filters: Mapping[str, object]) -> str:
    text = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def new_page_token(last_key: Sequence[str], filters: Mapping[str, object]) -> str:
    """Return the token that continues after `last_key` under the same `filters`."""
    text = json.dumps([_fingerprint(filters), *last_key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
Reader = Callable[[str], A]
"""Parses a part of a key; `ValueError`: none of our lists can end in it."""


@overload
def read_page_token(token: str, filters: Mapping[str, object], first: Reader[A], /) -> tuple[A]: ...
@overload
def read_page_token(
    token: str, filters: Mapping[str, object], first: Reader[A], second: Reader[B], /
) -> tuple[A, B]: ...
@overload
def read_page_token(
    token: str,
    filters: Mapping[str, object],
    first: Reader[A],
    second: Reader[B],
    third: Reader[C],
    /,
) -> tuple[A, B, C]: ...
def read_page_token(
    token: str, filters: Mapping[str, object], /, *readers: Reader[Any]
) -> tuple[Any, ...]:
    """Return the last key inside `token`, each part parsed by its reader.

    A token is not secret and anybody can make one, so every part is validated: only values that a
    list of ours can end in pass, and the database accepts them.

    Raises:
        BadPageToken: it is no token of ours, or belongs to another list or other filters.
    """
    try:
        padded = token + "=" * (-len(token) % 4)
        parsed: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        fingerprint, *last_key = parsed
    except (ValueError, TypeError, RecursionError):
        raise BadPageToken from None
    if fingerprint != _fingerprint(filters) or len(last_key) != len(readers):
        raise BadPageToken(
            Text("该标记属于另一个列表或筛选条件", "The token belongs to another list or filter")
        )
    try:
        return tuple(_read(part, reader) for part, reader in zip(last_key, readers, strict=True))
    except ValueError:
        raise BadPageToken from None


def _read(part: object, reader: Reader[A]) -> A:
    if not isinstance(part, str):
        raise ValueError("not a text")  # noqa: TRY004 (a reader refuses the same way)
    read = reader(part)
    if str(read) != part:
        raise ValueError("not as it is written here")
    return read


def read_text(part: str) -> str:
    """Return a text that the database can store."""
    part.encode()
    if "\x00" in part:
        raise ValueError("a text holds no null byte")
    return part


def read_number(part: str, *, bits: int = 63) -> int:
    """Return a log position, from 0 to the largest number of `bits` bits."""
    if len(part) > _LONGEST_NUMBER:
        raise ValueError("too long")
    number = int(part)
    if not 0 <= number < 2**bits:
        raise ValueError("out of range")
    return number


def read_version(part: str) -> int:
    """Return the version number of a thing, within the column's range."""
    # Up to 2**31 - 1, which the column holds too.
    return read_number(part, bits=31)
