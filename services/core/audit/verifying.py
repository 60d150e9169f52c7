"""Verifies a chain link by link: finds what was altered, removed, added or swapped. Pure.

It takes links in order, each with the bytes of its row, from the database or from an export. It
reports the first link that is not as it was written, and what is wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from services.core.audit.canonical import NO_LINK, ChainHead, Checkpoint, Link, link_digest
from services.core.kit.signatures import has_signed
from services.core.kit.sm3 import sm3
from services.core.kit.text import Text

BreachKind = Literal["altered", "removed", "added", "swapped", "cut", "link", "head", "unsigned"]

_SAID: Mapping[BreachKind, Text] = {
    "altered": Text("内容被改动", "the row was altered"),
    "removed": Text("记录被删除", "the row was removed"),
    "added": Text("记录是后来添加的，不在链中", "the row was added: it is not in the chain"),
    "swapped": Text("与 {other} 被调换", "the row was swapped with {other}"),
    "cut": Text("链尾被截断", "the chain was cut at its head"),
    "link": Text("链值与前文不符", "the link does not follow from those before it"),
    "head": Text("与链不符，或签名无效", "it is not of this chain, or its signature is not good"),
    "unsigned": Text(
        "最后的链头没有由所信任的公钥签名：此前最后一个签名之后，能写数据库的人可以全部重做；"
        "刚设密钥的，或有 worker 没有密钥的，次日再核验",
        "the last head is not signed by a key that is trusted: whoever can write to the database"
        " may have made anew all that came after the last signature; where the key was set just"
        " now, or a worker has none, verify again tomorrow",
    ),
}

_STRANGER = Text(
    "由公钥 {key} 签名，此处不信任该公钥，签名无效；若是更换前的密钥，请用 --public-key 写明",
    "it is signed by {key}, which is not trusted here, so that its signature is not good; where"
    " that is a key that was replaced, name it with --public-key",
)

IN_TABLE = Text("表中的链头", "the head in the table")
NOTED = Text("另记的链头", "a head that was noted elsewhere")
IN_FILE = Text("文件末行的链头", "the head in the last line of the file")


def _source(head: Checkpoint) -> Text:
    return Text(f"{head.day} 的链头", f"the head of {head.day}")


@dataclass(frozen=True, slots=True)
class Breach:
    """The first fault of a chain, with its link and its row, if known."""

    kind: BreachKind
    number: int | None
    row_id: UUID | None
    said: Text


def breach(kind: BreachKind, number: int | None, row_id: UUID | None, **told: object) -> Breach:
    """Return a breach, in words."""
    return Breach(kind, number, row_id, _SAID[kind].format(**told))


def cut_off(chain: "Chain", source: Text, number: int | None = None) -> Breach:
    """Return the breach that links are missing at the end of a chain, and its evidence."""
    said = _SAID["cut"]
    told = Text(f"{said.zh}：缺{source.zh}", f"{said.en}: it lacks {source.en}")
    if number is not None:
        told = Text(
            f"{said.zh}：{source.zh}为第 {number} 条", f"{said.en}: {source.en} is number {number}"
        )
    return Breach("cut", chain.number + 1, None, told)


def bad_head(number: int | None, source: Text) -> Breach:
    """Return the breach that a head does not match the chain."""
    said = _SAID["head"]
    return Breach("head", number, None, Text(f"{source.zh}{said.zh}", f"{source.en}: {said.en}"))


def _stranger(head: Checkpoint, key: bytes) -> Breach:
    """Return the breach of a head signed by an untrusted key, and not covered by another head."""
    said = _STRANGER.format(key=key.hex())
    source = _source(head)
    told = Text(f"{source.zh}{said.zh}", f"{source.en}: {said.en}")
    return Breach("head", head.number, None, told)


@dataclass(slots=True)
class Chain:
    """A chain as far as it is whole: its last link, and the last position of the log in it.

    `heads` are those stored, by number; `noted` those recorded elsewhere. `trusted` are the public
    keys that may have signed them; None: any, for a person who compares keys. A trusted key must
    have signed the last head, because a chain can be made anew, but not its signatures. That
    signature covers earlier heads, which may be unsigned or signed by a replaced key. Rows of
    entries before `kept_from` may be gone.

    `strangers` are the heads so far with a valid signature of an untrusted key; a later trusted
    head covers the first `covered` of them.
    """

    city_code: str
    number: int = 0
    digest: bytes = NO_LINK
    position: int | None = 0
    heads: Mapping[int, Sequence[Checkpoint]] = field(default_factory=dict)
    noted: Sequence[ChainHead] = ()
    trusted: frozenset[bytes] | None = None
    kept_from: UUID | None = None
    dropped: int = 0
    signed: int = 0
    last_signed: Checkpoint | None = None
    strangers: Sequence[Checkpoint] = ()
    covered: int = 0

    def take(self, link: Link, row: bytes | None) -> Breach | None:
        """Advance to a link and its row; return their breach, if any."""
        if link.number != self.number + 1:
            return breach("removed", self.number + 1, None)
        if link_digest(self.city_code, self.digest, link) != link.digest:
            return breach("link", link.number, link.row_id)
        if link.kind == "event":
            if self.position is not None and link.position != self.position + 1:
                return breach("link", link.number, link.row_id)
            self.position = link.position
        if row is None:
            if not self._may_be_gone(link):
                return breach("removed", link.number, link.row_id)
            self.dropped += 1
        elif sm3(row) != link.row_digest:
            return breach("altered", link.number, link.row_id)
        self.number, self.digest = link.number, link.digest
        return self.compare(self.heads.get(link.number, ()))

    def _may_be_gone(self, link: Link) -> bool:
        return link.kind == "entry" and self.kept_from is not None and link.row_id < self.kept_from

    def compare(self, heads: Sequence[Checkpoint]) -> Breach | None:
        """Return the first of some heads that differs from the last link or is badly signed."""
        for head in heads:
            if head.digest != self.digest or not self._good(head):
                return bad_head(head.number, _source(head))
        if any(one.digest != self.digest for one in self.noted if one.number == self.number):
            return bad_head(self.number, NOTED)
        return None

    def _good(self, head: Checkpoint) -> bool:
        if head.signature is None:
            return True  # see `end`
        if not has_signed(head.plain(), head.signature):
            return False
        if self.trusted is not None and head.signature.public_key not in self.trusted:
            self.strangers = (*self.strangers, head)
            return True  # see `end`
        self.signed, self.last_signed = self.signed + 1, head
        self.covered = len(self.strangers)
        return True

    def end(self) -> Breach | None:
        """Return the breach at the chain's end: heads of later links, or no signed head."""
        beyond = [number for number in self.heads if number > self.number]
        if beyond:
            head = self.heads[max(beyond)][-1]
            return cut_off(self, _source(head), head.number)
        noted = max((one.number for one in self.noted), default=0)
        if noted > self.number:
            return cut_off(self, NOTED, noted)
        for head in self.strangers[self.covered :]:
            if head.signature is not None:
                return _stranger(head, head.signature.public_key)
        if self.trusted is None or not self.heads:
            return None
        last = max(self.heads)
        signed = any(one.signature is not None for one in self.heads[last])
        return None if signed else breach("unsigned", last, None)


