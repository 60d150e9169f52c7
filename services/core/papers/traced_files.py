"""Provenance inside the files of a paper, so that they are verified without a network. Pure.

A DOCX or XLSX has two hidden parts: `PAPER`, with the paper's content, the source of each figure,
and the digest of every other part; and `SIGNATURE`, with its signature and signer. A PDF/A has no
room for them: the DOCX and the XLSX made with it hold its digest.
"""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from pydantic_core import to_json

from services.core.kit.file_faults import BROKEN_ZIP, FileFault, sha256
from services.core.kit.signatures import Signature, Signer, has_signed
from services.core.kit.text import Text
from services.core.papers.figures import PaperFigure, from_json
from services.core.papers.making import PaperContent

FORMAT = "wufei-paper/1"
PURPOSE = "papers"
"""The key derivation purpose for keys that sign papers."""

PAPER, SIGNATURE = "wufei/paper.json", "wufei/signature.json"

_TYPES, _RELATIONS = "[Content_Types].xml", "_rels/.rels"
_TYPE = b'<Default Extension="json" ContentType="application/json"/>'
_RELATED = (
    b'<Relationship Id="rIdPaper" Type="urn:wufei:paper" Target="wufei/paper.json"/>'
    b'<Relationship Id="rIdSignature" Type="urn:wufei:signature" Target="wufei/signature.json"/>'
)
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_MOST_PARTS = 1000
_LARGEST = 128 * 1024 * 1024
"""The most bytes of all parts of a file, unpacked."""


@dataclass(frozen=True, slots=True)
class PaperMark:
    """A paper's provenance: its origin, its signer (None: unsigned), and digests by format."""

    plan: str
    kind: str
    period: str | None
    about: str | None
    signer: Signer | None = None
    beside: Mapping[str, str] = field(default_factory=dict)


def with_trace(document: bytes, made: PaperContent, mark: PaperMark) -> bytes:
    """Return a DOCX or XLSX that contains its paper's content; byte for byte reproducible."""
    parts: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(document)) as source:
        for name in source.namelist():
            parts[name] = source.read(name)
    # Each part has a type and a relationship, so that office programs consider the file intact.
    begun = parts[_TYPES].index(b">", parts[_TYPES].index(b"<Types")) + 1
    parts[_TYPES] = parts[_TYPES][:begun] + _TYPE + parts[_TYPES][begun:]
    parts[_RELATIONS] = parts[_RELATIONS].replace(
        b"</Relationships>", _RELATED + b"</Relationships>"
    )
    carried = to_json(
        {
            "format": FORMAT,
            "plan": mark.plan,
            "kind": mark.kind,
            "period": mark.period,
            "about": mark.about,
            "position": made.position,
            "digest": made.digest,
            "content": made.content,
            "figures": made.figures,
            "parts": {name: sha256(part) for name, part in parts.items()},
            "beside": mark.beside,
        }
    )
    signed = None if mark.signer is None else mark.signer.sign(carried)
    return _packed({**parts, PAPER: carried, SIGNATURE: _signature_said(signed)})


