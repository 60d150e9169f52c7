"""Recognises a file's type by its content while the file streams by, in constant memory.

The name and the `Content-Type` are only claims of the sender; the bytes decide.
"""

import codecs
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from services.core.kit.text import Text

FileKind = Literal["pdf", "png", "jpeg", "docx", "xlsx", "ofd", "zip", "csv", "txt"]
FILE_KINDS: tuple[FileKind, ...] = get_args(FileKind)

_OOXML = "application/vnd.openxmlformats-officedocument"

MEDIA_TYPES: Mapping[FileKind, tuple[str, ...]] = {
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "jpeg": ("image/jpeg", "image/jpg", "image/pjpeg"),
    "docx": (f"{_OOXML}.wordprocessingml.document",),
    "xlsx": (f"{_OOXML}.spreadsheetml.sheet",),
    "ofd": ("application/ofd", "application/vnd.ofd"),
    "zip": ("application/zip", "application/x-zip-compressed"),
    "csv": ("text/csv", "text/plain", "application/csv", "application/vnd.ms-excel"),
    "txt": ("text/plain",),
}
"""The media types of each kind; the first is the canonical one."""

_BYTES = "application/octet-stream"

EXTENSIONS: Mapping[FileKind, tuple[str, ...]] = {
    "pdf": ("pdf",),
    "png": ("png",),
    "jpeg": ("jpg", "jpeg"),
    "docx": ("docx",),
    "xlsx": ("xlsx",),
    "ofd": ("ofd",),
    "zip": ("zip",),
    "csv": ("csv",),
    "txt": ("txt",),
}

_ANYTHING = frozenset({"", _BYTES, "binary/octet-stream"})
"""Media types that clients send when they do not know the type."""

_HEAD_BYTES = 1024
_TAIL_BYTES = 128 * 1024
"""How much of the end is kept: the file list of an office document takes a few KiB."""

_MAGIC: tuple[tuple[bytes, FileKind], ...] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_ENDS: Mapping[FileKind, bytes] = {"pdf": b"%%EOF", "png": b"IEND", "jpeg": b"\xff\xd9"}
"""The bytes near the end of a complete file."""

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_EXTENSION = re.compile(r"\.([A-Za-z][A-Za-z0-9]{0,7})$")


@dataclass(frozen=True, slots=True)
class UnknownKind(Exception):
    """A file of unknown kind, or an incomplete one: a stable code, and advice."""

    code: str
    advice: Text


def extension_of(name: str) -> str | None:
    """Return the extension of a file's name in lower case; None: it has none.

    `报告.2025` has none: an extension begins with an ASCII letter and has at most eight characters.
    """
    found = _EXTENSION.search(name)
    return None if found is None else found[1].lower()


def answered_as(kind: FileKind) -> str:
    """Return the media type to serve a file as: bytes for text, because its charset is unknown."""
    own = MEDIA_TYPES[kind][0]
    return _BYTES if own.startswith("text/") else own


def agrees(kind: FileKind, *, extension: str | None, media_type: str) -> tuple[bool, bool]:
    """Return whether a file's extension, and its media type, agree with the content."""
    named = media_type.partition(";")[0].strip().lower()
    by_name = extension is None or extension in EXTENSIONS[kind]
    return by_name, named in _ANYTHING or named in MEDIA_TYPES[kind]


