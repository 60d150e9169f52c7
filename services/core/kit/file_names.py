"""File names that every system accepts, made from arbitrary text."""

import re

_NEVER = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
LONGEST = 255
"""The longest name, in bytes, that every file system accepts."""


def as_file_name(name: str) -> str:
    """Return a name as a single path component of at most `LONGEST` bytes.

    Characters that some system refuses become `_`. A name that is too long is cut before its
    extension.
    """
    safe = _NEVER.sub("_", name).strip(" .") or "_"
    if len(safe.encode()) <= LONGEST:
        return safe
    stem, dot, ending = safe.rpartition(".")
    room = LONGEST - len(f".{ending}".encode())
    return f"{_cut(stem, room)}.{ending}" if dot and room > 0 else _cut(safe, LONGEST)


def _cut(text: str, most: int) -> str:
    """Return the longest prefix of at most `most` bytes, without splitting a character."""
    return text.encode()[:most].decode(errors="ignore").rstrip(" .") or "_"
