"""Telling somebody who wrote an unknown name which one was meant, and which there are."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from services.core.kit.text import Text

_LONGEST_COMPARED = 100


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the known name that is closest to `name`; None where none is close."""
    near = get_close_matches(name[:_LONGEST_COMPARED].lower(), known, n=1)
    return near[0] if near else None


def with_nearest(said: Text, name: str, known: Collection[str]) -> Text:
    """Return `said` with the known name that may have been meant, or with all of them."""
    near = nearest(name, known)
    if near is not None:
        return Text(f"{said.zh}，是否想写 {near}？", f"{said.en}; did you mean {near}?")
    return with_all(said, known)


def with_all(said: Text, known: Iterable[str]) -> Text:
    """Return `said` with all the known names."""
    names = list(known)
    return Text(f"{said.zh}，可写：{'、'.join(names)}", f"{said.en}; there are: {', '.join(names)}")
