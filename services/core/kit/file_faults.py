"""Faults of a file that is checked without the database: where in the file, and what. Pure."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.core.kit.text import Text

BROKEN_ZIP = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ValueError),
    NotImplementedError,  # a compression method that Python lacks
    RuntimeError,  # encrypted
)
"""The exceptions that `zipfile` raises for an archive that cannot be read or was tampered with."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """One fault of a file: the part of it, such as a line, and the message."""

    place: str
    said: Text


def sha256(plain: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(plain).hexdigest()


_ALTERED = Text("第 {number} 条被改动", "item {number} was altered")
_MOVED = Text(
    "第 {number} 条不在原位：这里是第 {other} 条",
    "item {number} is not in its place: here stands item {other}",
)
_GONE = Text("缺少第 {number} 条", "item {number} is missing")
_ADDED = Text("第 {number} 条是多出来的", "item {number} was added")


def item_faults(
    lines: Sequence[bytes], digests: Sequence[str], *, part: str
) -> Iterator[FileFault]:
    """Yield the faults of lines that are altered, missing, added or moved; they count from 1.

    `digests` are the SHA-256 of the original lines, in order; `part` names the lines in the faults.
    """
    found = [sha256(one) for one in lines]
    known = set(found)
    places = {digest: number for number, digest in enumerate(digests, start=1)}
    for number, digest in enumerate(digests, start=1):
        there = found[number - 1] if number <= len(found) else None
        if digest not in known:
            said = _GONE if there is None or there in places else _ALTERED
            yield FileFault(f"{part}:{number}", said.format(number=number))
        elif there is not None and there != digest and there in places:
            said = _MOVED.format(number=number, other=places[there])
            yield FileFault(f"{part}:{number}", said)
    for number in range(len(digests) + 1, len(found) + 1):
        yield FileFault(f"{part}:{number}", _ADDED.format(number=number))
