"""Reads values separated by commas, tabs or semicolons: detects the encoding, yields rows."""

import codecs
import csv
import io
from collections.abc import Iterator

from services.core.sheets.cells import Cell, SheetRow
from services.core.sheets.errors import refused
from services.core.sheets.limits import SheetLimits

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSED = ("utf-8", "gb18030")
_PIECE = 64 * 1024
_SEPARATORS = (",", "\t", ";")


def encoding_of(content: bytes) -> str:
    """Return the encoding of a text: by its BOM, else strict UTF-8, else strict GB18030.

    Character frequencies are not used, because a short text has too few characters.

    Raises:
        SheetRefused: it is none of these, or has null characters.
    """
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    for name in (marked,) if marked else _GUESSED:
        decoder = codecs.getincrementaldecoder(name)("strict")
        try:
            for start in range(0, len(content), _PIECE):
                piece = decoder.decode(content[start : start + _PIECE])
                if "\0" in piece:
                    raise refused("not-a-sheet")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise refused("unknown-encoding")


class Separated:
    """The rows of a text; `number` is the line where a row begins."""

    def __init__(self, content: bytes, limits: SheetLimits) -> None:
        self._content = content
        self._limits = limits
        self._lines: _Lines | None = None
        self.encoding = encoding_of(content)
        self.separator = self._separator()

    def rows(self) -> Iterator[SheetRow]:
        """Yield the non-empty rows.

        Raises:
            SheetRefused: a limit is exceeded, or the text ends within quotes: an unclosed quote
                would turn all rows behind it into a single cell.
        """
        lines = self._lines = self._begun()
        reader = csv.reader(lines, delimiter=self.separator)
        told = 0
        while True:
            begun = lines.number + 1
            lines.begin_row()
            try:
                values = next(reader, None)
            except csv.Error:
                raise refused("line-too-long", begun) from None
            if lines.cut_short:
                raise refused("quote-not-closed", begun)
            if values is None:
                return
            cells = {at: Cell("text", one) for at, one in enumerate(values, 1) if one.strip()}
            if not cells:
                continue
            self._check(told := told + 1, begun, max(cells))
            yield SheetRow(begun, cells)

    def _check(self, told: int, line: int, width: int) -> None:
        if told > self._limits.rows:
            raise refused("too-many-rows")
        if width > self._limits.columns:
            raise refused("cell-outside", f"{line}:{width}")

    def gone(self) -> tuple[int, int]:
        """Return how many bytes were read so far, and the total."""
        read = 0 if self._lines is None else self._lines.bytes_read
        return read, len(self._content)

    def _begun(self) -> "_Lines":
        return _Lines(io.BytesIO(self._content), self.encoding, self._limits)

    def _separator(self) -> str:
        """Return the separator that is most frequent in the first non-blank line."""
        for line in self._begun():
            if line.strip():
                counts = {one: line.count(one) for one in _SEPARATORS}
                return max(counts, key=lambda one: counts[one])
        raise refused("empty-file")


class _Lines:
    """The lines of a text; the length of a row is limited before it is in memory."""

    def __init__(self, content: io.BytesIO, encoding: str, limits: SheetLimits) -> None:
        self._content = content
        # The CSV reader has to see line breaks inside quotes.
        self._text = io.TextIOWrapper(content, encoding, newline="")
        self._limits = limits
        self._taken = 0
        self.number = 0
        self.cut_short = False

    @property
    def bytes_read(self) -> int:
        """The bytes read so far, slightly ahead of the lines."""
        return self._content.tell()

    def begin_row(self) -> None:
        """Reset the length of the row."""
        self._taken = 0

    def __iter__(self) -> "_Lines":
        """Return the lines."""
        return self

    def __next__(self) -> str:
        """Return the next line with its end.

        Raises:
            SheetRefused: it is too long, or its row is.
        """
        line = self._text.readline(self._limits.line + 1)
        if not line:
            # Only a row with an open quote reads further lines.
            self.cut_short = self._taken > 0
            raise StopIteration
        self.number += 1
        self._taken += len(line)
        if self._taken > self._limits.line:
            raise refused("line-too-long", self.number)
        return line
