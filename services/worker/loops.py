"""The loop around every kind of work of this process: at once, when woken, and periodically."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import NoReturn, TypeVar

from services.worker.interruption import Interruption

_Thing = TypeVar("_Thing")
_Done = TypeVar("_Done")


async def one_by_one(
    things: Iterable[_Thing], work: Callable[[_Thing], Awaitable[_Done]]
) -> list[_Done]:
    """Do a piece of work for each thing, whatever becomes of the others; return the results.

    Raises:
        Exception: the first fault, raised once all had their turn.
    """
    done: list[_Done] = []
    first: Exception | None = None
    for thing in things:
        try:
            done.append(await work(thing))
        except Exception as error:  # noqa: BLE001 (no fault of one may keep the others)
            first = first or error
    if first is not None:
        raise first
    return done


async def keep_working(
    work: Callable[[], Awaitable[object]],
    name: str,
    *,
    every: float,
    pause: float,
    woken: asyncio.Event | None = None,
) -> NoReturn:
    """Repeat a piece of work forever: at once, whenever `woken`, and every so many seconds.

    A fault, such as an absent database, is logged under the work's `name`, and the work is retried
    after a `pause` in seconds.
    """
    interruption = Interruption(name)
    rung = woken or asyncio.Event()
    while True:
        # Cleared before the work: a wake-up during it starts another round.
        rung.clear()
        try:
            await work()
            interruption.over()
        except Exception as error:  # noqa: BLE001 (no fault may end the loop)
            interruption.met(error)
            await asyncio.sleep(pause)
            continue
        # Not `wait_for`, which on 3.11 swallows a cancellation that arrives with a wake-up.
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await rung.wait()
