"""A workbook's ZIP archive: which members it may have, and inflating them within bounds."""

import io
import struct
import zipfile
from collections.abc import Iterator

from services.core.kit.file_faults import BROKEN_ZIP
from services.core.sheets.errors import refused
from services.core.sheets.limits import SheetLimits

_PIECE = 64 * 1024
_END_OF_DIRECTORY = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_COMMENT = 65_535
_WIDE_LOCATOR = b"PK\x06\x07"
_WIDE_LOCATOR_BYTES = 20
_ENCRYPTED = 1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

CONTENT_TYPES = "[Content_Types].xml"
WORKBOOK = "xl/workbook.xml"


class Archive:
    """The parts of a workbook; each is inflated only up to `limits`."""

    def __init__(self, content: bytes, limits: SheetLimits) -> None:
        """Read the directory of `content`.

        Raises:
            SheetRefused: it is no complete archive, is of another program, or has parts that are
                refused.
        """
        self._limits = limits
        _check_directory(content, limits)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except BROKEN_ZIP:
            raise refused("damaged-workbook") from None
        entries = self._zip.infolist()
        self._entries = {entry.filename: entry for entry in entries}
        # Duplicate names are refused, because programs differ in which of the parts they show.
        if len(self._entries) != len(entries):
            raise refused("damaged-workbook")
        _check_names(set(self._entries))

    def __contains__(self, name: str) -> bool:
        """Return whether there is a part of this name."""
        return name in self._entries

    def size_of(self, name: str) -> int:
        """Return the declared size of a part, in bytes."""
        return self._entries[name].file_size

    def parts_of(self, name: str) -> Iterator[bytes]:
        """Yield the content of a part, piece by piece.

        Raises:
            SheetRefused: there is no such part, it differs from its declaration, or it is too
                large.
        """
        entry = self._entries.get(name)
        if entry is None or entry.compress_type not in _METHODS or entry.flag_bits & _ENCRYPTED:
            raise refused("damaged-workbook")
        bombs = entry.file_size > self._limits.ratio * max(entry.compress_size, 1)
        left = self._limits.inflated
        if entry.file_size > left or (bombs and entry.file_size > self._limits.suspicious):
            raise refused("inflates-too-far")
        try:
            with self._zip.open(entry) as part:
                while piece := part.read(_PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise refused("inflates-too-far")
                    yield piece
        except BROKEN_ZIP:
            raise refused("damaged-workbook") from None


def _check_directory(content: bytes, limits: SheetLimits) -> None:
    """Refuse an archive whose directory is too long, before reading it."""
    tail = content[-(_END_BYTES + _LONGEST_COMMENT) :]
    found = tail.rfind(_END_OF_DIRECTORY)
    if found < 0 or len(tail) - found < _END_BYTES:
        raise refused("damaged-workbook")
    # ZIP64 sizes are elsewhere, and no accepted file is that long.
    if tail[max(found - _WIDE_LOCATOR_BYTES, 0) : found].startswith(_WIDE_LOCATOR):
        raise refused("damaged-workbook")
    (size,) = struct.unpack_from("<I", tail, found + 12)
    if size > limits.directory:
        raise refused("damaged-workbook")


def _check_names(names: set[str]) -> None:
    """Refuse an archive that is no supported workbook, by the names of its parts."""
    lower = {name.lower() for name in names}
    if "xl/workbook.bin" in lower:
        raise refused("binary-workbook")
    if "content.xml" in lower and "mimetype" in lower:
        raise refused("open-document")
    if WORKBOOK not in names or CONTENT_TYPES not in names:
        raise refused("not-a-sheet" if not lower & {WORKBOOK} else "damaged-workbook")
    if any(name.endswith("vbaproject.bin") or "xl/macrosheets/" in name for name in lower):
        raise refused("workbook-with-macros")
    links = ("xl/externallinks/", "xl/connections.xml", "xl/querytables/")
    if any(name.startswith(links) for name in lower):
        raise refused("external-links")
