"""A page is made once for all who see the same, however many ask; its forms are each one's own."""

import asyncio
from functools import partial

import httpx

from tests.support.api import IN_TIME, XINMI, Door
from tests.support.board import LEADERS_PAGE, browser, signed_in_browser, token_in
from tests.support.doors import own_door as door
from tests.support.people import somebody
from tests.support.statements_counted import fewest, statements_of

__all__ = ["door"]  # fixtures


async def signed_in(door: Door, name: str, role: str, unit: str | None = None) -> httpx.AsyncClient:
    return await signed_in_browser(door, await somebody(door, name, role, unit))


async def test_two_leaders_are_given_one_page_and_the_token_of_each(door: Door) -> None:
    async with (
        await signed_in(door, "one", "leader") as one,
        await signed_in(door, "two", "leader") as two,
    ):
        first, second = await one.get(LEADERS_PAGE), await two.get(LEADERS_PAGE)
        again = await two.get(LEADERS_PAGE)
        calls = [partial(two.get, LEADERS_PAGE)] * 3
        assert await fewest(door, *calls) == 0
        mine, theirs = token_in(first.text), token_in(second.text)
        assert again.text == second.text
        assert mine != theirs
        assert first.text.replace(mine, "") == second.text.replace(theirs, "")
        assert first.headers["ETag"] != second.headers["ETag"], "an old token is never shown again"
        same = await two.get(LEADERS_PAGE, headers={"If-None-Match": second.headers["ETag"]})
        other = await two.get(LEADERS_PAGE, headers={"If-None-Match": first.headers["ETag"]})
        assert (same.status_code, other.status_code) == (304, 200)
        out = await two.post("/board/sign-out", data={"form_token": theirs})
        assert out.status_code == 303


async def test_who_sees_otherwise_is_given_a_page_of_its_own(door: Door) -> None:
    async with (
        await signed_in(door, "boss", "leader") as boss,
        await signed_in(door, "desk", "office") as desk,
        await signed_in(door, "clerk", "reporter", "UN15") as clerk,
        await signed_in(door, "other", "reporter", "UN22") as other,
    ):
        shown = [(await client.get(LEADERS_PAGE)).text for client in (boss, desk, clerk, other)]

        async def each() -> None:
            for client in (boss, desk, clerk, other):
                await client.get(LEADERS_PAGE)

        assert await fewest(door, each, each, each) == 0, "each is kept beside the others"
    pages = [page.replace(token_in(page), "") for page in shown]
    assert "/office" in pages[1]
    assert "/office" not in pages[0]
    assert "/unit" in pages[2]
    assert len({*pages[:3]}) == 3


async def test_of_many_who_ask_at_once_one_makes_it(door: Door) -> None:
    async with await signed_in(door, "boss", "leader") as boss:
        await boss.get(LEADERS_PAGE)
        async with await door.as_("office") as office:
            opened = await office.post(f"/plans/{XINMI}/periods/2025/open", json=IN_TIME)
            assert opened.status_code == 200, opened.text
        await door.react()
        with statements_of(door) as once:
            await boss.get(LEADERS_PAGE)
        async with await door.as_("office") as office:
            closed = await office.post(f"/plans/{XINMI}/periods/2025/close")
            assert closed.status_code == 200, closed.text
        await door.react()
        with statements_of(door) as together:
            answers = await asyncio.gather(*(boss.get(LEADERS_PAGE) for _ in range(30)))
    assert {one.status_code for one in answers} == {200}
    assert len({one.text for one in answers}) == 1
    assert 0 < len(together) < 2 * len(once)


async def test_who_is_nobody_is_never_given_a_page_that_is_kept(door: Door) -> None:
    async with await signed_in(door, "boss", "leader") as boss:
        assert (await boss.get(LEADERS_PAGE)).status_code == 200
    async with browser(door) as nobody:
        assert (await nobody.get(LEADERS_PAGE)).status_code == 303
