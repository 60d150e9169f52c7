"""Opens a file by its content, not its name: a workbook, or separated values."""

import codecs
from collections.abc import Iterator
from typing import Literal, Protocol

from services.core.sheets.archive import Archive
from services.core.sheets.cells import CellRange, SheetRow
from services.core.sheets.errors import refused
from services.core.sheets.limits import LIMITS, SheetLimits
from services.core.sheets.separated import Separated
from services.core.sheets.workbook import SheetEntry, read_parts, read_strings, read_styles
from services.core.sheets.worksheet import CellContext, Worksheet

SheetFormat = Literal["xlsx", "csv"]

_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ZIP = b"PK\x03\x04"
_OTHERS = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
    b"<",
    b"{\\rtf",
)
"""Magic bytes of files that people mistake for sheets. HTML pages and XML tables begin with `<`."""

_LOOKED_AT = 1024


class Table(Protocol):
    """Rows of cells, and properties known after they were read."""

    merged: list[CellRange]
    hidden_columns: set[int]

    def rows(self) -> Iterator[SheetRow]:
        """Yield the non-empty rows, once."""

    def gone(self) -> tuple[int, int]:
        """Return how many bytes were read so far, and the total."""


class _Text:
    """Separated values as a table."""

    def __init__(self, content: bytes, limits: SheetLimits) -> None:
        self.merged: list[CellRange] = []
        self.hidden_columns: set[int] = set()
        self._separated = Separated(content, limits)

    def rows(self) -> Iterator[SheetRow]:
        """Yield the non-empty rows."""
        return self._separated.rows()

    def gone(self) -> tuple[int, int]:
        """Return how many bytes were read so far, and the total."""
        return self._separated.gone()


class SheetFile:
    """A file opened as sheets: a workbook has some; separated values are one without a name."""

    def __init__(self, content: bytes, limits: SheetLimits = LIMITS) -> None:
        """Open the file without reading a row.

        Raises:
            SheetRefused: it is no sheet, or is not supported.
        """
        self._content = content
        self._limits = limits
        self._reading: CellContext | None = None
        self.format: SheetFormat = _format_of(content, limits)
        self._archive: Archive | None = None
        self.sheets: list[SheetEntry] = []
        if self.format == "xlsx":
            self._archive = Archive(content, limits)
            self._parts = read_parts(self._archive, limits)
            self.sheets = self._parts.sheets

    def sheet_named(self, name: str) -> SheetEntry | None:
        """Return a sheet by its name."""
        return next((one for one in self.sheets if one.name == name), None)

    def chosen(self, name: str | None, usual: str) -> SheetEntry | None:
        """Return the sheet to read: the named one, the `usual` one, or the only visible one.

        Separated values have none.

        Raises:
            SheetRefused: there is no such sheet, or it is ambiguous which one is meant.
        """
        if self.format == "csv":
            return None
        visible = [one for one in self.sheets if one.visibility == "visible"]
        shown = "、".join(one.name for one in visible[:20])
        found = self.sheet_named(name or usual)
        if found is not None:
            return found
        if name is not None:
            raise refused("no-such-sheet", shown, pointer="/query/sheet")
        if len(visible) != 1:
            raise refused("sheet-not-chosen", shown, pointer="/query/sheet")
        return visible[0]

    def table(self, sheet: SheetEntry | None) -> Table:
        """Return the rows of a sheet, or of separated values."""
        if self._archive is None or sheet is None:
            return _Text(self._content, self._limits)
        if self._reading is None:
            parts = self._parts
            self._reading = CellContext(
                strings=read_strings(self._archive, parts.strings_part, self._limits),
                styles=read_styles(self._archive, parts.styles_part, self._limits),
                from_1904=parts.from_1904,
                recalculates=parts.recalculates,
            )
        return Worksheet(self._archive, sheet.part, self._reading, self._limits)


def _format_of(content: bytes, limits: SheetLimits) -> SheetFormat:
    if not content:
        raise refused("empty-file")
    if len(content) > limits.file:
        raise refused("inflates-too-far")
    if content.startswith(_OLD):
        raise refused("encrypted-workbook" if _ENCRYPTED in content else "old-workbook")
    if content.startswith(_ZIP):
        return "xlsx"
    begins = content[:_LOOKED_AT]
    wide = begins.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if begins.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_OTHERS) or (b"\0" in begins and not wide):
        raise refused("not-a-sheet")
    return "csv"
