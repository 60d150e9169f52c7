"""File names that every system accepts, made from arbitrary text."""

import re

_NEVER = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
LONGEST = 255
"""Bytes of a name that every file system takes."""


def as_file_name(name: str) -> str:
    """Return a name as one part of a path: it leads nowhere else, and is `LONGEST` bytes at most.

    What no system takes becomes `_`. A name that is too long is cut before its ending.
    """
    safe = _NEVER.sub("_", name).strip(" .") or "_"
    if len(safe.encode()) <= LONGEST:
        return safe
    stem, dot, ending = safe.rpartition(".")
    room = LONGEST - len(f".{ending}".encode())
    return f"{_cut(stem, room)}.{ending}" if dot and room > 0 else _cut(safe, LONGEST)


def _cut(text: str, most: int) -> str:
    """Return the first characters of a text that are `most` bytes at most, none of them in part."""
    return text.encode()[:most].decode(errors="ignore").rstrip(" .") or "_"
