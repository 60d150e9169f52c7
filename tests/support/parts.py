"""Tables cut by time as they are after years: a part for every quarter behind that of today."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count, pairwise
from uuid import UUID

from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import first_id_at, new_id
from services.core.kit.partitions import CutTable, TimeSpan, parts_of
from tests.support.owner import as_owner

QUARTER = timedelta(days=91)


async def grow_old(database: Database, tables: Sequence[CutTable], *, quarters: int) -> None:
    """Cut the first part of each table in a part a quarter, so many of them."""
    async with database.sessions() as session:
        found = await parts_of(session, tables)
    bounds = [TimeSpan.QUARTER.after(Clock.true_now())]
    while len(bounds) <= quarters:
        bounds.insert(0, TimeSpan.QUARTER.start(bounds[0] - timedelta(days=1)))
    for parts in found:
        name = parts.table.name
        await as_owner(
            database.dsn,
            f"""
            ALTER TABLE {name} DETACH PARTITION {parts.parts[0].name};
            ALTER TABLE {parts.parts[0].name} RENAME TO {name}_before;
            """,
        )
        await _part(database, name, f"{name}_first", "MINVALUE", bounds[0])
        for start, end in pairwise(bounds):
            label = f"{name}_{TimeSpan.QUARTER.label(start)}"
            await _part(database, name, label, f"'{first_id_at(start)}'", end)
        await as_owner(
            database.dsn,
            f"""
            INSERT INTO {name} SELECT * FROM {name}_before;
            DROP TABLE {name}_before;
            """,
        )


async def _part(database: Database, table: str, name: str, lower: str, end: datetime) -> None:
    await as_owner(
        database.dsn,
        f"CREATE TABLE {name} PARTITION OF {table}"
        f" FOR VALUES FROM ({lower}) TO ('{first_id_at(end)}')",
    )


def ids_since(since: timedelta, *, number: int) -> Callable[[], UUID]:
    """Return what gives so many ids, made one after the other from so long ago until now."""
    now, made = Clock.true_now(), count(1)

    def next_id() -> UUID:
        at = first_id_at(now - since * (1 - next(made) / number))
        # The instant of the one, the random end of the other.
        return UUID(int=at.int | new_id().int & (1 << 62) - 1)

    return next_id
