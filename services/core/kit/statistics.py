"""Keeps the planner's statistics in step with the growth of tables.

After a few runs a connection caches how it executes a prepared statement. A choice made while a
table was empty rates all indexes alike, and lasts until the table is analysed. Autovacuum checks
once a minute at most, and a table may be filled in less time.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_FEW = 8
"""Pages of a table that take no time to read, however they are read."""

# The planner assumes a hundred rows or more of a table that was never analysed, even if it has one.
# Growth is measured by file size, which is known to everybody at once; each connection reports its
# changed rows a second or ten later. Only an owner may run ANALYZE, so a function of the schema
# does it with the owner's rights.
_COUNT_GROWN = text(f"SELECT count_grown({_FEW})")


async def count_grown(session: AsyncSession) -> list[str]:
    """Analyse every table that has doubled since it was last analysed; return their names.

    Connections then choose anew how they execute their prepared statements. Tables that another
    session is analysing are skipped.
    """
    return list(await session.scalars(_COUNT_GROWN))
