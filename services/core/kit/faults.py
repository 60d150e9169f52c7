"""Translates pydantic's validation errors into our faults, in both languages."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic_core import ErrorDetails

from services.core.kit.errors import Fault
from services.core.kit.forms import form_of
from services.core.kit.said import trimmed
from services.core.kit.text import Text

_LONGEST_ECHO = 200

_FILL_IN = Text("请填写", "Fill it in")
_DAY = Text("应为日期，如 2025-03-20", "Must be a date, such as 2025-03-20")
_INSTANT = Text(
    "应为带时区的时刻，如 2026-01-31T16:00:00+08:00",
    "Must be an instant with its offset (RFC 3339), such as 2026-01-31T16:00:00+08:00",
)
_ID = Text(
    "应为 UUID，如 019aafc0-0000-7000-8000-000000000000",
    "Must be a UUID, such as 019aafc0-0000-7000-8000-000000000000",
)
_TRUTH = Text("应为 true 或 false", "Must be true or false")
_INTEGER = Text("应为整数，如 3", "Must be an integer, such as 3")
_LIST = Text("应为列表，如 []", "Must be a list, such as []")
_OBJECT = Text("应为对象，如 {{}}", "Must be an object, such as {{}}")
_CHOICE = Text("应为以下之一：{choices}", "Must be one of: {choices}")
_FORM = Text("格式不符，应匹配 {pattern}", "The text has the wrong form, it must match {pattern}")

_TEXTS: Mapping[str, Text] = {
    "missing": Text("缺少此项", "This member is required"),
    "extra_forbidden": Text("没有这一项", "There is no such member"),
    "string_type": Text("应为文本，须加引号", "Must be text, in quotes"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_from_float": _INTEGER,
    "int_parsing_size": Text("整数的位数太多", "The integer has too many digits"),
    "float_type": Text("应为数字，如 1.5", "Must be a number, such as 1.5"),
    "float_parsing": Text("应为数字，如 1.5", "Must be a number, such as 1.5"),
    "finite_number": Text("应为有限的数字", "Must be a finite number"),
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "uuid_parsing": _ID,
    "uuid_type": _ID,
    "date": _DAY,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "timezone_aware": _INSTANT,
    "json_invalid": Text("不是有效的 JSON", "Not valid JSON"),
    "greater_than_equal": Text("不能小于 {ge}", "Must be at least {ge}"),
    "less_than_equal": Text("不能大于 {le}", "Must be at most {le}"),
    "greater_than": Text("必须大于 {gt}", "Must be more than {gt}"),
    "less_than": Text("必须小于 {lt}", "Must be less than {lt}"),
    "string_too_short": Text(
        "至少 {min_length} 个字", "Must have at least {min_length} characters"
    ),
    "string_too_long": Text("最多 {max_length} 个字", "Must have at most {max_length} characters"),
    "too_short": Text("至少 {min_length} 项", "Must have at least {min_length} items"),
    "too_long": Text("最多 {max_length} 项", "Must have at most {max_length} items"),
}
"""Messages by pydantic's error type; a name in braces comes from the error's context."""

_CHOICES = re.compile(r"'([^']*)'")
_OF_TEXT = ("string", "literal", "enum", "decimal", "date", "uuid", "bool", "int", "float")
"""Prefixes of error types that concern a text."""


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path of names and indexes."""
    return "".join(
        "/" + str(part).encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")
        for part in path
    )


def echo(value: Any) -> object:
    """Return `value` as an answer may show it: short, plain, or left out."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal | str):
        text = str(value) if not isinstance(value, int) or value.bit_length() < 700 else "…"  # noqa: PLR2004
        text = text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
        return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"
    return None


def _words(error: ErrorDetails) -> Text:
    """Return the message of an error, which says what to write instead, in both languages."""
    kind, said, context = error["type"], error.get("input"), error.get("ctx", {})
    if isinstance(said, str) and not trimmed(said) and kind.startswith(_OF_TEXT):
        return _FILL_IN
    if kind in {"literal_error", "enum"}:
        names = _CHOICES.findall(str(context.get("expected", "")))
        return Text(
            _CHOICE.zh.format(choices="、".join(names)), _CHOICE.en.format(choices=", ".join(names))
        )
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern", ""))
        return form_of(pattern) or _FORM.format(pattern=pattern)
    told = _TEXTS.get(kind)
    return told.format(**context) if told is not None else _own_words(error)


def _own_words(error: ErrorDetails) -> Text:
    """Return the message of an error that has its own; the Chinese is `zh` in its context."""
    zh = error.get("ctx", {}).get("zh")
    return Text(zh if isinstance(zh, str) else "不符合要求", error["msg"])


def faults_of(errors: Iterable[ErrorDetails], *, skip: int = 0) -> list[Fault]:
    """Return pydantic's errors as faults; `skip` leading path parts are left out."""
    return [
        Fault(
            pointer=pointer(error["loc"][skip:]),
            code=error["type"].replace("_", "-"),
            detail=_words(error),
            value=None if error["type"] == "missing" else echo(error["input"]),
        )
        for error in errors
    ]
