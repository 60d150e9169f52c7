"""Suggestions for an unknown name: the closest known names, or all of them."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from services.core.kit.text import Text

_LONGEST_COMPARED = 100
_MOST_OFFERED = 3

MOST_COMPARED = 20
"""How many unknown names of one answer get suggestions. Each is compared with all known names, and
a body of thousands would keep the process busy."""


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the known name that is closest to `name`; None if none is close."""
    return next(iter(closest(name, known, most=1)), None)


def closest(name: str, known: Collection[str], *, most: int) -> list[str]:
    """Return up to `most` of the lower-case names `known` that are close to `name`, best first."""
    return get_close_matches(name[:_LONGEST_COMPARED].casefold(), known, n=most)


def meant(said: Text, names: Iterable[str]) -> Text:
    """Return the message `said` with the suggested names."""
    near = list(names)
    return Text(
        f"{said.zh}，是否想写 {'、'.join(near)}？", f"{said.en}; did you mean {', '.join(near)}?"
    )


def with_closest(said: Text, name: str, shown: Mapping[str, str]) -> Text:
    """Return the message `said` with the closest names, if any.

    `shown` maps each name that something is known by to how it is displayed.
    """
    known = {each.casefold(): told for each, told in shown.items()}
    near = [known[one] for one in closest(name, known, most=_MOST_OFFERED)]
    return meant(said, dict.fromkeys(near)) if near else said


def with_nearest(said: Text, name: str, known: Collection[str]) -> Text:
    """Return the message `said` with the closest known name, or with all of them."""
    near = nearest(name, known)
    if near is not None:
        return meant(said, [near])
    return with_all(said, known)


def with_all(said: Text, known: Iterable[str]) -> Text:
    """Return the message `said` with all the known names."""
    names = list(known)
    return Text(f"{said.zh}，可写：{'、'.join(names)}", f"{said.en}; there are: {', '.join(names)}")
