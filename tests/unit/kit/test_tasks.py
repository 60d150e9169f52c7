"""Tasks end when they are told to, also those that do not hear it at once."""

import asyncio
import gc

from services.core.kit.tasks import end


async def _deaf(times: int, ends: list[str]) -> None:
    for _ in range(times):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ends.append("swallowed")
    try:
        await asyncio.sleep(3600)
    finally:
        ends.append("ended")


async def _broken() -> None:
    raise RuntimeError


async def test_a_task_that_swallows_the_request_is_told_again() -> None:
    ends: list[str] = []
    tasks = [asyncio.create_task(_deaf(times, ends)) for times in (0, 1, 2)]
    await asyncio.sleep(0)
    await end(*tasks)
    assert all(task.cancelled() for task in tasks)
    assert sorted(ends) == ["ended"] * 3 + ["swallowed"] * 3


async def test_one_that_has_ended_already_is_left_alone_whatever_came_of_it() -> None:
    broken = asyncio.create_task(_broken())
    await asyncio.wait([broken])
    await end(broken)
    await end()
    assert isinstance(broken.exception(), RuntimeError)


async def test_what_a_task_that_failed_meanwhile_raised_is_heard_and_kept_to_itself() -> None:
    async def fails_when_told() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise RuntimeError from None

    task = asyncio.create_task(fails_when_told())
    await asyncio.sleep(0)
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    try:
        await end(task)
        del task
        gc.collect()
        await asyncio.sleep(0)
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert told == []
