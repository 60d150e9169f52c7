"""Extends the chain of a city: each committed record gets its link exactly once, after commit.

Events arrive by their numbers in the log, which are given after commit and have no gap. Entries
come from a queue that is written with them, of which only committed rows are visible. The row of
the head is locked from the reading to the commit, so two workers never extend the same link, and a
killed worker leaves all as it was. No caller's transaction waits for any of this.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.canonical import (
    NO_LINK,
    ChainHead,
    Checkpoint,
    Link,
    LinkKind,
    link_digest,
)
from services.core.audit.queries import (
    has_entries_before,
    last_checkpoint,
    row_bytes,
    server_now,
)
from services.core.audit.statements import (
    ADOPT,
    BEGIN_CHAIN,
    HAS_PENDING,
    KEEP_HEAD,
    LINK,
    LOCK_CHAIN,
    NUMBERED,
    TAKE_PENDING,
)
from services.core.events.queries import LogStretch
from services.core.events.reading import Follower
from services.core.kit.clock import Clock
from services.core.kit.ids import first_id_at
from services.core.kit.partitions import TimeSpan
from services.core.kit.signatures import Signer, has_signed
from services.core.kit.sm3 import sm3

READER = "audit"
PURPOSE = "the heads of audit chains"
"""The purpose for which keys that sign heads are derived."""

ENTRIES_SPAN = TimeSpan.QUARTER
"""The time span of a partition of the table of entries."""

_AT_ONCE = 1000
DAYS_OF = ZoneInfo("Asia/Shanghai")
"""The time zone of the audit's days."""
_STILL_COMMITTING = timedelta(hours=1)

SignHead = Callable[[AsyncSession, str, Clock], Coroutine[Any, Any, int]]


class RowGone(Exception):
    """A row that was to be linked is no longer in the database."""


@dataclass(slots=True)
class _Chain:
    """New links after the locked head."""

    city_code: str
    head: ChainHead
    links: list[Link]

    def add(self, kind: LinkKind, row_id: UUID, position: int | None, row: bytes | None) -> None:
        if row is None:
            raise RowGone(f"{kind} {row_id} is gone before it was linked")
        link = Link(self.head.number + 1, kind, row_id, position, sm3(row), b"")
        link = link._replace(digest=link_digest(self.city_code, self.head.digest, link))
        self.links.append(link)
        self.head = ChainHead(link.number, link.digest)


async def _locked(session: AsyncSession, city_code: str) -> _Chain:
    found = (await session.execute(LOCK_CHAIN, {"city": city_code})).one_or_none()
    if found is None:
        await session.execute(BEGIN_CHAIN, {"city": city_code, "digest": NO_LINK})
        found = (await session.execute(LOCK_CHAIN, {"city": city_code})).one()
    return _Chain(city_code, ChainHead(*found), [])


async def _take_events(session: AsyncSession, chain: _Chain, after: int, upto: int) -> None:
    asked = {"city": chain.city_code, "after": after, "upto": upto}
    numbered = (await session.execute(NUMBERED, asked)).all()
    rows = await row_bytes(session, chain.city_code, "event", [row.event_id for row in numbered])
    for position, event_id in numbered:
        chain.add("event", event_id, position, rows.get(event_id))


async def _take_entries(session: AsyncSession, chain: _Chain) -> int:
    """Link waiting entries, up to a limit; return how many."""
    asked = {"city": chain.city_code, "most": _AT_ONCE}
    ids = (await session.scalars(TAKE_PENDING, asked)).all()
    rows = await row_bytes(session, chain.city_code, "entry", ids)
    for entry_id in ids:
        chain.add("entry", entry_id, None, rows.get(entry_id))
    return len(ids)


async def _write(session: AsyncSession, chain: _Chain) -> None:
    if not chain.links:
        return
    written = {
        "city": chain.city_code,
        "numbers": [link.number for link in chain.links],
        "kinds": [link.kind for link in chain.links],
        "row_ids": [link.row_id for link in chain.links],
        "positions": [link.position for link in chain.links],
        "row_digests": [link.row_digest for link in chain.links],
        "digests": [link.digest for link in chain.links],
        "number": chain.head.number,
        "digest": chain.head.digest,
    }
    await session.execute(LINK, written)


async def _follow(
    session: AsyncSession, city_code: str, stretch: LogStretch, _clock: Clock
) -> None:
    """Link the events of a stretch of the log, and waiting entries."""
    chain = await _locked(session, city_code)
    await _take_events(session, chain, stretch.after, stretch.upto)
    await _take_entries(session, chain)
    await _write(session, chain)


FOLLOWER = Follower(reader=READER, types=(), handle=_follow, at_once=_AT_ONCE)


def signing_heads(signer: Signer | None, *, kept: timedelta | None) -> SignHead:
    """Return the task that links waiting entries and stores a city's signed head once a day.

    `signer` None: heads are stored unsigned, and entries are never dropped. `kept` is how long
    entries are kept, None: for ever. The task returns how many links and heads it made.
    """

    async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
        now = clock.true_now()
        last = await last_checkpoint(session, city_code)
        if last is None or last.day < day_of(now):
            # A head of a future day would stay the last one until then.
            now = min(now, await server_now(session))
        begins_day = last is None or last.day < day_of(now)
        if not begins_day and not await session.scalar(HAS_PENDING, {"city": city_code}):
            return 0
        chain = await _locked(session, city_code)
        if begins_day:
            since = first_id_at(last.made_at - _STILL_COMMITTING) if last else UUID(int=0)
            await session.execute(ADOPT, {"city": city_code, "since": since})
        more_wait = await _take_entries(session, chain) == _AT_ONCE
        await _write(session, chain)
        if not begins_day or more_wait or not chain.head.number:
            return len(chain.links)
        head = Checkpoint(
            city_code,
            day_of(now),
            chain.head.number,
            chain.head.digest,
            _kept_from(last, now, kept if signer else None),
            now,
        )
        await _keep(session, signed(head, signer))
        return len(chain.links) + 1

    return follow_date


def _kept_from(last: Checkpoint | None, now: datetime, kept: timedelta | None) -> UUID | None:
    """Return the id before which entries may be dropped: whole partitions; it never decreases."""
    before = None if last is None else last.kept_from
    if kept is None:
        return before
    bound = first_id_at(ENTRIES_SPAN.start(now - kept))
    return bound if before is None else max(before, bound)


def day_of(at: datetime) -> date:
    """Return the day of the head of an instant."""
    return at.astimezone(DAYS_OF).date()


def signed(head: Checkpoint, signer: Signer | None) -> Checkpoint:
    """Return a head with its signature, or unchanged if there is no key."""
    return head if signer is None else replace(head, signature=signer.sign(head.plain()))


async def _keep(session: AsyncSession, head: Checkpoint) -> None:
    signature = head.signature
    written = {
        "city": head.city_code,
        "day": head.day,
        "number": head.number,
        "digest": head.digest,
        "kept_from": head.kept_from,
        "made_at": head.made_at,
        "public_key": signature and signature.public_key,
        "signature": signature and signature.value,
    }
    await session.execute(KEEP_HEAD, written)


async def may_drop(session: AsyncSession, city_code: str, upper: UUID) -> bool:
    """Return whether a signed head allows dropping a city's entries before an id."""
    last = await last_checkpoint(session, city_code)
    if last is not None and last.signature is not None and last.kept_from is not None:
        return upper <= last.kept_from and has_signed(last.plain(), last.signature)
    return not await has_entries_before(session, city_code, upper)
