"""Reads a city's chain with its rows, to verify them or to write them into a file."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit import queries
from services.core.audit.canonical import NO_LINK, ChainHead, Checkpoint
from services.core.audit.errors import LinkNotThere
from services.core.audit.lines import first_line, head_line, row_line
from services.core.audit.linking import READER, day_of, signed
from services.core.audit.queries import LinkedRow
from services.core.audit.verifying import (
    IN_TABLE,
    Breach,
    Chain,
    breach,
    by_number,
    cut_off,
    signed_bound,
    swapped,
)
from services.core.audit.walking import ChainStretch, Walk, Walked, walk
from services.core.events.queries import reader_position
from services.core.kit.database import driver_connection
from services.core.kit.signatures import Signer

_AT_ONCE = 5000
_HEADS_AT_ONCE = 1000
_LINES_AT_ONCE = 1000
_SIGNED_WITHIN = timedelta(days=2)
"""The longest time without a signed head, since one is signed every day."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The result: the chain as far as it is whole, and the first breach; None: there is none.

    `waiting` is the number of rows without a link, which nothing covers yet.
    """

    chain: Chain
    breach: Breach | None = None
    waiting: int = 0


async def all_heads(session: AsyncSession, city_code: str) -> list[Checkpoint]:
    """Return every stored head of a city, one a day, in order."""
    found: list[Checkpoint] = []
    while True:
        after = found[-1].day if found else None
        more = await queries.checkpoints(session, city_code, after=after, limit=_HEADS_AT_ONCE)
        found += more
        if len(more) < _HEADS_AT_ONCE:
            return found


async def whole_chain(
    session: AsyncSession, city_code: str, *, after: int = 0, upto: int | None = None
) -> AsyncIterator[list[LinkedRow]]:
    """Yield the links of a chain with their rows, in batches, up to the number `upto`."""
    while True:
        found = await queries.linked_rows(session, city_code, after=after, most=_AT_ONCE)
        within = [one for one in found if upto is None or one.link.number <= upto]
        if within:
            yield within
        if len(within) < _AT_ONCE:
            return
        after = within[-1].link.number


async def verify(
    session: AsyncSession,
    city_code: str,
    *,
    trusted: frozenset[bytes] | None = None,
    noted: Sequence[ChainHead] = (),
    tell: Callable[[int], None] = lambda _number: None,
    apart: tuple[Walk, int] | None = None,
) -> Proof:
    """Verify the chain of a city in one snapshot of the database.

    `trusted` are the public keys that may have signed its heads, None: any. `noted` are heads
    recorded elsewhere. `tell` is called with the number reached. `apart` verifies so many stretches
    in parallel, in the same snapshot; None: the session does it alone.
    """
    heads = await all_heads(session, city_code)
    chain = Chain(
        city_code,
        heads=by_number(heads),
        noted=noted,
        trusted=trusted,
        kept_from=signed_bound(heads, trusted),
    )
    whole = await _quickly(session, chain, *(apart or (_alone(session), 1)))
    tell(chain.number)
    found = await _heads_before(session, chain)
    if found is not None:
        return Proof(chain, found)
    if not whole:
        async for rows in whole_chain(session, city_code, after=chain.number):
            found = _along(chain, rows)
            found = await _misplaced(session, city_code, rows, found) or found
            tell(chain.number)
            if found is not None:
                return Proof(chain, found)
    waiting = await queries.waiting(session, city_code, position=chain.position or 0)
    return Proof(chain, await _end(session, chain), waiting)


def _alone(session: AsyncSession) -> Walk:
    async def walk_all(some: Sequence[ChainStretch]) -> list[Walked | None]:
        connection = await driver_connection(session)
        return [await walk(connection, one) for one in some]

    return walk_all


async def stretches(
    session: AsyncSession, city_code: str, *, kept_from: UUID | None, parts: int
) -> list[ChainStretch]:
    """Return a chain cut into so many stretches of about equal length; empty if it has no links."""
    last = await queries.last_number(session, city_code)
    bounds = sorted({last * part // parts for part in range(parts + 1)})
    digests = await queries.digests_at(session, city_code, bounds)
    found = []
    for after, upto in pairwise(bounds):
        digest = digests.get(after, NO_LINK)
        position = await queries.last_position_linked(session, city_code, upto=after)
        found.append(ChainStretch(city_code, after, upto, digest, position, kept_from))
    return found


async def _quickly(session: AsyncSession, chain: Chain, go: Walk, parts: int) -> bool:
    """Advance a chain as far as the fast check finds it whole; return whether that is all of it."""
    some = await stretches(session, chain.city_code, kept_from=chain.kept_from, parts=parts)
    for one, walked in zip(some, await go(some), strict=True):
        if walked is None or one.digest != chain.digest or one.position != chain.position:
            return False
        chain.number, chain.digest, chain.position = one.upto, walked.digest, walked.position
        chain.dropped += walked.dropped
    return True


async def _heads_before(session: AsyncSession, chain: Chain) -> Breach | None:
    """Return the breach of the first head so far that does not match the chain or its signature."""
    known = {*chain.heads, *(one.number for one in chain.noted)}
    numbers = sorted(number for number in known if 0 < number <= chain.number)
    digests = await queries.digests_at(session, chain.city_code, numbers)
    for number in numbers:
        before = replace(chain, number=number, digest=digests[number])
        found = before.compare(chain.heads.get(number, ()))
        if found is not None:
            chain.number, chain.digest = number, digests[number]
            return found
        chain.signed, chain.last_signed = before.signed, before.last_signed
        chain.strangers, chain.covered = before.strangers, before.covered
    return None


def _along(chain: Chain, rows: Sequence[LinkedRow]) -> Breach | None:
    """Advance a chain over some links; return the breach of the first bad one."""
    for at, one in enumerate(rows):
        found = chain.take(one.link, one.row)
        if found is not None:
            if found.kind in {"altered", "link"}:
                links = [each.link for each in rows]
                before = replace(chain, number=one.link.number - 1)
                found = swapped(before, at, links, lambda index: rows[index].row) or found
            return found
    return None


async def _misplaced(
    session: AsyncSession, city_code: str, rows: Sequence[LinkedRow], found: Breach | None
) -> Breach | None:
    """Return the first event whose position in the log is not its own, if it is before `found`."""
    before = None if found is None else found.number
    for link in (one.link for one in rows if not one.in_place):
        if before is not None and link.number >= before:
            return None
        other = await queries.event_at(session, city_code, link.position)
        if other is None:
            return breach("removed", link.number, link.row_id)
        return breach("swapped", link.number, link.row_id, other=other)
    return None


async def _end(session: AsyncSession, chain: Chain) -> Breach | None:
    """Return a breach beyond the last link: missing links, or rows without a link."""
    found = chain.end()
    if found is None and chain.trusted is not None and await _lacks_heads(session, chain):
        found = breach("unsigned", None, None)
    if found is not None:
        return found
    head = await queries.chain_head(session, chain.city_code)
    read = await reader_position(session, chain.city_code, READER)
    reached = ChainHead(0, chain.digest) if head is None else head
    if (reached.number, reached.digest) != (chain.number, chain.digest) or read != chain.position:
        return cut_off(chain, IN_TABLE, reached.number)
    stray = await queries.stray(session, chain.city_code)
    return None if stray is None else breach("added", None, stray[1])


async def _lacks_heads(session: AsyncSession, chain: Chain) -> bool:
    """Return whether a chain has grown without a signed head for longer than is possible."""
    signed = chain.last_signed
    if not chain.number or (signed is not None and signed.number == chain.number):
        return False
    begun = await _told_at(session, chain, 1) if signed is None else signed.made_at
    ended = await _told_at(session, chain, chain.number)
    # Rows are dropped only if a signed head covers them.
    return begun is None or ended is None or ended - begun > _SIGNED_WITHIN


async def _told_at(session: AsyncSession, chain: Chain, number: int) -> datetime | None:
    """Return the instant in the row of a link; None: the row is gone."""
    (one,) = await queries.linked_rows(session, chain.city_code, after=number - 1, most=1)
    return None if one.row is None else datetime.fromisoformat(from_json(one.row)["occurred_at"])


@dataclass(frozen=True, slots=True)
class AuditFile:
    """A file that was begun: its first lines, its first link, and its end."""

    city_code: str
    first: bytes
    after: int
    head: ChainHead
    kept_from: UUID | None

    async def lines(self, session: AsyncSession, after: int) -> tuple[bytes, int]:
        """Return the lines of the next links after a number, and the number of the last of them.

        They are empty after the last link.
        """
        rows = await queries.linked_rows(session, self.city_code, after=after, most=_LINES_AT_ONCE)
        rows = [one for one in rows if one.link.number <= self.head.number]
        last = rows[-1].link.number if rows else after
        return b"".join(row_line(one.link, one.row) for one in rows), last

    def last(self, signer: Signer | None, *, at: datetime) -> bytes:
        """Return the last line: the file's final head, signed if there is a key."""
        head = Checkpoint(
            self.city_code, day_of(at), self.head.number, self.head.digest, self.kept_from, at
        )
        return head_line(signed(head, signer), ends=True)


async def begin_file(session: AsyncSession, city_code: str, *, after: int = 0) -> AuditFile:
    """Begin the file of a city's audit after the link with the number `after`; 0: from the first.

    Raises:
        LinkNotThere: the chain has not reached that number.
    """
    digest = NO_LINK
    if after:
        link = await queries.link_at(session, city_code, after)
        if link is None:
            raise LinkNotThere
        digest = link.digest
    position = await queries.last_position_linked(session, city_code, upto=after)
    head = await queries.chain_head(session, city_code) or ChainHead(0, NO_LINK)
    heads = await all_heads(session, city_code)
    first = [first_line(city_code, after=after, digest=digest, position=position)]
    first += [head_line(one) for one in heads if after < one.number <= head.number]
    return AuditFile(city_code, b"".join(first), after, head, signed_bound(heads, None))