def by_number(heads: Sequence[Checkpoint]) -> dict[int, list[Checkpoint]]:
    """Return heads by the number of their link."""
    found: dict[int, list[Checkpoint]] = {}
    for head in heads:
        found.setdefault(head.number, []).append(head)
    return found


def signed_bound(heads: Sequence[Checkpoint], trusted: frozenset[bytes] | None) -> UUID | None:
    """Return the id before which entries may be gone, by the latest signed head."""
    for head in reversed(heads):
        if head.signature is not None and (trusted is None or head.signature.public_key in trusted):
            return head.kept_from if has_signed(head.plain(), head.signature) else None
    return None


def swapped(
    chain: Chain, at: int, links: Sequence[Link], row_of: Callable[[int], bytes | None]
) -> Breach | None:
    """Return the link of a stretch that the one at index `at` was swapped with, if any.

    Either the links have each other's numbers, or their rows each other's ids.
    """
    mine, row = links[at], row_of(at)
    for other in links:
        if other.number == mine.number:
            continue
        moved = Link(
            mine.number, other.kind, other.row_id, other.position, other.row_digest, other.digest
        )
        digests = {link_digest(chain.city_code, chain.digest, moved)}
        if other.digest in digests:
            return breach("swapped", mine.number, other.row_id, other=_named(other))
        if row is not None and _under(row, mine.row_id, other) == other.row_digest:
            return breach("swapped", mine.number, mine.row_id, other=_named(other))
    return None


def _under(row: bytes, own: UUID, other: Link) -> bytes:
    """Return the digest that a row has under another's id."""
    return sm3(row.replace(f'"id": "{own}"'.encode(), f'"id": "{other.row_id}"'.encode(), 1))


def _named(link: Link) -> str:
    return f"{link.number} ({link.row_id})"
