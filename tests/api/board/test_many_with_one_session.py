"""What is kept of a credential ends for all its calls at once; one of them looks it up."""

import asyncio

from tests.support.api import Door
from tests.support.board import LEADERS_PAGE, signed_in_browser
from tests.support.doors import own_door as door
from tests.support.people import somebody
from tests.support.statements_counted import statements_of

__all__ = ["door"]  # fixtures


async def test_of_many_calls_of_one_session_one_looks_it_up(door: Door) -> None:
    async with await signed_in_browser(door, await somebody(door, "boss", "leader")) as boss:
        await boss.get(LEADERS_PAGE)
        door.held.keys.forget()
        with statements_of(door) as alone:
            await boss.get(LEADERS_PAGE)
        door.held.keys.forget()
        with statements_of(door) as together:
            answers = await asyncio.gather(*(boss.get(LEADERS_PAGE) for _ in range(20)))
    assert {one.status_code for one in answers} == {200}
    assert len(together) == len(alone) > 0
