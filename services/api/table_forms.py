"""The format a list is asked for in, by the suffix of its address or by `Accept`."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum

from starlette.types import Scope

LISTS = "exported_lists"
"""The attribute of an application's state that holds the path patterns of its lists."""


class Form(Enum):
    """A format that every list has beside JSON: its media type."""

    CSV = "text/csv"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    @property
    def suffix(self) -> str:
        """The suffix of an address that asks for it."""
        return f".{self.name.lower()}"


_BY_SUFFIX = {form.suffix: form for form in Form}
_SUFFIXES = tuple(_BY_SUFFIX)
_BY_TYPE: Mapping[str, Form | None] = {
    "application/json": None,
    **{form.value: form for form in Form},
}
_ANYTHING = ("*/*", "application/*")
_NAMED = (b"csv", b"spreadsheetml")
_MOST_READ = 20


def hear_form(scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[Form | None, str]:
    """Return the format that a GET asks for, and the suffix that was taken off its path for it.

    None: it asks for JSON.
    """
    path: str = scope["path"]
    if path.endswith(_SUFFIXES):
        return _hear_suffix(scope, path)
    if any(one in headers.get(b"accept", b"").lower() for one in _NAMED):
        return _accepted(headers[b"accept"].decode("latin-1")), ""
    return None, ""


def _hear_suffix(scope: Scope, path: str) -> tuple[Form | None, str]:
    """Take a suffix off a path if the rest is a list; other paths may end like that themselves."""
    suffix = next(one for one in _SUFFIXES if path.endswith(one))
    rest = path.removesuffix(suffix)
    lists: Iterable[re.Pattern[str]] = getattr(scope["app"].state, LISTS)
    within = rest.removeprefix(scope.get("root_path", ""))
    if not any(one.match(within) for one in lists):
        return None, ""
    scope["path"] = rest
    return _BY_SUFFIX[suffix], suffix


def _accepted(accept: str) -> Form | None:
    """Return the format that `Accept` prefers, of equals the first; None: JSON."""
    best, found = 0.0, None
    anything = 0.0
    for part in accept.lower().split(",")[:_MOST_READ]:
        named, _, parameters = part.partition(";")
        quality, name = _quality(parameters), named.strip()
        if name in _ANYTHING:
            anything = max(anything, quality)
        elif name in _BY_TYPE and quality > best:
            best, found = quality, _BY_TYPE[name]
    return found if best >= anything else None


def _quality(parameters: str) -> float:
    """Return the weight of a media range: 1 by default, 0 if it is not a number."""
    for one in parameters.split(";"):
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0
    return 1
