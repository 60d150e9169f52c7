"""Maintains time-partitioned tables: makes partitions before they are needed, drops old ones."""

import logging
from collections.abc import Sequence
from datetime import datetime

from services.core.kit.database import Database
from services.core.kit.outage import cause_in_words, is_away, is_contended
from services.core.kit.partitions import CutParts, CutTable, parts_of, tend
from services.worker.interruption import traceback_of

logger = logging.getLogger("wufei.worker")


async def tend_tables(database: Database, tables: Sequence[CutTable], now: datetime) -> None:
    """Make and drop partitions where they are due; what fails now is retried later.

    It is cheap if nothing is due: one query of the catalogue. A fault stops nothing else, because a
    row without its partition goes to the default one.
    """
    async with database.sessions() as session:
        found = await parts_of(session, tables)
    for parts in found:
        if parts.lacking(now) or parts.outlived(now):
            await _tend(database, parts, now)


async def _tend(database: Database, parts: CutParts, now: datetime) -> None:
    table = parts.table
    try:
        async with database.transaction() as session:
            done = await tend(session, table, now)
    except Exception as error:
        if is_away(error):
            raise
        if is_contended(error):
            # Others held a lock on the table: the next sweep tries again.
            return
        logger.warning(
            "parts not kept",
            extra={
                "table": table.name,
                "cause": cause_in_words(error),
                "next": "rows go to the part for the rest, none is lost; tried again with the next"
                " sweep; `wufei migrate` gives the worker's role what it needs",
            },
            exc_info=traceback_of(error),
        )
        return
    if done.left:
        logger.warning(
            "parts not kept",
            extra={
                "table": table.name,
                "cause": f"the part for the rest holds too many rows of {', '.join(done.left)}",
                "next": "no row is lost; see docs/operations.md on moving them in a quiet hour",
            },
        )
    if done.made or done.dropped:
        logger.info(
            "parts kept",
            extra={"table": table.name, "made": done.made, "dropped": done.dropped},
        )
