"""A dropped file as lines of JSON: a header, the events, and a trailer. Pure.

The events have the very bytes that a webhook would send. The trailer has the digest of each line,
and one over the header and these, which the next file repeats.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import to_json

from services.core.kit.file_faults import FileFault, item_faults, sha256
from services.core.kit.file_series import NumberedFile, series_faults
from services.core.kit.signatures import Signature, Signer, has_signed
from services.core.kit.text import Text

FORMAT = "wufei-drop/1"
PURPOSE = "file drops"
"""The purpose for which the signing key is derived from the sealing key."""

FOLDER = r"^[a-z0-9][a-z0-9-]{0,39}$"
"""The form of a folder's name."""

NAME = re.compile(r"events_(\d{8})\.ndjson$")
"""The form of a file's name: its number with eight digits."""

_FEWEST_LINES = 2
"""The first line, and the empty one after the last line feed."""

_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _First(BaseModel):
    """The first line."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["wufei-drop/1"]
    folder: str
    number: Annotated[int, Field(ge=1)]
    previous: _Digest
    after_position: int
    upto_position: int
    events: Annotated[int, Field(ge=1)]
    made_at: AwareDatetime


class _End(BaseModel):
    """What the last line says."""

    model_config = ConfigDict(extra="forbid")

    digest: _Digest
    public_key: _Digest | None
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")] | None
    events: list[_Digest]


class _Last(BaseModel):
    """The last line."""

    model_config = ConfigDict(extra="forbid")

    end: _End


@dataclass(frozen=True, slots=True)
class DropCover:
    """The header of a file: it has the events at the positions (`after`, `upto`] of the log.

    `after` is where the file before ended: positions in between without an event for it are covered
    too.
    """

    folder: str
    number: int
    previous: str
    after: int
    upto: int
    made_at: datetime


def drop_file(
    cover: DropCover, bodies: Sequence[bytes], signer: Signer | None
) -> tuple[str, bytes]:
    """Return the digest of a file of events, and its bytes."""
    first = json.dumps(
        {
            "format": FORMAT,
            "folder": cover.folder,
            "number": cover.number,
            "previous": cover.previous,
            "after_position": cover.after,
            "upto_position": cover.upto,
            "events": len(bodies),
            "made_at": cover.made_at.isoformat(),
        }
    ).encode()
    digests = [sha256(one) for one in bodies]
    digest = _digest(first, digests)
    signature = None if signer is None else signer.sign(digest.encode())
    end = {
        "digest": digest,
        "public_key": None if signature is None else signature.public_key.hex(),
        "signature": None if signature is None else signature.value.hex(),
        "events": digests,
    }
    lines = [first, *bodies, to_json({"end": end})]
    return digest, b"".join(line + b"\n" for line in lines)


def _digest(first: bytes, digests: Sequence[str]) -> str:
    return sha256(b"\n".join([first, *(one.encode() for one in digests)]))


def name_of(number: int) -> str:
    """Return the name of the file with a number."""
    return f"events_{number:08}.ndjson"


@dataclass(frozen=True, slots=True)
class ReadDrop:
    """A file that was read: its place in the series, its number of events, its faults.

    `numbered` None: its place cannot be determined. `public_key` signed it; None: it is unsigned.
    """

    numbered: NumberedFile | None
    events: int
    faults: Sequence[FileFault]
    public_key: bytes | None = None


_FIRST = Text("第一行无法读取", "the first line cannot be read")
_CUT = Text(
    "最后一行不在或无法读取：文件被截断或改动",
    "the last line is not there or cannot be read: the file was cut off or altered",
)
_SUM = Text(
    "第一行或最后一行被改动：摘要不符",
    "the first or the last line was altered: the digest is not theirs",
)
_COUNT = Text(
    "应有 {said} 个事件，实有 {found} 个", "it should hold {said} events, and has {found}"
)
_SIGNED = Text("签名不符", "the signature is not good")
_UNSIGNED = Text("没有签名", "it is not signed")
NOBODY = Text(
    "没有签名：任何人都可以做出这样一个文件",
    "Nobody signed it: anybody can make such a file",
)
"""The note on unsigned files when no key is required."""


def read_drop(content: bytes, trusted: Sequence[bytes] = ()) -> ReadDrop:
    """Return a file's content and faults; with `trusted` keys, one of them must have signed it."""
    lines = content.split(b"\n")
    try:
        first = _First.model_validate_json(lines[0])
    except ValidationError:
        return ReadDrop(None, 0, [FileFault("1", _FIRST)])
    numbered = NumberedFile((first.folder,), first.number, sha256(content), first.previous)
    try:
        end = _Last.model_validate_json(lines[-2] if len(lines) > _FEWEST_LINES else b"").end
    except ValidationError:
        return ReadDrop(numbered, first.events, [FileFault(str(len(lines)), _CUT)])
    faults = list(_faults(lines, first, end, trusted))
    numbered = NumberedFile((first.folder,), first.number, end.digest, first.previous)
    unsigned = end.public_key is None or end.signature is None
    key = None if end.public_key is None or unsigned else bytes.fromhex(end.public_key)
    return ReadDrop(numbered, first.events, faults, key)


def _faults(
    lines: Sequence[bytes], first: _First, end: _End, trusted: Sequence[bytes]
) -> Iterator[FileFault]:
    bodies = lines[1:-2]
    # Lines of the file are counted, of which the first is no event.
    yield from item_faults(bodies, end.events, part="event")
    if end.digest != _digest(lines[0], end.events):
        yield FileFault("1", _SUM)
    if not len(bodies) == len(end.events) == first.events:
        yield FileFault("1", _COUNT.format(said=first.events, found=len(bodies)))
    if lines[-1] or to_json({"end": end.model_dump()}) != lines[-2]:
        yield FileFault(str(len(lines)), _CUT)
    if end.public_key is None or end.signature is None:
        if trusted:
            yield FileFault(str(len(lines)), _UNSIGNED)
        return
    key = bytes.fromhex(end.public_key)
    signature = Signature(key, bytes.fromhex(end.signature))
    if (trusted and key not in trusted) or not has_signed(end.digest.encode(), signature):
        yield FileFault(str(len(lines)), _SIGNED)


def drop_faults(files: Mapping[str, NumberedFile]) -> Iterator[FileFault]:
    """Yield the faults between the files of a folder, by their names."""
    return series_faults(files, NAME)


def unsigned_beside(files: Mapping[str, ReadDrop]) -> Iterator[FileFault]:
    """Yield the unsigned files, by name, of a folder that has signed ones.

    A signing installation signs each file, so somebody else made one without a signature.
    """
    if any(one.public_key is not None for one in files.values()):
        for name, one in files.items():
            if one.public_key is None:
                yield FileFault(name, _UNSIGNED)
