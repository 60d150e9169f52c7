"""Text patterns, each with the message for people whose input does not match it."""

from pydantic import StringConstraints

from services.core.kit.text import Text

_FORMS: dict[str, Text] = {}


def form(pattern: str, zh: str, en: str) -> StringConstraints:
    """Return the constraint of a text that matches `pattern`; `zh` and `en` are its messages."""
    _FORMS[pattern] = Text(zh, en)
    return StringConstraints(pattern=pattern)


def form_of(pattern: str) -> Text | None:
    """Return the message for a text that does not match a pattern; None for an unknown one."""
    return _FORMS.get(pattern)
