"""Of many who ask at once one looks, whatever becomes of it and of those who wait."""

import asyncio
import gc
from typing import Any

import pytest

from services.core.kit.single_flight import SingleFlight


class Place:
    """Something to look at that takes until `open` is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.looks = 0
        self.kept: list[int] = []
        self.fails = False

    async def look(self) -> int:
        self.looks += 1
        number = self.looks
        await self.open.wait()
        if self.fails:
            raise LookupError
        return number


async def _all_waiting() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_looks_for_all_and_the_next_looks_anew() -> None:
    place, flights = Place(), SingleFlight[str, int]()
    waiting = [
        asyncio.create_task(flights.look("a", place.look, place.kept.append)) for _ in range(9)
    ]
    other = asyncio.create_task(flights.look("b", place.look, place.kept.append))
    await _all_waiting()
    place.open.set()
    assert await asyncio.gather(*waiting) == [1] * 9
    assert await other == 2
    assert place.kept == [1, 2]
    assert await flights.look("a", place.look, place.kept.append) == 3


async def test_what_fails_fails_for_all_who_wait_and_for_nobody_after() -> None:
    place, flights = Place(), SingleFlight[str, int]()
    place.fails = True
    waiting = [
        asyncio.create_task(flights.look("a", place.look, place.kept.append)) for _ in range(3)
    ]
    await _all_waiting()
    place.open.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in found] == [LookupError] * 3
    assert (place.looks, place.kept) == (1, [])
    place.fails = False
    assert await flights.look("a", place.look, place.kept.append) == 2


async def test_the_first_may_go_away_and_the_others_have_the_answer() -> None:
    place, flights = Place(), SingleFlight[str, int]()
    first, second = (
        asyncio.create_task(flights.look("a", place.look, place.kept.append)) for _ in range(2)
    )
    await _all_waiting()
    first.cancel()
    place.open.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (place.looks, place.kept) == (1, [1])


@pytest.mark.parametrize("ends", ["failed", "cancelled"])
async def test_how_it_ended_is_nobodys_trouble_where_all_who_waited_have_gone(ends: str) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    place, flights = Place(), SingleFlight[str, int]()
    place.fails = True
    waiting = asyncio.create_task(flights.look("a", place.look, place.kept.append))
    await _all_waiting()
    flight = flights._under_way["a"]
    waiting.cancel()
    if ends == "cancelled":
        flight.cancel()
    place.open.set()
    await _all_waiting()
    assert flight.done()
    del flight, waiting
    gc.collect()
    assert told == []


async def test_what_was_looked_at_before_all_was_forgotten_is_not_kept() -> None:
    place, flights = Place(), SingleFlight[str, int]()
    old = asyncio.create_task(flights.look("a", place.look, place.kept.append))
    await _all_waiting()
    flights.forget()
    new = asyncio.create_task(flights.look("a", place.look, place.kept.append))
    await _all_waiting()
    place.open.set()
    assert (await old, await new) == (1, 2)
    assert place.kept == [2]
