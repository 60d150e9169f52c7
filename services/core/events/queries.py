"""Reads the log by position, the progress of its readers, and the workers' heartbeats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CTE, BigInteger, column, func, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.errors import PositionBeyondLog
from services.core.events.models import EventPosition, LogHead, ReaderCursor, WorkerHeartbeat
from services.core.kit.city_scope import in_every_city
from services.core.kit.ids import first_id_at


async def log_position(session: AsyncSession, city_code: str) -> int:
    """Return the last position given in a city; 0 before the first."""
    found = await session.scalar(select(LogHead.position).where(LogHead.city_code == city_code))
    return found or 0


async def check_position(session: AsyncSession, city_code: str, position: int) -> None:
    """Refuse a caller's position that the log of a city never gave.

    Call it only after nothing was found behind the position: an event that is numbered in between
    is then no fault of the caller's.

    Raises:
        PositionBeyondLog: the log ends before it.
    """
    newest = await log_position(session, city_code)
    if position > newest:
        raise PositionBeyondLog.after(newest)


async def position_since(session: AsyncSession, city_code: str, since: datetime) -> int:
    """Return the position of the first event made since an instant, or the next free position.

    Ids carry the real time of their making, to the millisecond.
    """
    found = await session.scalar(
        select(EventPosition.position)
        .where(EventPosition.city_code == city_code, EventPosition.event_id >= first_id_at(since))
        .order_by(EventPosition.event_id)
        .limit(1)
    )
    return await log_position(session, city_code) + 1 if found is None else found


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event as a reader of the log receives it."""

    position: int
    id: UUID
    type: str
    plan_code: str | None
    subject_kind: str
    subject_id: str
    organization_code: str | None
    data: Mapping[str, Any]
    occurred_at: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class LogStretch:
    """The next part of a city's log for a reader: the positions (`after`, `upto`].

    `events` are those of the types that it handles; at most `most` positions were read.
    """

    after: int
    upto: int
    events: Sequence[LogEvent]
    most: int


# The start is compared as one value, so that the index scan begins there and not at the first
# position. The LATERAL subquery forces an index look-up per event, whatever the statistics say.
_NEXT_STRETCH = text("""
WITH reader AS MATERIALIZED (
    SELECT position FROM reader_cursor WHERE city_code = :city AND reader = :reader FOR UPDATE
), numbers AS MATERIALIZED (
    SELECT position, event_id FROM event_position
    WHERE city_code = :city AND position > (SELECT position FROM reader)
    ORDER BY position LIMIT :most
)
SELECT r.position AS after, coalesce(n.upto, r.position) AS upto, e.position, e.id, e.type,
    e.plan_code, e.subject_kind, e.subject_id, e.organization_code, e.data, e.occurred_at,
    e.traceparent
FROM reader r
CROSS JOIN (SELECT max(position) AS upto FROM numbers) n
LEFT JOIN (
    SELECT numbers.position, told.id, told.type, told.plan_code, told.subject_kind,
        told.subject_id, told.organization_code, told.data, told.occurred_at,
        told.traceparent
    FROM numbers
    CROSS JOIN LATERAL (
        SELECT id, type, plan_code, subject_kind, subject_id, organization_code, data, occurred_at,
            traceparent
        FROM event WHERE city_code = :city AND id = numbers.event_id LIMIT 1
    ) AS told
    WHERE told.type = ANY(CAST(:types AS text[]))
) e ON TRUE
ORDER BY e.position
""").columns(data=JSONB)


async def next_stretch(
    session: AsyncSession, city_code: str, *, reader: str, types: Sequence[str], most: int
) -> LogStretch | None:
    """Lock a reader's cursor and return the events after it; None: it has no cursor yet.

    If there are none, the stretch ends where it begins.
    """
    found = await session.execute(
        _NEXT_STRETCH,
        {"city": city_code, "reader": reader, "types": list(types), "most": most},
    )
    rows = found.all()
    if not rows:
        return None
    events = [LogEvent(*row[2:]) for row in rows if row.position is not None]
    return LogStretch(after=rows[0].after, upto=rows[0].upto, events=events, most=most)


async def reader_position(session: AsyncSession, city_code: str, reader: str) -> int:
    """Return how far a reader has read in a city; 0: it has not begun."""
    found = await session.scalar(
        select(ReaderCursor.position).where(
            ReaderCursor.city_code == city_code, ReaderCursor.reader == reader
        )
    )
    return found or 0


async def locked_position(session: AsyncSession, city_code: str, reader: str) -> int | None:
    """Lock a reader's cursor and return its position; None: it has no cursor yet."""
    return await session.scalar(
        select(ReaderCursor.position)
        .where(ReaderCursor.city_code == city_code, ReaderCursor.reader == reader)
        .with_for_update()
    )


# Every city whose log was begun has a head. Each subquery touches only rows of its city.
_CITIES_BEHIND = text("""
SELECT head.city_code FROM log_head AS head
WHERE EXISTS (SELECT FROM event_pending AS p WHERE p.city_code = head.city_code)
    OR head.position > 0 AND CAST(:readers AS integer) > (
        SELECT count(*) FROM reader_cursor AS c WHERE c.city_code = head.city_code
            AND c.reader = ANY(CAST(:names AS text[])) AND c.position >= head.position)
""")


