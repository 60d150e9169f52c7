"""A fast check of whether a stretch of a chain is whole; it finds no cause.

The server makes the bytes to hash; here they are hashed and compared in one loop over bare values.
If a stretch is not whole, `audit.verifying` finds the cause, making every byte anew. A stretch
begins with the digest that the one before it ends with, so several can be checked in parallel.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.core.audit.canonical import LinkKind
from services.core.audit.statements import EVENTS_AT, LINK_TEXTS, TEXTS_OF
from services.core.kit.sm3 import sm3

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class ChainStretch:
    """The links after one number up to another, and the digest of the link before the first.

    Entries before `kept_from` may be gone.
    """

    city_code: str
    after: int
    upto: int
    digest: bytes
    position: int
    kept_from: UUID | None


@dataclass(frozen=True, slots=True)
class Walked:
    """The end of a stretch that is whole, and how many of its entries were dropped."""

    digest: bytes
    position: int
    dropped: int


Walk = Callable[[Sequence[ChainStretch]], Awaitable[Sequence[Walked | None]]]
"""Checks stretches, and returns the end of each; None: it is not whole."""


async def walk(connection: asyncpg.Connection, stretch: ChainStretch) -> Walked | None:
    """Check a stretch in the snapshot of a connection; return None if it is not whole."""
    going = _Going(stretch)
    for after in range(stretch.after, stretch.upto, _AT_ONCE):
        upto = min(after + _AT_ONCE, stretch.upto)
        if not going.takes(await _read(connection, stretch.city_code, after, upto)):
            return None
    if going.number != stretch.upto:
        return None
    return Walked(going.digest, going.position, going.dropped)


class _Read(NamedTuple):
    """Links in order, their rows in hashed form, and the events at their positions."""

    links: Sequence[Any]
    rows: Mapping[UUID, bytes]
    in_log: Sequence[UUID]


async def _read(connection: asyncpg.Connection, city_code: str, after: int, upto: int) -> _Read:
    asked = {"city": city_code, "after": after, "upto": upto}
    links = await connection.fetch(*LINK_TEXTS.bind(asked))
    events = [link for link in links if link[1] is not None]
    entries = [link for link in links if link[1] is None]
    rows = await _texts(connection, city_code, "event", events)
    rows |= await _texts(connection, city_code, "entry", entries)
    in_log: list[UUID] = []
    if events:
        span = {"city": city_code, "first": events[0][1], "last": events[-1][1]}
        in_log = [row[0] for row in await connection.fetch(*EVENTS_AT.bind(span))]
    return _Read(links, rows, in_log)


async def _texts(
    connection: asyncpg.Connection, city_code: str, kind: LinkKind, links: Sequence[Any]
) -> dict[UUID, bytes]:
    if not links:
        return {}
    ids = [link[2] for link in links]
    asked = {"city": city_code, "first": min(ids), "last": max(ids), "ids": ids}
    return dict(await connection.fetch(*TEXTS_OF[kind].bind(asked)))


class _Going:
    """The progress in a stretch: number, digest and position of the last link."""

    def __init__(self, stretch: ChainStretch) -> None:
        self.digest = stretch.digest
        self.position = stretch.position
        self.dropped = 0
        self.number = stretch.after
        self._kept_from = stretch.kept_from

    def takes(self, read: _Read) -> bool:
        """Advance over links; return whether each follows from the last, and matches its row."""
        digest, at, before = self.digest, self.position, self.number
        rows, events = read.rows, []
        for number, position, row_id, row_digest, stated, said in read.links:
            if number != before + 1 or sm3(digest.hex().encode() + said) != stated:
                return False
            if position is not None:
                if position != at + 1:
                    return False
                at = position
                events.append(row_id)
            row = rows.get(row_id)
            if row is None:
                if not self._may_be_gone(row_id, position):
                    return False
            elif sm3(row) != row_digest:
                return False
            digest, before = stated, number
        self.digest, self.position, self.number = digest, at, before
        return events == read.in_log

    def _may_be_gone(self, row_id: UUID, position: int | None) -> bool:
        gone = position is None and self._kept_from is not None and row_id < self._kept_from
        self.dropped += gone
        return gone
