"""Tables partitioned by the time in a UUIDv7 key: partitions are made ahead, old ones dropped.

A key that holds a UUIDv7 is unique over all partitions, and tells which partition to look in. A row
that fits no partition goes to the default partition, so that no row is ever refused.
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.ids import first_id_at, made_at

SPANS_AHEAD = 2
"""How many partitions are made beyond the current one."""

MOVED_AT_MOST = 10_000
"""Most rows moved out of the default partition under its lock; if it holds more, they stay."""


class TimeSpan(IntEnum):
    """The length of a partition in months, by UTC."""

    MONTH = 1
    QUARTER = 3

    def start(self, at: datetime) -> datetime:
        """Return the start of the span that contains an instant."""
        at = at.astimezone(UTC)
        return datetime(at.year, (at.month - 1) // self * self + 1, 1, tzinfo=UTC)

    def after(self, at: datetime, number: int = 1) -> datetime:
        """Return the start of the `number`-th span after the one that contains an instant."""
        start = self.start(at)
        years, month = divmod(start.month - 1 + number * self, 12)
        return start.replace(year=start.year + years, month=month + 1)

    def label(self, start: datetime) -> str:
        """Return the name suffix of the partition that starts at `start`: 2027q1, 2027m01."""
        if self is TimeSpan.QUARTER:
            return f"{start.year}q{start.month // 3 + 1}"
        return f"{start.year}m{start.month:02}"


MayDrop = Callable[[AsyncSession, UUID], Coroutine[Any, Any, bool]]
"""Returns whether the rows with ids before the given one may be dropped."""


@dataclass(frozen=True, slots=True)
class CutTable:
    """A table partitioned by the time in `key`; it drops partitions older than `kept`, None: never.

    If `may_drop` is given, it is asked about each of those, and a partition that it refuses stays.
    """

    name: str
    key: str
    span: TimeSpan
    kept: timedelta | None = None
    may_drop: MayDrop | None = None


@dataclass(frozen=True, slots=True)
class TablePart:
    """A partition with the ids in [`lower`, `upper`); `lower` None: no lower bound."""

    name: str
    lower: UUID | None
    upper: UUID


@dataclass(frozen=True, slots=True)
class CutParts:
    """The partitions of a table, oldest first, and its default partition, if there is one."""

    table: CutTable
    parts: Sequence[TablePart]
    rest: str | None

    @property
    def until(self) -> datetime | None:
        """Return the end of the last partition; None: there are none."""
        return made_at(self.parts[-1].upper) if self.parts else None

    def lacking(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """Return start and end of each partition that should exist by `now` and does not."""
        span, until = self.table.span, self.until
        start = span.start(now) if until is None else until
        found = []
        while start < span.after(now, SPANS_AHEAD + 1):
            end = span.after(start)
            found.append((start, end))
            start = end
        return found

    def outlived(self, now: datetime) -> list[TablePart]:
        """Return the partitions whose rows are all too old by `now`."""
        if self.table.kept is None:
            return []
        oldest = first_id_at(now - self.table.kept)
        return [part for part in self.parts if part.upper <= oldest]


_PARTS = text("""
SELECT p.relname, c.relname, pg_get_expr(c.relpartbound, c.oid)
FROM pg_inherits i
JOIN pg_class p ON p.oid = i.inhparent
JOIN pg_class c ON c.oid = i.inhrelid
WHERE p.relname = ANY(CAST(:tables AS text[]))
    AND p.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)
ORDER BY p.relname
""")
_BOUNDS = re.compile(r"FROM \((MINVALUE|'[^']+')\) TO \('([^']+)'\)")


async def parts_of(session: AsyncSession, tables: Sequence[CutTable]) -> list[CutParts]:
    """Return the partitions of each table, in the order of the tables."""
    found = await session.execute(_PARTS, {"tables": [table.name for table in tables]})
    bounds: Mapping[str, list[tuple[str, str]]] = {
        table: [(name, bound) for _, name, bound in rows]
        for table, rows in groupby(found, key=lambda row: row[0])
    }
    return [_read(table, bounds.get(table.name, [])) for table in tables]


def _read(table: CutTable, bounds: Sequence[tuple[str, str]]) -> CutParts:
    parts, rest = [], None
    for name, bound in bounds:
        if (told := _BOUNDS.search(bound)) is None:
            rest = name
        else:
            lower = None if told[1] == "MINVALUE" else UUID(told[1].strip("'"))
            parts.append(TablePart(name, lower, UUID(told[2])))
    return CutParts(table, sorted(parts, key=lambda part: part.upper), rest)


async def resting(session: AsyncSession, parts: CutParts) -> bool:
    """Return whether the default partition holds a row."""
    if parts.rest is None:
        return False
    found = text(f'SELECT EXISTS (SELECT 1 FROM "{parts.rest}")')  # noqa: S608 (a name of our own)
    return bool(await session.scalar(found))


@dataclass(frozen=True, slots=True)
class Tended:
    """Names of the partitions made and dropped, and of those not made for too many rows."""

    made: Sequence[str] = ()
    dropped: Sequence[str] = ()
    left: Sequence[str] = ()


# Functions of the schema that run with the table owner's rights, so that the caller need not own
# the tables. Each validates its arguments itself (migration 0028).
_MAKE = text("SELECT make_part(:table, :part, :lower, :upper, :most)")
_DROP = text("SELECT drop_part(:part)")

_ONE_AT_A_TIME = text("SELECT pg_try_advisory_xact_lock(hashtextextended('partitions', 0)), now()")

# Queries on a table queue behind a waiting lock request, so it is better to retry later.
_WAIT_LITTLE = text("SELECT set_config('lock_timeout', '250ms', true)")


async def tend(session: AsyncSession, table: CutTable, now: datetime) -> Tended:
    """Make the missing partitions of a table, and drop those that are too old.

    It does nothing while another transaction does the same. The earlier of `now` and the server's
    time counts, so that one fast clock drops nothing; and the database refuses to drop rows younger
    than the shortest permitted retention. A lock that is not free at once fails the transaction,
    which is then retried.
    """
    alone, server_now = (await session.execute(_ONE_AT_A_TIME)).one()
    if not alone:
        return Tended()
    now = min(now, server_now)
    await session.execute(_WAIT_LITTLE)
    [parts] = await parts_of(session, [table])
    made, left = list[str](), list[str]()
    for start, end in parts.lacking(now):
        name = f"{table.name}_{table.span.label(start)}"
        (made if await _made(session, parts, name, start, end) else left).append(name)
    dropped = []
    for part in parts.outlived(now):
        if table.may_drop is None or await table.may_drop(session, part.upper):
            await session.execute(_DROP, {"part": part.name})
            dropped.append(part.name)
    return Tended(made, dropped, left)


async def _made(
    session: AsyncSession, parts: CutParts, name: str, start: datetime, end: datetime
) -> bool:
    """Make a partition, moving its rows from the default one; False: they are too many."""
    asked = {
        "table": parts.table.name,
        "part": name,
        "lower": first_id_at(start),
        "upper": first_id_at(end),
        "most": MOVED_AT_MOST,
    }
    return bool(await session.scalar(_MAKE, asked))
