"""Keeps a row leased while it is worked on, however long one step of the work takes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import Database
from services.core.kit.leases import LEASE, Taken
from services.core.kit.one_connection import unit_of_work
from services.core.kit.outage import is_databases
from services.core.kit.tasks import end

RENEWED_EVERY = LEASE / 3

Renew = Callable[[AsyncSession, Taken], Awaitable[bool]]


@asynccontextmanager
async def kept_leased(
    database: Database, renew: Renew, taken: Taken, *, every: timedelta = RENEWED_EVERY
) -> AsyncIterator[None]:
    """Renew a lease beside the block, which itself need not think of it.

    Where the lease is lost this ends; the block finds out when it next writes under it.
    """
    renewing = asyncio.create_task(_renew(database, renew, taken, every))
    try:
        yield
    finally:
        await end(renewing)


async def _renew(database: Database, renew: Renew, taken: Taken, every: timedelta) -> None:
    held = True
    while held:
        await asyncio.sleep(every.total_seconds())
        try:
            # Another connection than the work's: what that holds is its own.
            with unit_of_work():
                async with database.transaction() as session:
                    held = await renew(session, taken)
        except Exception as error:
            # The work meets the same, and says so; the lease lasts for some more of these.
            if not is_databases(error):
                raise
