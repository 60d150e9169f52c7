"""Reading JSON without losing a digit, and without trusting the sender.

Numbers with a point arrive as Decimal, never float. YAML is read in `kit.exact_yaml`, within the
same bounds. Not for writing: pydantic does that.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from services.core.kit.errors import DomainError, Kind
from services.core.kit.text import Text

DEEPEST = 64
"""Levels of lists and objects within each other."""

LONGEST_INTEGER = 60
"""Digits of an integer that is made one; longer ones stay Decimals."""

MOST_MEMBERS = 1000
"""An object is a record: none of ours has a tenth as many members."""

MOST_VALUES = 200_000
"""Twice what the largest document of ours holds. More only makes a mountain of faults."""


class MalformedBody(DomainError):
    """The body is not JSON, or YAML where that is taken, that can be read safely."""

    code = "malformed-body"
    kind = Kind.MALFORMED
    title = Text("请求体无法解析", "The body cannot be read")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _integer(text: str) -> int | Decimal:
    # A number of thousands of digits is refused later with its pointer, as too long a Decimal.
    return int(text) if len(text) <= LONGEST_INTEGER else Decimal(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(pairs) > MOST_MEMBERS:
        raise ValueError(f"an object of more than {MOST_MEMBERS} members")
    if len(members) != len(pairs):
        raise ValueError("a member name occurs twice")
    return members


_decoder = json.JSONDecoder(
    parse_float=Decimal,
    parse_int=_integer,
    parse_constant=_no_constant,
    object_pairs_hook=_unique,
)


def _refuse_mountains(text: str) -> None:
    """Refuse too many values before they are made: between any two of them stands a comma."""
    if text.count(",") > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES} values")


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedBody: not UTF-8, not JSON, a name twice, NaN or Infinity, too deep, too many
            values, or a string that no database can hold (a lone surrogate, U+0000).
    """
    try:
        text = body.decode()
        _refuse_mountains(text)
        value = _decoder.decode(text)
    except RecursionError:
        raise too_deep() from None
    except (ValueError, InvalidOperation) as error:
        reason = str(error)[:200]
        raise MalformedBody(
            Text(f"不是有效的 JSON：{reason}", f"Not valid JSON: {reason}")
        ) from None
    if "\\u" in text or text.count("[") + text.count("{") > DEEPEST:
        check_value(value)
    return value


def too_deep() -> MalformedBody:
    """Return the refusal of a text that is nested too deeply."""
    return MalformedBody(Text(f"嵌套超过 {DEEPEST} 层", f"Nested deeper than {DEEPEST} levels"))


def check_value(value: Any, depth: int = 0) -> None:
    """Refuse what is too deep, and text that UTF-8 or Postgres cannot hold.

    Raises:
        MalformedBody: it is either.
    """
    if depth > DEEPEST:
        raise too_deep()
    if isinstance(value, str):
        if "\x00" in value or not _encodes(value):
            raise MalformedBody(
                Text(
                    "文本含有 U+0000 或孤立的代理字符",
                    "A text holds U+0000 or a lone surrogate",
                )
            )
    elif isinstance(value, dict):
        for name, member in value.items():
            check_value(name, depth + 1)
            check_value(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            check_value(member, depth + 1)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