def _packed(parts: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in parts.items():
            head = zipfile.ZipInfo(name, _EARLIEST)
            target.writestr(head, part, compress_type=zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _signature_said(signed: Signature | None) -> bytes:
    if signed is None:
        return to_json({"public_key": None, "signature": None})
    return to_json({"public_key": signed.public_key.hex(), "signature": signed.value.hex()})


@dataclass(frozen=True, slots=True)
class CarriedPaper:
    """The paper's content found in a file: `said` by name, empty if it cannot be read.

    `public_key` is the signer's; None: it is not signed.
    """

    said: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[FileFault, ...] = ()
    public_key: bytes | None = None

    @property
    def figures(self) -> Mapping[int, PaperFigure]:
        """The figures that the paper prints, by number."""
        found = [from_json(one) for one in self.said.get("figures", ())]
        return {one.number: one for one in found}


def carries_paper(file: BinaryIO) -> bool:
    """Return whether a file is a ZIP with a paper's content."""
    try:
        return PAPER in zipfile.ZipFile(file).namelist()
    except (*BROKEN_ZIP, OSError):
        return False


def read_paper(file: BinaryIO, trusted: Collection[bytes] = ()) -> CarriedPaper:
    """Return the paper's content in a file, and which parts were altered, lost or added.

    `trusted` are the public keys that may have signed it; empty: the key in the file.
    """
    try:
        archive = zipfile.ZipFile(file)
        names = archive.namelist()
        within = sum(one.file_size for one in archive.infolist()) <= _LARGEST
        if not within or len(names) > _MOST_PARTS:
            return CarriedPaper(faults=(FileFault("ZIP", _TOO_LARGE),))
        parts = {name: archive.read(name) for name in dict.fromkeys(names)}
    except (*BROKEN_ZIP, OSError):
        return CarriedPaper(faults=(FileFault("ZIP", _BROKEN),))
    said = _said(parts.get(PAPER, b""))
    if said is None:
        return CarriedPaper(faults=(FileFault(PAPER, _ALTERED),))
    doubled = [name for name, times in Counter(names).items() if times > 1]
    faults = [FileFault(name, _TWICE) for name in doubled]
    faults += _part_faults(parts, said["parts"])
    made = PaperContent(said["content"], said["figures"], said["position"])
    if made.digest != said["digest"]:
        faults.append(FileFault(PAPER, _OF_ANOTHER))
    key, wrong = _signed_by(parts[PAPER], parts.get(SIGNATURE, b""), trusted)
    if wrong is not None:
        faults.append(FileFault(SIGNATURE, wrong))
    return CarriedPaper(said, tuple(faults), key)


_SHAPE: Mapping[str, type] = {
    "plan": str,
    "kind": str,
    "digest": str,
    "position": int,
    "content": dict,
    "figures": list,
    "parts": dict,
    "beside": dict,
}


def _said(plain: bytes) -> Mapping[str, Any] | None:
    """Return a file's statement on its paper; None: it does not have our format."""
    try:
        said = json.loads(plain)
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            return None
        if any(not isinstance(said.get(name), kind) for name, kind in _SHAPE.items()):
            return None
        for one in said["figures"]:
            from_json(one)
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    return said


def _part_faults(parts: Mapping[str, bytes], known: Mapping[str, Any]) -> Iterator[FileFault]:
    for name, digest in known.items():
        if name not in parts:
            yield FileFault(name, _GONE)
        elif sha256(parts[name]) != digest:
            yield FileFault(name, _ALTERED)
    for name in parts:
        if name not in known and name not in {PAPER, SIGNATURE}:
            yield FileFault(name, _ADDED)


def _signed_by(
    plain: bytes, said: bytes, trusted: Collection[bytes]
) -> tuple[bytes | None, Text | None]:
    """Return the signer's key of a paper, and the fault of the signature."""
    try:
        read = json.loads(said)
        if read["public_key"] is None:
            return None, _UNSIGNED if trusted else None
        signature = Signature(bytes.fromhex(read["public_key"]), bytes.fromhex(read["signature"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None, _ALTERED
    if not has_signed(plain, signature):
        return signature.public_key, _NOT_SIGNED
    if trusted and signature.public_key not in trusted:
        return signature.public_key, _BY_ANOTHER
    return signature.public_key, None


_BROKEN = Text("不是完整的文件", "it is no whole file")
_TOO_LARGE = Text("超出文件的大小", "it is larger than any paper")
_ALTERED = Text("被改动", "it was altered")
_GONE = Text("原有而文件中没有", "it was there, and is not any more")
_ADDED = Text("原来没有", "it was added")
_TWICE = Text("出现两次", "it is there twice")
_OF_ANOTHER = Text(
    "内容与核验码不符", "what it says is not what the code printed in the paper is of"
)
_UNSIGNED = Text("没有签名", "it is not signed")
_NOT_SIGNED = Text("签名与内容不符", "the signature is not of what it says")
_BY_ANOTHER = Text("由另一密钥签名", "it is signed by another key")
