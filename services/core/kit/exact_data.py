"""Reading JSON and YAML without losing a digit, and without trusting the sender.

Numbers with a point arrive as Decimal, never float. Not for writing: pydantic does that.
"""

import json
from collections.abc import Hashable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import yaml
from typing_extensions import override

from services.core.kit.errors import DomainError, Kind
from services.core.kit.text import Text

_DEEPEST = 64
_LONGEST_INTEGER = 60
_MOST_MEMBERS = 1000
"""An object is a record: none of ours has a tenth as many members."""

_MOST_VALUES = 200_000
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
    return int(text) if len(text) <= _LONGEST_INTEGER else Decimal(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(pairs) > _MOST_MEMBERS:
        raise ValueError(f"an object of more than {_MOST_MEMBERS} members")
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
    if text.count(",") > _MOST_VALUES:
        raise ValueError(f"more than {_MOST_VALUES} values")


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
        raise _too_deep() from None
    except (ValueError, InvalidOperation) as error:
        reason = str(error)[:200]
        raise MalformedBody(
            Text(f"不是有效的 JSON：{reason}", f"Not valid JSON: {reason}")
        ) from None
    if "\\u" in text or text.count("[") + text.count("{") > _DEEPEST:
        _check(value, 0)
    return value


def _too_deep() -> MalformedBody:
    return MalformedBody(Text(f"嵌套超过 {_DEEPEST} 层", f"Nested deeper than {_DEEPEST} levels"))


def _check(value: Any, depth: int) -> None:
    """Refuse what is too deep, and text that UTF-8 or Postgres cannot hold."""
    if depth > _DEEPEST:
        raise _too_deep()
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
            _check(name, depth + 1)
            _check(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, depth + 1)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _ExactLoader(yaml.CSafeLoader):
    """YAML 1.1 in JSON's shape: exact numbers, dates as text, no name twice."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        members = super().construct_mapping(node, deep=deep)
        if len(node.value) > _MOST_MEMBERS:
            raise yaml.YAMLError(f"a mapping of more than {_MOST_MEMBERS} members")
        if len(members) != len(node.value):
            raise yaml.YAMLError(f"a name occurs twice near line {node.start_mark.line + 1}")
        return members


def _yaml_float(loader: _ExactLoader, node: yaml.ScalarNode) -> Any:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise yaml.YAMLError(f"{text} is not a number") from None


def _yaml_text(loader: _ExactLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _yaml_float)
_ExactLoader.add_constructor("tag:yaml.org,2002:timestamp", _yaml_text)


def _refuse_bombs(text: str) -> None:
    """Refuse aliases, deep nesting and too many values before anything is built from them."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise _too_deep()
        if number > _MOST_VALUES * 2:  # names are events too
            raise yaml.YAMLError(f"more than {_MOST_VALUES} values")


def read_yaml(body: bytes) -> Any:
    """Return the value of a YAML text of JSON's shape; decimals exact, dates as text.

    Raises:
        MalformedBody: not UTF-8, not YAML, aliases, a name twice, too deep, too many values.
    """
    try:
        text = body.decode()
        _refuse_bombs(text)
        value = yaml.load(text, Loader=_ExactLoader)  # noqa: S506 (a safe loader)
    except RecursionError:
        raise _too_deep() from None
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise MalformedBody(
            Text(f"不是有效的 YAML：{reason}", f"Not valid YAML: {reason}")
        ) from None
    _check(value, 0)
    return value
