"""Cancels our own asyncio tasks reliably, although a library may swallow a cancellation."""

import asyncio

_AGAIN_SECONDS = 0.1


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks until all of them have ended; ignore how they ended.

    Once is not enough: on Python 3.11 `asyncio.wait_for`, which redis-py sends through, loses a
    cancellation that arrives together with its result, and the task goes on.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
