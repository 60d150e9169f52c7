"""Turning pydantic's report of a bad input into our faults, in both languages."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic_core import ErrorDetails

from services.core.kit.errors import Fault
from services.core.kit.text import Text

_LONGEST_ECHO = 200

_TEXTS: Mapping[str, Text] = {
    "missing": Text("缺少此项", "This member is required"),
    "extra_forbidden": Text("没有这一项", "There is no such member"),
    "decimal": Text(
        "应为至多 38 位的有限十进制数（文本或数字）",
        "Must be a finite decimal number of at most 38 digits, as text or number",
    ),
    "string_type": Text("应为文本", "Must be text"),
    "bool_type": Text("应为 true 或 false", "Must be true or false"),
    "int_type": Text("应为整数", "Must be an integer"),
    "list_type": Text("应为列表", "Must be a list"),
    "tuple_type": Text("应为列表", "Must be a list"),
    "too_short": Text("列表太短", "The list is too short"),
    "too_long": Text("列表太长", "The list is too long"),
    "bool_parsing": Text("应为 true 或 false", "Must be true or false"),
    "int_parsing": Text("应为整数", "Must be an integer"),
    "float_parsing": Text("应为数字", "Must be a number"),
    "uuid_parsing": Text("应为 UUID", "Must be a UUID"),
    "uuid_type": Text("应为 UUID", "Must be a UUID"),
    "date_type": Text("应为日期，如 2025-03-20", "Must be a date, such as 2025-03-20"),
    "date_parsing": Text("应为日期，如 2025-03-20", "Must be a date, such as 2025-03-20"),
    "date_from_datetime_parsing": Text(
        "应为日期，如 2025-03-20", "Must be a date, such as 2025-03-20"
    ),
    "datetime_parsing": Text("应为 RFC 3339 时刻", "Must be an RFC 3339 instant"),
    "datetime_from_date_parsing": Text("应为 RFC 3339 时刻", "Must be an RFC 3339 instant"),
    "timezone_aware": Text("时刻须带时区", "The instant must carry its offset"),
    "greater_than_equal": Text("数值太小", "The number is too small"),
    "less_than_equal": Text("数值太大", "The number is too large"),
    "greater_than": Text("数值太小", "The number is too small"),
    "dict_type": Text("应为对象", "Must be an object"),
    "model_type": Text("应为对象", "Must be an object"),
    "string_too_short": Text("文本太短", "The text is too short"),
    "string_too_long": Text("文本太长", "The text is too long"),
    "string_pattern_mismatch": Text("格式不符", "The text has the wrong form"),
    "enum": Text("不是允许的取值之一", "Not one of the values allowed"),
    "literal_error": Text("不是允许的取值之一", "Not one of the values allowed"),
    "json_invalid": Text("不是有效的 JSON", "Not valid JSON"),
}


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path of names and indexes."""
    return "".join(
        "/" + str(part).encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")
        for part in path
    )


def echo(value: Any) -> object:
    """Return `value` as it may be shown in an answer: short, plain, or left out."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal | str):
        text = str(value) if not isinstance(value, int) or value.bit_length() < 700 else "…"  # noqa: PLR2004
        text = text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
        return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"
    return None


def _own_words(error: ErrorDetails) -> Text:
    """Return the words of an error that brings its own, in Chinese as `zh` of its context."""
    zh = error.get("ctx", {}).get("zh")
    return Text(zh if isinstance(zh, str) else f"不符合要求：{error['msg']}", error["msg"])


def faults_of(errors: Iterable[ErrorDetails], *, skip: int = 0) -> list[Fault]:
    """Return pydantic's errors as faults; `skip` leading path parts are left out."""
    return [
        Fault(
            pointer=pointer(error["loc"][skip:]),
            code=error["type"].replace("_", "-"),
            detail=_TEXTS.get(error["type"]) or _own_words(error),
            value=None if error["type"] == "missing" else echo(error["input"]),
        )
        for error in errors
    ]
