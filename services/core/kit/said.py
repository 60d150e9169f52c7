"""Base model and text types of request bodies: text is trimmed, and blank text is no answer.

One base class for every shape that comes in, and one type for every length of text.
"""

import re
import unicodedata
from typing import Annotated, Any, ClassVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

_INVISIBLE = "\u200b\u2060\ufeff"
"""Zero-width characters that no standard counts as space: they come in by copy and paste."""

_LAST_SPACE = 0x3000
"""The last character that Unicode counts as space; testing all 1,114,112 costs 60 ms per start."""

_AROUND = _INVISIBLE + "".join(one for one in map(chr, range(_LAST_SPACE + 1)) if one.isspace())

_UNPRINTED = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode categories whose characters print nothing: controls, formats, separators."""

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols that nevertheless print nothing."""

_SELECTORS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: they change the character before them and print nothing themselves."""

_SIGNS = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
"""Format characters that do print: signs set over or under a number."""

_BREAKING = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories that end a line, or control a terminal."""


def _of_one_line(text: str) -> str:
    if any(unicodedata.category(one) in _BREAKING for one in text):
        raise PydanticCustomError(
            "text_of_one_line",
            "Must be one line, without control characters such as a line's end or a tab",
            {"zh": "应为一行文字，不含换行、制表符等控制字符"},
        )
    return text


def in_one_line(text: str) -> str:
    """Return a text that is older than that rule so that it fits in one line of a list."""
    return "".join("\ufffd" if unicodedata.category(one) in _BREAKING else one for one in text)


CodeIn = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Title = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_of_one_line)
]
"""A name: it must fit in one line of a list."""

FileName = Annotated[str, StringConstraints(max_length=255), AfterValidator(_of_one_line)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
LongWords = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=5000)]


def trimmed(text: str) -> str:
    """Return `text` without blanks at either end; empty if none of its characters prints.

    Joiners, direction marks and the like stay if anything prints, because there they shape it.
    """
    kept = text.strip(_AROUND)
    return kept if any(map(_prints, kept)) else ""


def _prints(one: str) -> bool:
    if unicodedata.category(one) in _UNPRINTED:
        return _SIGNS.match(one) is not None
    return one not in _FILLERS and _SELECTORS.match(one) is None


class Said(BaseModel):
    """A shape that comes in. Unknown members are refused; an optional text that is blank is null.

    A required one is then as if it had no letter, which its type refuses.
    """

    model_config = ConfigDict(extra="forbid")

    _may_be_blank: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    @override
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        fields = cls.model_fields.items()
        cls._may_be_blank = frozenset(
            name for name, field in fields if _is_optional_text(field.annotation)
        )

    @model_validator(mode="before")
    @classmethod
    def _trim(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {name: cls._heard(name, value) for name, value in raw.items()}

    @classmethod
    def _heard(cls, name: str, value: Any) -> Any:
        if isinstance(value, str):
            text = trimmed(value)
            return None if not text and name in cls._may_be_blank else text
        if isinstance(value, list):
            return [trimmed(one) if isinstance(one, str) else one for one in value]
        return value


def _is_optional_text(annotation: Any) -> bool:
    choices = get_args(annotation)
    return type(None) in choices and any(_is_free_text(one) for one in choices)


def _is_free_text(kind: Any) -> bool:
    """Return whether a type is text without a pattern of its own."""
    if get_origin(kind) is not Annotated:
        return kind is str
    base, *rest = get_args(kind)
    formed = any(isinstance(one, StringConstraints) and one.pattern for one in rest)
    return base is str and not formed