async def cities_behind(session: AsyncSession, *, readers: Sequence[str]) -> list[str]:
    """Return the cities with unnumbered events, or with events that a reader has not read."""
    given = {"readers": len(readers), "names": list(readers)}
    with in_every_city():
        return list(await session.scalars(_CITIES_BEHIND, given))


_NEXT_UNREAD = text("""
SELECT p.position, e.type FROM event_position p
JOIN event e ON e.city_code = p.city_code AND e.id = p.event_id
WHERE p.city_code = :city AND p.position > greatest((
    SELECT position FROM reader_cursor WHERE city_code = :city AND reader = :reader), 0)
ORDER BY p.position LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that a reader has not read yet."""

    position: int
    type: str


async def next_unread(session: AsyncSession, city_code: str, *, reader: str) -> Unread | None:
    """Return the first event of a city that `reader` has not read; None: there is none."""
    row = (await session.execute(_NEXT_UNREAD, {"city": city_code, "reader": reader})).one_or_none()
    return None if row is None else Unread(*row)


NUMBERING = "numbering"
"""The name of the numbering step among the readers of the log."""

_STANDING = text("""
SELECT reader, sum(positions), min(event_id) FROM (
    SELECT 'log' AS reader, head.position AS positions, NULL AS event_id FROM log_head AS head
    UNION ALL
    SELECT CAST(:numbering AS text), NULL, CAST(first.event_id AS text)
    FROM log_head AS head CROSS JOIN LATERAL (
        SELECT p.event_id FROM event_pending AS p WHERE p.city_code = head.city_code
        ORDER BY p.event_id LIMIT 1
    ) AS first
    UNION ALL
    SELECT r.reader, head.position - coalesce(cursor.position, 0), CAST(unread.event_id AS text)
    FROM log_head AS head CROSS JOIN unnest(CAST(:readers AS text[])) AS r(reader)
    LEFT JOIN reader_cursor AS cursor
        ON cursor.city_code = head.city_code AND cursor.reader = r.reader
    CROSS JOIN LATERAL (
        SELECT p.event_id FROM event_position AS p
        WHERE p.city_code = head.city_code AND p.position > greatest(cursor.position, 0)
        ORDER BY p.position LIMIT 1
    ) AS unread
    WHERE head.position > coalesce(cursor.position, 0)
) AS standing
GROUP BY reader
""")


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a reader is behind, over all cities: the number of events, and the oldest of them."""

    events: int
    oldest: UUID


@dataclass(frozen=True, slots=True)
class LogStanding:
    """How many events have a position, over all cities, and which readers are behind by how much.

    Unnumbered events are not counted.
    """

    position: int
    behind: Mapping[str, Behind]

    @property
    def oldest(self) -> UUID | None:
        """The oldest event that waits to be numbered or read; None: none does."""
        return min((one.oldest for one in self.behind.values()), default=None)


async def log_standing(session: AsyncSession, *, readers: Sequence[str]) -> LogStanding:
    """Return how far the log is numbered, and how far each of these readers has read it."""
    given = {"readers": list(readers), "numbering": NUMBERING}
    with in_every_city():
        rows = await session.execute(_STANDING, given)
    found = {reader: (positions, oldest) for reader, positions, oldest in rows}
    position = int(found.pop("log", (0, None))[0])
    return LogStanding(
        position,
        {
            reader: Behind(int(positions or 0), UUID(oldest))
            for reader, (positions, oldest) in found.items()
        },
    )


SILENT_AFTER = timedelta(seconds=60)
"""A worker without a heartbeat for this long is dead or stuck."""


async def last_beats(session: AsyncSession) -> Sequence[datetime]:
    """Return the last heartbeat of each known worker, the latest first."""
    beat_at = WorkerHeartbeat.beat_at
    found = await session.scalars(select(beat_at).order_by(beat_at.desc()))
    return found.all()


def turns(positions: Sequence[int], *, first: int) -> CTE:
    """Return a CTE with each position's due time from now on, in order, one microsecond apart.

    Citus refuses an UPDATE whose expression combines the clock with a column; a CTE only reads.
    """
    given = func.unnest(literal(positions, ARRAY(BigInteger)))
    numbers = given.table_valued(column("position", BigInteger), name="numbers").render_derived()
    position = numbers.c.position
    due_at = func.statement_timestamp() + (position - first) * timedelta(microseconds=1)
    return select(position, due_at.label("due_at")).cte("turns")


@dataclass(frozen=True, slots=True)
class Beat:
    """A worker's last heartbeat, and how far its clock was ahead of the database's then."""

    at: datetime
    clock_ahead_seconds: float | None


async def worker_beats(session: AsyncSession) -> Sequence[Beat]:
    """Return the last heartbeat of each known worker with its clock's offset, the latest first."""
    beat = WorkerHeartbeat
    found = await session.execute(
        select(beat.beat_at, beat.clock_ahead_seconds).order_by(beat.beat_at.desc())
    )
    return [Beat(*row) for row in found]
