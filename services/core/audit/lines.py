"""The audit as a JSON Lines file, which can be verified without the database. Pure.

The first line names the city and where the file begins. The next lines are the stored heads, one a
day; then comes one line for each link with its row, and finally the signed head that it ends with.
A row has the very bytes that are hashed, so any altered byte of a line is noticed.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.core.audit.canonical import NO_LINK, ChainHead, Checkpoint, Link, instant
from services.core.audit.verifying import (
    IN_FILE,
    Breach,
    Chain,
    bad_head,
    breach,
    by_number,
    cut_off,
    signed_bound,
)
from services.core.kit.signatures import Signature
from services.core.kit.text import Text

FORMAT = "wufei-audit-1"

_ID = rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_ROW = re.compile(
    rb'\{"number": (\d{1,18}), "kind": "(event|entry)", "id": "' + _ID + rb'",'
    rb' "position": (\d{1,18}|null), "row_digest": "([0-9a-f]{64})",'
    rb' "digest": "([0-9a-f]{64})", "row": (null|\{.*\})\}\n'
)
_HEADS = Text("文件开头的链头", "a head at the beginning of the file")
_OWN_ID = re.compile(rb'\{"id": "' + _ID + rb'"')


class NotAnExport(ValueError):
    """The file is no export of an audit, or its first line is invalid."""


def first_line(city_code: str, *, after: int, digest: bytes, position: int) -> bytes:
    """Return the first line of a file that begins after a link."""
    said = {
        "format": FORMAT,
        "city_code": city_code,
        "after": after,
        "digest": digest.hex(),
        "position": position,
    }
    return json.dumps(said).encode() + b"\n"


def row_line(link: Link, row: bytes | None) -> bytes:
    """Return the line of a link; `row` None: it was dropped, as a signed head allows."""
    place = "null" if link.position is None else link.position
    said = (
        f'{{"number": {link.number}, "kind": "{link.kind}", "id": "{link.row_id}",'
        f' "position": {place}, "row_digest": "{link.row_digest.hex()}",'
        f' "digest": "{link.digest.hex()}", "row": '
    )
    return said.encode() + (b"null" if row is None else row) + b"}\n"


def head_line(head: Checkpoint, *, ends: bool = False) -> bytes:
    """Return the line of a head; `ends`: the file ends with it."""
    signature = head.signature
    said = {
        "day": head.day.isoformat(),
        "number": head.number,
        "digest": head.digest.hex(),
        "kept_from": None if head.kept_from is None else str(head.kept_from),
        "made_at": instant(head.made_at),
        "public_key": None if signature is None else signature.public_key.hex(),
        "signature": None if signature is None else signature.value.hex(),
    }
    return json.dumps({"end" if ends else "head": said}).encode() + b"\n"


def _read_head(city_code: str, said: Mapping[str, Any]) -> Checkpoint:
    signature = None
    if said["signature"] is not None:
        signature = Signature(bytes.fromhex(said["public_key"]), bytes.fromhex(said["signature"]))
    return Checkpoint(
        city_code,
        date.fromisoformat(said["day"]),
        int(said["number"]),
        bytes.fromhex(said["digest"]),
        None if said["kept_from"] is None else UUID(said["kept_from"]),
        datetime.fromisoformat(said["made_at"]).astimezone(UTC),
        signature,
    )


def verify_lines(
    lines: Iterable[bytes],
    *,
    trusted: frozenset[bytes] | None = None,
    noted: Sequence[ChainHead] = (),
) -> tuple[Chain, Breach | None]:
    """Verify a file; return its chain as far as it is whole, and the first breach, or None.

    `trusted` are the public keys that may have signed its heads, None: any; `noted` are heads
    recorded elsewhere.

    Raises:
        NotAnExport: it is no file of ours.
    """
    rest = iter(lines)
    chain = _begun(next(rest, b""), trusted)
    chain.noted = noted
    heads: list[Checkpoint] = []
    line = next(rest, b"")
    while line.startswith(b'{"head": '):
        head = _head_of(chain.city_code, line, "head")
        if head is None:
            return chain, bad_head(None, _HEADS)
        heads.append(head)
        line = next(rest, b"")
    chain.heads = by_number(heads)
    chain.kept_from = signed_bound(heads, trusted)
    while line and not line.startswith(b'{"end": '):
        found = _take(chain, line, rest)
        if found is not None:
            return chain, found
        line = next(rest, b"")
    return chain, _ended(chain, line, rest)


def _begun(line: bytes, trusted: frozenset[bytes] | None) -> Chain:
    try:
        said = json.loads(line)
        if said["format"] != FORMAT:
            raise NotAnExport
        chain = Chain(
            said["city_code"],
            number=int(said["after"]),
            digest=bytes.fromhex(said["digest"]),
            position=int(said["position"]),
            trusted=trusted,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NotAnExport from error
    whole = first_line(
        chain.city_code, after=chain.number, digest=chain.digest, position=chain.position or 0
    )
    if whole != line or (chain.number == 0 and (chain.digest, chain.position) != (NO_LINK, 0)):
        raise NotAnExport
    return chain


def _head_of(city_code: str, line: bytes, name: str) -> Checkpoint | None:
    """Return the head of a line; None: the line was altered."""
    try:
        head = _read_head(city_code, json.loads(line)[name])
    except (ValueError, KeyError, TypeError):
        return None
    return head if head_line(head, ends=name == "end") == line else None


def _take(chain: Chain, line: bytes, rest: Iterator[bytes]) -> Breach | None:
    read = _ROW.fullmatch(line)
    if read is None:
        return breach("altered", chain.number + 1, _id_in(line))
    number, kind, row_id, position, row_digest, digest, row = read.groups()
    link = Link(
        int(number),
        "event" if kind == b"event" else "entry",
        UUID(row_id.decode()),
        None if position == b"null" else int(position),
        bytes.fromhex(row_digest.decode()),
        bytes.fromhex(digest.decode()),
    )
    if link.number != chain.number + 1:
        return _out_of_turn(chain, link, rest)
    content = None if row == b"null" else row
    found = chain.take(link, content)
    if found is not None and found.kind == "altered" and content is not None:
        own = _OWN_ID.match(content)
        if own is not None and own[1] != row_id:
            return breach("swapped", link.number, link.row_id, other=own[1].decode())
    if found is None and row_line(link, content) != line:
        return breach("altered", link.number, link.row_id)
    return found


def _id_in(line: bytes) -> UUID | None:
    found = re.search(rb'"id": "' + _ID + rb'"', line)
    return None if found is None else UUID(found[1].decode())


def _out_of_turn(chain: Chain, link: Link, rest: Iterator[bytes]) -> Breach:
    """Return the breach that a line with an unexpected number means."""
    expected = chain.number + 1
    if link.number < expected:
        return breach("added", link.number, link.row_id)
    for line in rest:
        read = _ROW.fullmatch(line)
        if read is not None and int(read[1]) == expected:
            return breach("swapped", expected, UUID(read[3].decode()), other=link.number)
    return breach("removed", expected, None)


def _ended(chain: Chain, line: bytes, rest: Iterator[bytes]) -> Breach | None:
    """Return the breach at the end: a file cut off, or a last head that differs from the rows."""
    last = _head_of(chain.city_code, line, "end") if line else None
    if last is None:
        return cut_off(chain, IN_FILE)
    if next(rest, None) is not None:
        return breach("added", None, None)
    chain.heads = {**chain.heads, last.number: [last]}
    found = chain.compare([last]) if last.number == chain.number else None
    found = found or chain.end()
    if found is None and last.number != chain.number:
        return bad_head(last.number, IN_FILE)
    return found
