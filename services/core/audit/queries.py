"""Reads the audit: its entries, the chain with the rows that it covers, and its heads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.canonical import (
    ChainHead,
    Checkpoint,
    Link,
    LinkKind,
    entry_bytes,
    event_bytes,
)
from services.core.audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditLink
from services.core.audit.statements import (
    DIGESTS_AT,
    LAST_LINK,
    LINKS,
    ROWS_OF,
    STRAY_ENTRY,
    STRAY_EVENT,
    WAITING,
)
from services.core.events.models import EventPosition
from services.core.kit.database import driver_connection
from services.core.kit.signatures import Signature

_BYTES_OF = {"event": event_bytes, "entry": entry_bytes}


async def row_bytes(
    session: AsyncSession, city_code: str, kind: LinkKind, ids: Sequence[UUID]
) -> Mapping[UUID, bytes]:
    """Return the hashed bytes of rows by id; rows that are gone are left out."""
    if not ids:
        return {}
    connection = await driver_connection(session)
    found = await connection.fetch(*ROWS_OF[kind].bind({"city": city_code, "ids": ids}))
    made = _BYTES_OF[kind]
    return {row[0]: made(row) for row in found}


class LinkedRow(NamedTuple):
    """A link with the bytes of its row (None: the row is gone).

    It is `in_place` unless another event has the link's position in the log, or none.
    """

    link: Link
    row: bytes | None
    in_place: bool


async def linked_rows(
    session: AsyncSession, city_code: str, *, after: int, most: int
) -> list[LinkedRow]:
    """Return the next links of a chain after a number, each with its row."""
    connection = await driver_connection(session)
    asked = {"city": city_code, "after": after, "most": most}
    found = await connection.fetch(*LINKS.bind(asked))
    ids = [row[2] for row in found if row[1] == "entry"]
    entries_of = await row_bytes(session, city_code, "entry", ids)
    return [
        LinkedRow(
            Link(*row[:6]),
            entries_of.get(row[2]) if row[7] is None else event_bytes(row[7:]),
            row[6],
        )
        for row in found
    ]


async def event_at(session: AsyncSession, city_code: str, position: int | None) -> UUID | None:
    """Return the event at a position of the log; None: there is none."""
    return await session.scalar(
        select(EventPosition.event_id).where(
            EventPosition.city_code == city_code, EventPosition.position == position
        )
    )


async def chain_head(session: AsyncSession, city_code: str) -> ChainHead | None:
    """Return the head of a city's chain; None: it has none yet."""
    head = await session.get(AuditHead, city_code)
    return None if head is None else ChainHead(head.number, head.digest)


async def last_number(session: AsyncSession, city_code: str) -> int:
    """Return the number of the last link of a city; 0: it has none."""
    return await session.scalar(LAST_LINK, {"city": city_code}) or 0


async def digests_at(
    session: AsyncSession, city_code: str, numbers: Sequence[int]
) -> Mapping[int, bytes]:
    """Return the digests of links by number; missing ones are left out."""
    asked = {"city": city_code, "numbers": list(numbers)}
    return {row.number: row.digest for row in await session.execute(DIGESTS_AT, asked)}


async def link_at(session: AsyncSession, city_code: str, number: int) -> Link | None:
    """Return the link with a number."""
    found = await session.get(AuditLink, (city_code, number))
    if found is None:
        return None
    kind: LinkKind = "event" if found.kind == "event" else "entry"
    return Link(found.number, kind, found.row_id, found.position, found.row_digest, found.digest)


async def last_position_linked(session: AsyncSession, city_code: str, *, upto: int) -> int:
    """Return the position of the last event within the first `upto` links; 0: there is none."""
    found = await session.scalar(
        select(AuditLink.position)
        .where(
            AuditLink.city_code == city_code,
            AuditLink.number <= upto,
            AuditLink.kind == "event",
        )
        .order_by(AuditLink.number.desc())
        .limit(1)
    )
    return found or 0


