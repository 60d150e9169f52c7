"""Single flight: of concurrent callers that ask for the same, one asks and all get its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class SingleFlight(Generic[_K, _V]):
    """The queries in flight, by key.

    Use it where an entry that many need expires for all of them at once, such as a cached API key:
    otherwise a busy caller would send as many queries to the database as it has requests.
    """

    def __init__(self) -> None:
        self._under_way: dict[_K, asyncio.Task[_V]] = {}

    async def look(
        self, key: _K, ask: Callable[[], Awaitable[_V]], keep: Callable[[_V], None]
    ) -> _V:
        """Return the result of `ask`, called by the first caller and cached by `keep`.

        A cancelled caller does not cancel it for the others. An exception from `ask` reaches all
        who wait; later callers ask anew.
        """
        flight = self._under_way.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key, ask, keep))
            self._under_way[key] = flight
            flight.add_done_callback(_heard)
        return await asyncio.shield(flight)

    def forget(self) -> None:
        """Do not cache the results of the queries in flight, because they may be stale."""
        self._under_way.clear()

    async def _fly(
        self, key: _K, ask: Callable[[], Awaitable[_V]], keep: Callable[[_V], None]
    ) -> _V:
        own = asyncio.current_task()
        try:
            found = await ask()
            if self._under_way.get(key) is own:
                keep(found)
            return found
        finally:
            if self._under_way.get(key) is own:
                del self._under_way[key]


def _heard(flight: asyncio.Task[_V]) -> None:
    """Retrieve the exception, because all who waited may be gone and asyncio would log it."""
    if not flight.cancelled():
        flight.exception()
