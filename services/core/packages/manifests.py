"""The manifest of a carried file, and opening a file: every part is checked against it. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import to_json

from services.core.kit.file_faults import FileFault, item_faults, sha256
from services.core.kit.sm3 import sm3
from services.core.kit.text import Text
from services.core.packages.container import (
    DIGESTS,
    ITEMS,
    MANIFEST,
    PARTS,
    README,
    SIGNATURES,
    NotCarried,
    items_in,
    lines_of,
    packed,
    unpacked,
)
from services.core.packages.signing import signatures_of
from services.core.webhooks.signing import SigningKey

PACKAGE: Literal["wufei-package/1"] = "wufei-package/1"
RECEIPT: Literal["wufei-receipt/1"] = "wufei-receipt/1"

INSTALLATION = r"^[a-z0-9][a-z0-9-]{0,39}$"
"""The form of an installation's code, which is part of file names."""

_LISTED = (README, DIGESTS, ITEMS)
"""The parts whose digests are in the manifest."""

InstallationCode = Annotated[str, StringConstraints(pattern=INSTALLATION)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Position = Annotated[int, Field(ge=0)]


class ListedPart(BaseModel):
    """A part of the file with its length and its digests."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    size: int
    sha256: Digest
    sm3: Digest

    @classmethod
    def of(cls, name: str, part: bytes) -> Self:
        """Return what is said of a part."""
        return cls(name=name, size=len(part), sha256=sha256(part), sm3=sm3(part).hex())


class Manifest(BaseModel):
    """What a file says of itself.

    A package carries what happened at the positions (`after_position`, `upto_position`] of its
    sender's log; `previous` is the digest of the package before it. A receipt has the number of the
    package that it `answers`, by that one's digest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["wufei-package/1", "wufei-receipt/1"]
    id: UUID
    sender: InstallationCode
    receiver: InstallationCode
    plan: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    number: Annotated[int, Field(ge=1, le=999_999)]
    previous: Digest | None = None
    after_position: _Position | None = None
    upto_position: _Position | None = None
    answers: Digest | None = None
    made_at: AwareDatetime
    items: Annotated[int, Field(ge=1)]
    public_key: str
    files: tuple[ListedPart, ...]

    @property
    def is_receipt(self) -> bool:
        """Whether it answers a package."""
        return self.format == RECEIPT

    @property
    def file_name(self) -> str:
        """The file's name."""
        kind = "wufei-receipt" if self.is_receipt else "wufei"
        between = f"{self.sender}_{self.receiver}"
        return f"{kind}_{between}_{self.number:06}_{self.made_at:%Y%m%d%H%M%S}.zip"


@dataclass(frozen=True, slots=True)
class CarriedFile:
    """A file whose parts match its manifest; its signatures are checked elsewhere."""

    manifest: Manifest
    said: bytes
    signatures: str
    lines: Sequence[bytes]
    content: bytes

    @property
    def digest(self) -> str:
        """The digest of its manifest, which includes those of all other parts."""
        return sha256(self.said)


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A new file: its manifest with its digest, and its bytes."""

    manifest: Manifest
    digest: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Cover:
    """The members of a manifest that are not derived from its parts."""

    format: Literal["wufei-package/1", "wufei-receipt/1"]
    id: UUID
    sender: str
    receiver: str
    plan: str
    number: int
    made_at: datetime
    previous: str | None = None
    after_position: int | None = None
    upto_position: int | None = None
    answers: str | None = None


def is_installation(said: str) -> bool:
    """Return whether a text is a valid code of an installation."""
    return re.fullmatch(INSTALLATION, said) is not None


def made_file(cover: Cover, items: Sequence[bytes], keys: Sequence[SigningKey]) -> MadeFile:
    """Return the file of some items, signed with each key; one of these has a public key."""
    public_key = next(key.public_text for key in keys if key.public_text is not None)
    lines, digests = lines_of(items)
    parts = {README: _readme(cover, len(items)), DIGESTS: digests, ITEMS: lines}
    listed = tuple(ListedPart.of(name, parts[name]) for name in _LISTED)
    manifest = Manifest(
        **{name: getattr(cover, name) for name in Cover.__slots__},
        items=len(items),
        public_key=public_key,
        files=listed,
    )
    said = to_json(manifest.model_dump(exclude_none=True), indent=1)
    signatures = signatures_of(said, cover.id, cover.made_at, keys)
    content = packed({**parts, MANIFEST: said, SIGNATURES: signatures.encode()})
    return MadeFile(manifest, sha256(said), content)


def _readme(cover: Cover, items: int) -> bytes:
    kind = "数据包" if cover.format == PACKAGE else "回执"
    return (
        f"无废（Wufei）{kind}\n"
        f"计划：{cover.plan}\n发出：{cover.sender}\n接收：{cover.receiver}\n"
        f"编号：{cover.number}\n条数：{items}\n"
        "核验：wufei verify 本文件\n"
        "请勿改名、解压重打或编辑；任何改动都会被发现并拒收。\n"
    ).encode()


_UNREADABLE = Text("清单无法读取：{said}", "the manifest cannot be read: {said}")
_NO_KIND = Text("清单缺少本类文件应有的项", "the manifest lacks what this kind of file says")
_PART = Text("{name} 与清单中的摘要不符", "{name} is not what the manifest says")
_COUNT = Text(
    "清单写 {said} 条，文件中有 {found} 条", "the manifest says {said} items, here are {found}"
)
_FORM = Text(
    "内容完好，但 ZIP 文件本身被改动过",
    "its parts are whole, and the ZIP around them was altered",
)


def opened(content: bytes) -> CarriedFile:
    """Open a file and check that all its parts match its manifest.

    Raises:
        NotCarried: it is none of ours, or was altered; the first fault names the first part.
    """
    whole = unpacked(content)
    said = whole.parts[MANIFEST]
    try:
        manifest = Manifest.model_validate_json(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        told = f"{'.'.join(str(one) for one in first['loc'])} {first['msg']}".strip()
        raise NotCarried(FileFault(MANIFEST, _UNREADABLE.format(said=told))) from None
    lines = items_in(whole.parts[ITEMS])
    faults = list(_faults(manifest, whole.parts, lines))
    if not faults and not whole.in_form:
        faults.append(FileFault("ZIP", _FORM))
    if faults:
        raise NotCarried(*faults)
    signatures = whole.parts[SIGNATURES].decode("ascii", "replace")
    return CarriedFile(manifest, said, signatures, lines, content)


def _faults(
    manifest: Manifest, parts: Mapping[str, bytes], lines: Sequence[bytes]
) -> Iterator[FileFault]:
    """Yield every part that differs from the manifest; for the items, each that differs."""
    needed = (manifest.answers,) if manifest.is_receipt else (manifest.previous,)
    others = (manifest.previous,) if manifest.is_receipt else (manifest.answers,)
    places = (manifest.after_position, manifest.upto_position)
    whole = all(one is None for one in places) == manifest.is_receipt
    if None in needed or others != (None,) or not whole:
        yield FileFault(MANIFEST, _NO_KIND)
    if tuple(one.name for one in manifest.files) != _LISTED:
        yield FileFault(MANIFEST, _NO_KIND)
        return
    wrong = [one for one in manifest.files if one != ListedPart.of(one.name, parts[one.name])]
    names = {one.name for one in wrong}
    if ITEMS in names and DIGESTS not in names:
        named = list(item_faults(lines, _digests(parts), part=ITEMS))
        yield from named
        if named:
            names.discard(ITEMS)
    for name in (one for one in PARTS if one in names):
        yield FileFault(name, _PART.format(name=name))
    if not wrong and len(lines) != manifest.items:
        yield FileFault(ITEMS, _COUNT.format(said=manifest.items, found=len(lines)))


def _digests(parts: Mapping[str, bytes]) -> list[str]:
    return parts[DIGESTS].decode("ascii", "replace").split()
