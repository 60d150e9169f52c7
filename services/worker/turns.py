"""Works on files that callers sent or asked for, one of each city in turn."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.city_scope import in_city
from services.core.kit.database import Database
from services.core.kit.leases import Taken

Make = Callable[[Taken], Awaitable[None]]


class Wanted(Protocol):
    """Work that waits in cities, a row each, and is taken under a lease."""

    async def cities_waiting(self, session: AsyncSession) -> Sequence[str]:
        """Return the cities in which some waits and no worker is at it."""

    async def take(self, session: AsyncSession, city_code: str) -> Taken | None:
        """Take what waits longest in a city; None: nothing that is free."""


async def make_in_turns(database: Database, wanted: Wanted, make: Make) -> None:
    """Make all files that are wanted: of each city the one that waits longest, and again.

    Which cities wait one statement tells: a city without work costs nothing. A round that took
    nothing is the last: what still waits another transaction holds.
    """
    made = True
    while made:
        async with database.sessions() as session:
            cities = await wanted.cities_waiting(session)
        made = False
        for city_code in cities:
            made |= await _make_one(database, wanted, make, city_code)


async def _make_one(database: Database, wanted: Wanted, make: Make, city_code: str) -> bool:
    with in_city(city_code):
        async with database.transaction() as session:
            taken = await wanted.take(session, city_code)
        if taken is not None:
            await make(taken)
    return taken is not None