class KindReader:
    """Takes a file chunk by chunk, and returns its kind at the end."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._text: _Text | None = None
        self.size = 0

    def feed(self, part: bytes) -> None:
        """Take the next chunk."""
        self.size += len(part)
        self._head = (self._head + part[:_HEAD_BYTES])[:_HEAD_BYTES]
        self._tail = (self._tail + part)[-_TAIL_BYTES:]
        if self._text is None:
            self._text = _Text()
        self._text.feed(part)

    def kind(self, *, extension: str | None = None) -> FileKind:
        """Return the kind of the file; text is CSV if its extension says so.

        Raises:
            UnknownKind: it is empty, cut off, ambiguous, or of no known kind.
        """
        if not self.size:
            raise _EMPTY
        if self._head.startswith(_OLD_OFFICE):
            raise _OLD
        found = next((kind for magic, kind in _MAGIC if self._head.startswith(magic)), None)
        if found == "zip":
            return self._archive()
        if self._is_archive_too():
            raise _AMBIGUOUS
        if found is not None:
            if _ENDS[found] not in self._tail:
                raise _CUT_OFF
            return found
        if self._text is not None and self._text.whole():
            return "csv" if extension == "csv" else "txt"
        raise _NOTHING_KNOWN

    def _is_archive_too(self) -> bool:
        """Return whether a ZIP directory ends exactly where the file does."""
        at = self._tail.rfind(b"PK\x05\x06")
        if at < 0:
            return False
        comment = int.from_bytes(self._tail[at + 20 : at + 22], "little")
        return at + 22 + comment == len(self._tail)

    def _archive(self) -> FileKind:
        if not self._is_archive_too():
            raise _CUT_OFF
        try:
            with zipfile.ZipFile(io.BytesIO(self._tail)) as archive:
                names = set(archive.namelist())
        except NotImplementedError:
            return "zip"
        except (zipfile.BadZipFile, ValueError):
            if len(self._tail) == self.size:
                raise _CUT_OFF from None
            # The directory is longer than the kept tail: no office program writes such a file.
            return "zip"
        if any(name.endswith("vbaProject.bin") for name in names):
            raise _MACROS
        if "[Content_Types].xml" in names:
            if "word/document.xml" in names:
                return "docx"
            if "xl/workbook.xml" in names:
                return "xlsx"
        return "ofd" if "OFD.xml" in names else "zip"


class _Text:
    """Decodes bytes as strict UTF-8 and GB18030 at once, until neither fits."""

    def __init__(self) -> None:
        self._open = {
            name: codecs.getincrementaldecoder(name)("strict") for name in ("utf-8-sig", "gb18030")
        }

    def feed(self, part: bytes, *, last: bool = False) -> None:
        for name in list(self._open):
            try:
                if _CONTROLS.search(self._open[name].decode(part, last)):
                    del self._open[name]
            except UnicodeDecodeError:
                del self._open[name]

    def whole(self) -> bool:
        """Return whether everything was text in one of the two encodings."""
        self.feed(b"", last=True)
        return bool(self._open)


_EMPTY = UnknownKind(
    "file-empty", Text("文件是空的：请选择有内容的文件", "The file is empty: send one with content")
)
_CUT_OFF = UnknownKind(
    "file-cut-off",
    Text(
        "文件不完整，可能在复制或下载时中断：请重新取得后再上传",
        "The file is cut off, as by a copy that broke: get it anew and send it again",
    ),
)
_AMBIGUOUS = UnknownKind(
    "file-ambiguous",
    Text(
        "文件末尾另接了一个压缩包：请分成两个文件上传",
        "An archive is appended to the file: send the two as two files",
    ),
)
_OLD = UnknownKind(
    "file-type-unknown",
    Text(
        "旧版 Office 或 WPS 格式（.doc、.xls、.wps）不接受：请另存为 .docx、.xlsx 或 PDF",
        "Old formats of office programs (.doc, .xls, .wps) are not taken: save it as .docx, .xlsx"
        " or PDF",
    ),
)
_MACROS = UnknownKind(
    "file-with-macros",
    Text(
        "文件含有宏：请另存为不含宏的 .docx 或 .xlsx，或 PDF",
        "The file holds macros: save it as .docx or .xlsx without them, or as PDF",
    ),
)
_NOTHING_KNOWN = UnknownKind(
    "file-type-unknown",
    Text(
        "不认识文件的内容：请上传 PDF、图片（PNG、JPEG）、.docx、.xlsx、OFD、ZIP 或文本",
        "The content is of no kind that is known: send PDF, PNG, JPEG, .docx, .xlsx, OFD, ZIP or"
        " text",
    ),
)