async def checkpoints(
    session: AsyncSession, city_code: str, *, after: date | None, limit: int
) -> list[Checkpoint]:
    """Return the signed heads of a city after a day, in the order of their days."""
    wanted = select(AuditCheckpoint).where(AuditCheckpoint.city_code == city_code)
    if after is not None:
        wanted = wanted.where(AuditCheckpoint.day > after)
    found = await session.scalars(wanted.order_by(AuditCheckpoint.day).limit(limit))
    return [_checkpoint(row) for row in found]


async def last_checkpoint(session: AsyncSession, city_code: str) -> Checkpoint | None:
    """Return the latest stored head of a city; None: there is none."""
    found = await session.scalar(
        select(AuditCheckpoint)
        .where(AuditCheckpoint.city_code == city_code)
        .order_by(AuditCheckpoint.day.desc())
        .limit(1)
    )
    return None if found is None else _checkpoint(found)


def _checkpoint(row: AuditCheckpoint) -> Checkpoint:
    signature = None
    if row.public_key is not None and row.signature is not None:
        signature = Signature(row.public_key, row.signature)
    return Checkpoint(
        row.city_code, row.day, row.number, row.digest, row.kept_from, row.made_at, signature
    )


async def stray(session: AsyncSession, city_code: str) -> tuple[LinkKind, UUID] | None:
    """Return a row that is neither linked nor queued; None: there is none."""
    for kind, statement in (("event", STRAY_EVENT), ("entry", STRAY_ENTRY)):
        found = await session.scalar(statement, {"city": city_code})
        if found is not None:
            return ("event" if kind == "event" else "entry"), found
    return None


async def waiting(session: AsyncSession, city_code: str, *, position: int) -> int:
    """Return how many rows are not in the chain, which has reached `position` of the log."""
    return int(await session.scalar(WAITING, {"city": city_code, "position": position}) or 0)


async def server_now(session: AsyncSession) -> datetime:
    """Return the database server's time."""
    found: datetime = (await session.execute(select(func.now()))).scalar_one()
    return found


async def has_entries_before(session: AsyncSession, city_code: str, first: UUID) -> bool:
    """Return whether a city has entries whose ids sort before `first`."""
    found = await session.scalar(
        select(AuditEntry.id)
        .where(AuditEntry.city_code == city_code, AuditEntry.id < first)
        .limit(1)
    )
    return found is not None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """A filter of entries; None does not filter. Instants are those of the action."""

    action: str | None = None
    actor_id: UUID | None = None
    subject_kind: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry with its link; None: it is not linked yet."""

    entry: AuditEntry
    number: int | None
    digest: bytes | None


async def entries(
    session: AsyncSession,
    city_code: str,
    *,
    wanted: EntryFilter,
    after: UUID | None,
    limit: int,
) -> Sequence[ListedEntry]:
    """Return up to `limit` entries of a city before the id `after`, newest first."""
    conditions: list[Any] = [AuditEntry.city_code == city_code]
    if after is not None:
        conditions.append(AuditEntry.id < after)
    if wanted.action is not None:
        conditions.append(AuditEntry.action == wanted.action)
    if wanted.actor_id is not None:
        conditions.append(AuditEntry.actor["id"].astext == str(wanted.actor_id))
    if wanted.subject_kind is not None:
        conditions.append(AuditEntry.subject_kind == wanted.subject_kind)
    if wanted.subject_id is not None:
        conditions.append(AuditEntry.subject_id == wanted.subject_id)
    if wanted.since is not None:
        conditions.append(AuditEntry.occurred_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(AuditEntry.occurred_at < wanted.until)
    page = select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc()).limit(limit)
    found = (await session.scalars(page)).all()
    links = await _links_of(session, city_code, [entry.id for entry in found])
    return [ListedEntry(entry, *links.get(entry.id, (None, None))) for entry in found]


async def _links_of(
    session: AsyncSession, city_code: str, ids: Sequence[UUID]
) -> Mapping[UUID, tuple[int, bytes]]:
    if not ids:
        return {}
    found = await session.execute(
        select(AuditLink.row_id, AuditLink.number, AuditLink.digest).where(
            AuditLink.city_code == city_code, AuditLink.row_id.in_(ids)
        )
    )
    return {row_id: (number, digest) for row_id, number, digest in found}
