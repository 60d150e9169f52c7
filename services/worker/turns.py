"""Works on files that callers sent or asked for, one of each city in turn."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.queries import cities_having
from services.core.kit.city_scope import in_city
from services.core.kit.database import Database
from services.core.kit.leases import Taken

Make = Callable[[Taken], Awaitable[None]]


class Wanted(Protocol):
    """Work that waits as rows of a table and is taken under a lease."""

    @property
    def cities_waiting(self) -> Select[str]:
        """The statement of the cities in which a row waits and no worker is at it."""

    async def take(self, session: AsyncSession, city_code: str) -> Taken | None:
        """Take the row of a city that has waited longest; None: none is free."""


async def make_in_turns(database: Database, wanted: Wanted, make: Make) -> None:
    """Make all requested files: repeatedly, of each city the one that has waited longest.

    One statement finds the cities with work, so that a city without any costs nothing. It stops
    after a round that took nothing: rows that still wait are locked by another transaction.
    """
    made = True
    while made:
        async with database.sessions() as session:
            cities = await cities_having(session, wanted.cities_waiting)
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
