"""Single flight: of concurrent callers that ask for the same, one asks and all get its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class SingleFlight(Generic[_K, _V]):
    """The looks that are under way, by what is asked for.

    Use it where what many need runs out for all of them at once, as what is kept of a key does: a
    busy caller would send as many looks to the database as it has requests.
    """

    def __init__(self) -> None:
        self._under_way: dict[_K, asyncio.Task[_V]] = {}

    async def look(
        self, key: _K, ask: Callable[[], Awaitable[_V]], keep: Callable[[_V], None]
    ) -> _V:
        """Return what `ask` finds, asked by whoever comes first and kept by `keep`.

        A caller that goes away ends nothing for the others. What `ask` raises is raised to all who
        wait; whoever comes later asks anew.
        """
        flight = self._under_way.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key, ask, keep))
            self._under_way[key] = flight
            flight.add_done_callback(_heard)
        return await asyncio.shield(flight)

    def forget(self) -> None:
        """Let what is found by those under way be kept by nobody, for it may be old."""
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
    """Take note of how it ended, for all who waited may have gone."""
    if not flight.cancelled():
        flight.exception()
