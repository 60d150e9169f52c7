"""Reads JSON from untrusted senders without losing a digit.

Numbers with a point become Decimal, never float. `kit.exact_yaml` reads YAML within the same
limits. Only for reading: pydantic writes JSON.
"""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.faults import pointer
from services.core.kit.text import Text

DEEPEST = 64
"""Most levels of nested lists and objects."""

LONGEST_INTEGER = 60
"""Most digits of a number that becomes an int; longer ones stay Decimals."""

MOST_MEMBERS = 1000
"""Most members of an object: none of ours has a tenth as many."""

MOST_VALUES = 200_000
"""Most values: twice what our largest document holds. More only produces masses of faults."""


class MalformedBody(DomainError):
    """The body is not JSON, or YAML where that is taken, that can be read safely."""

    code = "malformed-body"
    kind = RefusalKind.MALFORMED
    title = Text("请求体无法解析", "The body cannot be read")


class _Refused(ValueError):
    """JSON that we refuse although the format allows it; the reason in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.told = Text(zh, en)


_COMPLAINTS: Mapping[str, str] = {
    "Expecting value": "此处应为一个值",
    "Expecting property name": "此处应为带双引号的名称",
    "Expecting ':' delimiter": "此处应为冒号",
    "Expecting ',' delimiter": "此处应为逗号",
    "Extra data": "之后还有多余的内容",
    "Unterminated string": "文本没有结束的引号",
    "Invalid control character": "文本中有未转义的控制字符（如换行，应写作 \\n）",
    "Invalid \\": "反斜杠转义无效",
    "Illegal trailing comma": "最后一项之后不能有逗号",
}
"""Chinese for the JSON parser's messages, by how they begin."""


def _told(error: ValueError | InvalidOperation) -> Text:
    """Return what is wrong with a text that is not JSON, and where."""
    if isinstance(error, _Refused):
        return error.told
    if isinstance(error, UnicodeDecodeError):
        return Text(
            f"第 {error.start + 1} 个字节不是 UTF-8 编码，请另存为 UTF-8",
            f"Byte {error.start + 1} is not UTF-8: save it as UTF-8",
        )
    if isinstance(error, json.JSONDecodeError):
        said = (zh for begins, zh in _COMPLAINTS.items() if error.msg.startswith(begins))
        line, column = error.lineno, error.colno
        return Text(
            f"第 {line} 行第 {column} 列：{next(said, '语法有误')}",
            f"line {line}, column {column}: {error.msg}",
        )
    return Text("其中的数字无法读取", "a number in it cannot be read")


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} 不是数字", f"{name} is not a number")


def _integer(text: str) -> int | Decimal:
    # A number of thousands of digits stays a Decimal, which is refused later with its pointer.
    return int(text) if len(text) <= LONGEST_INTEGER else Decimal(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(pairs) > MOST_MEMBERS:
        raise _Refused(
            f"一个对象超过 {MOST_MEMBERS} 项", f"an object of more than {MOST_MEMBERS} members"
        )
    if len(members) != len(pairs):
        raise _Refused("同一名称出现两次", "a member name occurs twice")
    return members


_decoder = json.JSONDecoder(
    parse_float=Decimal,
    parse_int=_integer,
    parse_constant=_no_constant,
    object_pairs_hook=_unique,
)


def _refuse_mountains(text: str) -> None:
    """Refuse too many values before any is built: between two values stands a comma."""
    if text.count(",") > MOST_VALUES:
        raise _Refused(f"超过 {MOST_VALUES} 个值", f"more than {MOST_VALUES} values")


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedBody: not UTF-8, not JSON, a name twice, NaN or Infinity, too deep, too many
            values, or a string that no database can hold (a lone surrogate, U+0000).
    """
    try:
        text = body.decode("utf-8-sig")  # some editors begin a file with a byte order mark
        _refuse_mountains(text)
        value = _decoder.decode(text)
    except RecursionError:
        raise too_deep() from None
    except (ValueError, InvalidOperation) as error:
        told = _told(error)
        raise MalformedBody(
            Text(f"不是有效的 JSON：{told.zh}", f"Not valid JSON: {told.en}")
        ) from None
    # Only an escape can produce a lone surrogate or NUL, and only brackets nest. Most bodies have
    # few of either and need no second walk.
    if "\\u" in text:
        check_value(value)
    elif text.count("[") + text.count("{") > DEEPEST:
        _check_depth(value)
    return value


def too_deep() -> MalformedBody:
    """Return the refusal of a text that is nested too deeply."""
    return MalformedBody(Text(f"嵌套超过 {DEEPEST} 层", f"Nested deeper than {DEEPEST} levels"))


def check_value(value: Any) -> None:
    """Refuse a value that is too deep, and text that UTF-8 or Postgres cannot store.

    Raises:
        MalformedBody: it is either; for a text, with its JSON pointer.
    """
    try:
        _check_texts(value, 0)
    except _Unheld:
        place = pointer(_path_of_unheld(value) or ())
        at = Text(f"（位于 {place}）", f" at {place}") if place else Text("", "")
        raise MalformedBody(
            Text(
                f"文本含有 U+0000 或孤立的代理字符{at.zh}，请去掉",
                f"A text holds U+0000 or a lone surrogate{at.en}: leave it out",
            )
        ) from None


class _Unheld(Exception):
    """A text that no database can store."""


def _check_texts(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise too_deep()
    if isinstance(value, str):
        if not _can_be_held(value):
            raise _Unheld
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_texts(name, depth + 1)
            _check_texts(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check_texts(member, depth + 1)


def _path_of_unheld(value: Any) -> tuple[str | int, ...] | None:
    """Return the path of the first text that cannot be stored; of a name, its object's path."""
    if isinstance(value, str):
        return None if _can_be_held(value) else ()
    named = value.items() if isinstance(value, dict) else ()
    if not all(_can_be_held(name) for name, _ in named):
        return ()
    for name, member in enumerate(value) if isinstance(value, list) else named:
        if (found := _path_of_unheld(member)) is not None:
            return name, *found
    return None


def _check_depth(value: Any, depth: int = 0) -> None:
    """Refuse a value that is too deep, as `check_value` does; only containers are visited."""
    if not isinstance(value, dict | list):
        return
    if value and depth == DEEPEST:
        raise too_deep()
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, dict | list):
            _check_depth(member, depth + 1)


def _can_be_held(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
