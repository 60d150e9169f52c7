"""The file that is carried: a ZIP of a few stored parts, with exactly one valid form. Pure.

Its bytes follow from its parts, so that any altered byte is noticed.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.core.kit.file_faults import BROKEN_ZIP, FileFault, sha256
from services.core.kit.text import Text

MANIFEST = "manifest.json"
SIGNATURES = "signature.txt"
ITEMS = "data/items.ndjson"
DIGESTS = "data/items.sha256"
README = "README.txt"
PARTS = (MANIFEST, SIGNATURES, README, DIGESTS, ITEMS)
"""The parts of a file, in their order."""

LARGEST_FILE = 50 * 1024 * 1024
"""Size in bytes that a gateway between two networks is expected to let through."""

_DATE = (1980, 1, 1, 0, 0, 0)
_HEADER_BYTES = 30
_REGULAR_FILE = 0o100644 << 16
_UNIX = 3

_NO_ZIP = Text(
    "不是完整的 ZIP 文件：被截断，或不是无废的数据包",
    "It is no whole ZIP: it was cut off, or is none of ours",
)
_OTHER_PARTS = Text("应当正好有这些部分：{parts}", "It should hold exactly these parts: {parts}")
_TOO_LARGE = Text("超过 50 MB", "It is larger than 50 MB")


class NotCarried(Exception):
    """The file is no carried file; `faults` has the reasons."""

    def __init__(self, *faults: FileFault) -> None:
        """Take its faults."""
        super().__init__(*(fault.said.en for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The parts of a file; `in_form` means that its bytes are exactly those that the parts make."""

    parts: Mapping[str, bytes]
    in_form: bool


def packed(parts: Mapping[str, bytes]) -> bytes:
    """Return the bytes of a file with these parts, reproducibly."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as out:
        for name in PARTS:
            head = zipfile.ZipInfo(name, _DATE)
            head.create_system, head.external_attr = _UNIX, _REGULAR_FILE
            out.writestr(head, parts[name])
    return made.getvalue()


def unpacked(content: bytes) -> Unpacked:
    """Return the parts of a file, altered or not.

    Raises:
        NotCarried: it is too large, no complete ZIP, or has other parts.
    """
    if len(content) > LARGEST_FILE:
        raise NotCarried(FileFault("ZIP", _TOO_LARGE))
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except BROKEN_ZIP:
        raise NotCarried(FileFault("ZIP", _NO_ZIP)) from None
    if tuple(one.filename for one in entries) != PARTS:
        raise NotCarried(FileFault("ZIP", _OTHER_PARTS.format(parts=", ".join(PARTS))))
    # By offset, not with zipfile, which returns nothing of an altered part.
    parts = {one.filename: _part(content, one) for one in entries}
    return Unpacked(parts, packed(parts) == content)


def _part(content: bytes, entry: zipfile.ZipInfo) -> bytes:
    begins = entry.header_offset + _HEADER_BYTES + len(entry.filename)
    return content[begins : begins + entry.file_size]


def lines_of(items: Iterable[bytes]) -> tuple[bytes, bytes]:
    """Return the part with the items, one a line, and the part with their digests."""
    listed = list(items)
    digests = "".join(f"{sha256(one)}\n" for one in listed)
    return b"".join(one + b"\n" for one in listed), digests.encode()


def items_in(part: bytes) -> list[bytes]:
    """Return the lines of the items' part."""
    lines = part.split(b"\n")
    return lines[:-1] if lines and not lines[-1] else lines
