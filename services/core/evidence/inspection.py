"""Inspects an incoming file: counts, digests and recognises it part by part. Pure.

All faults are reported at once, when the file is complete and before it is stored.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SM3, Hash

from services.core.evidence.errors import file_too_large
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.file_kinds import (
    EXTENSIONS,
    MEDIA_TYPES,
    FileKind,
    KindReader,
    UnknownKind,
    agrees,
    extension_of,
)
from services.core.kit.said import trimmed
from services.core.kit.text import Text
from services.core.plan.evidence_rules import EvidenceLimits

_LONGEST_NAME = 200
_NEVER = frozenset("/\\")
_REPLACED = "\ufffd"
"""Replaces bytes of a URL that are not UTF-8, as of a name in GB18030."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Control characters, bidirectional marks and the like: they make a name look like another."""


@dataclass(frozen=True, slots=True)
class FileClaim:
    """The client's claims about a file: its name and its `Content-Type`."""

    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """The facts of a file: name, kind, length in bytes, and digests in hexadecimal."""

    name: str
    kind: FileKind
    size: int
    sha256: str
    sm3: str


def name_faults(name: str) -> list[Fault]:
    """Return the faults of a file's name."""
    shown = name[:_LONGEST_NAME]
    if not name or name.strip(".") == "":
        return [Fault(_NAME, "file-name-refused", _NO_NAME, shown)]
    if len(name) > _LONGEST_NAME or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        return [Fault(_NAME, "file-name-refused", _LONG_NAME, shown)]
    if _REPLACED in name:
        return [Fault(_NAME, "file-name-refused", _NO_UTF8, shown)]
    if _NEVER & set(name) or any(unicodedata.category(one) in _HIDDEN for one in name):
        safe = "".join(
            one for one in shown if one not in _NEVER and unicodedata.category(one) not in _HIDDEN
        )
        return [Fault(_NAME, "file-name-refused", _ODD_NAME, safe)]
    return []


_NAME = "/query/file_name"
_NO_NAME = Text("请写明文件名，如 监测报告.pdf", "Say what the file is called, such as report.pdf")
_LONG_NAME = Text(
    f"文件名过长：至多 {_LONGEST_NAME} 字节，约 66 个汉字",
    f"The name is too long: at most {_LONGEST_NAME} bytes of UTF-8",
)
_NO_UTF8 = Text(
    "文件名不是 UTF-8 编码：请按 UTF-8 编码后再做百分号转义",
    "The name is no UTF-8: encode it as UTF-8 before its bytes are written with %",
)
_ODD_NAME = Text(
    "文件名不能含 / 或 \\，也不能含控制字符：只写文件名，不写路径",
    "A name holds neither / nor \\ and no characters that do not print: give the name, no path",
)


class Inspection:
    """Inspects a file part by part; it buffers only the file's beginning and end."""

    def __init__(self, claim: FileClaim, limits: EvidenceLimits) -> None:
        self._name = trimmed(claim.name)
        self._media_type = claim.media_type
        self._limits = limits
        self._reader = KindReader()
        self._sha256 = hashlib.sha256()
        self._sm3 = Hash(SM3())

    def feed(self, part: bytes) -> None:
        """Take the next part.

        Raises:
            FileTooLarge: it is longer than the plan allows.
        """
        self._reader.feed(part)
        if self._reader.size > self._limits.max_bytes:
            raise file_too_large(self._limits.max_bytes)
        self._sha256.update(part)
        self._sm3.update(part)

    def judged(self) -> JudgedFile:
        """Return the facts of the file, once it is complete.

        Raises:
            InvalidInput: its name, its content, or the claims about it are not acceptable.
        """
        faults = name_faults(self._name)
        extension = extension_of(self._name)
        try:
            kind = self._reader.kind(extension=extension)
        except UnknownKind as unknown:
            faults.append(Fault("", unknown.code, unknown.advice))
            raise InvalidInput(faults=faults) from None
        faults += self._claim_faults(kind, extension)
        if faults:
            raise InvalidInput(faults=faults)
        sha256, sm3 = self._sha256.hexdigest(), self._sm3.finalize().hex()
        return JudgedFile(self._name, kind, self._reader.size, sha256, sm3)

    def _claim_faults(self, kind: FileKind, extension: str | None) -> list[Fault]:
        faults = []
        by_name, by_type = agrees(kind, extension=extension, media_type=self._media_type)
        if not by_name:
            wanted = "、".join(f".{one}" for one in EXTENSIONS[kind])
            words = Text(
                f"文件内容是 {kind}，而文件名以 .{extension} 结尾：请改为 {wanted}，或选对文件",
                f"The content is {kind} and the name ends in .{extension}: call it {wanted}, or"
                " send the file that was meant",
            )
            faults.append(Fault(_NAME, "file-type-disagrees", words, extension))
        if not by_type:
            said = self._media_type[:100]
            words = Text(
                f"文件内容是 {kind}，而 Content-Type 写的是 {said}：请写 {MEDIA_TYPES[kind][0]}，"
                "或 application/octet-stream",
                f"The content is {kind} and its Content-Type says {said}: say"
                f" {MEDIA_TYPES[kind][0]}, or application/octet-stream",
            )
            faults.append(Fault("/header/Content-Type", "file-type-disagrees", words, said))
        if kind not in self._limits.types:
            faults.append(_not_taken(kind, self._limits.types))
        return faults


def _not_taken(kind: FileKind, types: Sequence[FileKind]) -> Fault:
    words = Text(
        f"本计划不接受 {kind}，可上传：{'、'.join(types)}",
        f"The plan does not take {kind}: it takes {', '.join(types)}",
    )
    return Fault("", "file-type-not-taken", words, kind)
