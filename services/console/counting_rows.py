"""Counts the rows of a table while its bytes arrive: CSV, or a workbook."""

import zlib
from collections.abc import Iterator
from typing import Protocol


class RowCounter(Protocol):
    """Gets the bytes of a file in order; `rows` is the number so far, including headings."""

    rows: int

    def hear(self, piece: bytes) -> None:
        """Take in the next bytes."""


class CsvRows:
    """Counts line ends outside quotes."""

    def __init__(self) -> None:
        self.rows = 0
        self._quoted = False

    def hear(self, piece: bytes) -> None:
        """Take in the next bytes."""
        for at, part in enumerate(piece.split(b'"')):
            self._quoted ^= at > 0
            if not self._quoted:
                self.rows += part.count(b"\n")


_LOCAL = b"PK\x03\x04"
_HEAD = 30
_DEFLATED = 8
_ROW = b"<row "
_SHEET = b"xl/worksheets/sheet"
_MOST_INFLATED = 1 << 20


class WorkbookRows:
    """Counts the rows of a workbook's sheets while its parts arrive one after the other."""

    def __init__(self) -> None:
        self.rows = 0
        self._held = b""
        self._part: zlib._Decompress | None = None
        self._counts = False
        self._tail = b""
        self._lost = False

    def hear(self, piece: bytes) -> None:
        """Take in the next bytes; counting ends at anything that cannot be parsed."""
        self._held += piece
        while not self._lost and self._held and self._went_on():
            pass
        if self._lost:
            self._held = b""

    def _went_on(self) -> bool:
        """Process the buffered bytes as far as possible; return whether there may be more."""
        if self._part is None:
            return self._begun()
        try:
            for text in self._inflated(self._part):
                self._count(text)
        except zlib.error:
            self._lost = True
            return False
        if not self._part.eof:
            return False
        self._held, self._part = self._part.unused_data, None
        return True

    def _begun(self) -> bool:
        """Find the beginning of the next part, after any trailer of the one before."""
        at = self._held.find(_LOCAL)
        if at < 0:
            self._held = self._held[-len(_LOCAL) + 1 :]
            return False
        head = self._held[at:]
        if len(head) < _HEAD:
            return False
        body = _HEAD + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        if len(head) < body:
            return False
        self._lost = int.from_bytes(head[8:10], "little") != _DEFLATED
        self._counts = head[_HEAD:].startswith(_SHEET)
        self._held, self._part, self._tail = head[body:], zlib.decompressobj(-15), b""
        return True

    def _inflated(self, part: "zlib._Decompress") -> Iterator[bytes]:
        left, self._held = self._held, b""
        while left and not part.eof:
            yield part.decompress(left, _MOST_INFLATED)
            left = part.unconsumed_tail

    def _count(self, text: bytes) -> None:
        if self._counts:
            seen = self._tail + text
            self.rows += seen.count(_ROW)
            self._tail = seen[-len(_ROW) + 1 :]


def counter_of(suffix: str) -> RowCounter | None:
    """Return the row counter for a file suffix; None: rows cannot be counted."""
    kinds: dict[str, type[CsvRows | WorkbookRows]] = {".csv": CsvRows, ".xlsx": WorkbookRows}
    kind = kinds.get(suffix.lower())
    return None if kind is None else kind()
