"""Keeps the planner's statistics in step with the growth of tables.

After a few runs a connection caches how it executes a prepared statement. A choice made while a
table was empty rates all indexes alike, and lasts until the table is analysed. Autovacuum checks
once a minute at most, and a table may be filled in less time.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_FEW = 8
"""Pages of a table that are read in no time, by whatever way."""

# One that was never counted passes for a hundred rows or more, also when it holds one.
# By the size of its file, which is known at once and to everybody; how many rows were changed
# is told by each connection a second or ten later. Only an owner may have its tables counted, so
# it is done by a function of the schema, with the rights of the owner.
_COUNT_GROWN = text(f"SELECT count_grown({_FEW})")


async def count_grown(session: AsyncSession) -> list[str]:
    """Have every table counted that has doubled since it last was; return their names.

    Whatever any connection keeps of how to read them is made anew. What others are counting already
    is left to them.
    """
    return list(await session.scalars(_COUNT_GROWN))
