"""Makes requested files, one of each city in turn."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.database import Database
from services.core.kit.leases import Taken
from services.core.kit.made_files import MadeFiles

Make = Callable[[Taken], Awaitable[None]]


async def make_in_turns(database: Database, making: MadeFiles[Any], make: Make) -> None:
    """Make all requested files: repeatedly, of each city the one that has waited longest."""
    waiting = True
    while waiting:
        async with database.sessions() as session:
            cities = await city_codes(session)
        waiting = False
        for city_code in cities:
            waiting |= await _make_one(database, making, make, city_code)


async def _make_one(database: Database, making: MadeFiles[Any], make: Make, city_code: str) -> bool:
    with in_city(city_code):
        async with database.transaction() as session:
            taken = await making.take(session, city_code)
        if taken is not None:
            await make(taken)
    return taken is not None
