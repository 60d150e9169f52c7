"""Verifies an evidence archive against the manifest at its end, without the database. Pure."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from services.core.evidence.archives.contents import HEADINGS, LIST
from services.core.kit.file_faults import BROKEN_ZIP, FileFault
from services.core.kit.formula_cells import text_of
from services.core.kit.text import Text

_PART_BYTES = 1024 * 1024
_LONGEST_LIST = 256 * 1024 * 1024
_PATH, _NAME, _SIZE, _SHA256 = (
    HEADINGS.index(one) for one in ("路径", "文件名", "字节数", "SHA-256")
)

_BROKEN = Text("不是完整的 ZIP 文件", "it is no whole ZIP")
_NO_LIST = Text("没有清单，或清单无法读取", "it has no list, or one that cannot be read")
_ALTERED = Text("被改动", "it was altered")
_GONE = Text("清单中有而文件中没有", "it is listed, and not there")
_ADDED = Text("清单中没有", "it is not listed")
_MOVED = Text("不在原位", "it is not in its place")


def has_list(file: BinaryIO) -> bool:
    """Return whether a ZIP contains the manifest of an evidence archive."""
    try:
        return LIST in zipfile.ZipFile(file).namelist()
    except (*BROKEN_ZIP, OSError):
        return False


def archive_faults(file: BinaryIO) -> tuple[int, list[FileFault]]:
    """Return how many files are listed, and which are altered, missing, added or moved, in order.

    A file that was already missing in the store is listed without a path, and is no fault.
    """
    try:
        archive = zipfile.ZipFile(file)
        rows = _rows(archive)
    except (*BROKEN_ZIP, OSError):
        return 0, [FileFault("ZIP", _BROKEN)]
    if rows is None:
        return 0, [FileFault(LIST, _NO_LIST)]
    return len(rows), list(_faults(archive, rows))


def _rows(archive: zipfile.ZipFile) -> list[list[str]] | None:
    """Return the manifest, a row for each file that has a path; None: it cannot be read."""
    try:
        if archive.getinfo(LIST).file_size > _LONGEST_LIST:
            return None
        text = archive.read(LIST).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except (KeyError, csv.Error, *BROKEN_ZIP):
        return None
    if not rows or rows[0] != list(HEADINGS) or any(len(one) != len(HEADINGS) for one in rows):
        return None
    return [row for row in rows[1:] if row[_PATH]]


def _faults(archive: zipfile.ZipFile, rows: list[list[str]]) -> Iterator[FileFault]:
    names = [one for one in archive.namelist() if one != LIST]
    there = set(names)
    paths = [text_of(row[_PATH]) for row in rows]
    for row, path in zip(rows, paths, strict=True):
        if path not in there:
            yield FileFault(path, _GONE)
        elif _digest(archive, path) != (row[_SHA256], row[_SIZE]):
            yield FileFault(path, _ALTERED)
    listed = set(paths)
    yield from (FileFault(name, _ADDED) for name in names if name not in listed)
    kept = [name for name in names if name in listed]
    expected = [path for path in paths if path in there]
    for name, path in zip(kept, expected, strict=False):
        if name != path:
            yield FileFault(name, _MOVED)
            return


def _digest(archive: zipfile.ZipFile, path: str) -> tuple[str, str]:
    """Return the SHA-256 and length of a file; empty strings if it cannot be read."""
    hashing, size = hashlib.sha256(), 0
    try:
        with archive.open(path) as part:
            while piece := part.read(_PART_BYTES):
                hashing.update(piece)
                size += len(piece)
    except BROKEN_ZIP:
        return "", ""
    return hashing.hexdigest(), str(size)
