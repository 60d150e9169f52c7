"""Through the door: units in comparable groups, who takes no place, and who is told of whom."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.ranked_units import approve, load
from tests.support.towns import PLAN


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    async with open_door(module_database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        await load(opened)
        async with await opened.as_("office") as office:
            moved = await office.post(f"{PLAN}/periods/2031/open")
            assert moved.status_code == 200, moved.text
        await approve(opened, "A", "JU01", "9")
        await approve(opened, "B", "JU02", "9", returned=1)
        await approve(opened, "D", "ZW01", "6")
        await approve(opened, "D", "ZW02", "5")
        await opened.react()
        yield opened


async def ranked(door: Door, role: str, unit: str | None = None, **query: str) -> dict[str, Any]:
    path = f"{PLAN}/rankings{'/reporting' if query.pop('by', '') else ''}"
    async with await door.as_(role, unit) as client:
        answer = await client.get(path, params={"period": "2031", **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def told(body: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in body["items"]]


async def test_leads_share_a_place_and_who_cannot_be_assessed_takes_none(door: Door) -> None:
    found = await ranked(door, "leader")
    names = ("organization_code", "place", "tied", "ranked", "score", "indicators", "assessed")
    assert told(found, *names) == [
        ("ZW01", 1, 2, 4, "100", 1, 1),
        ("ZW02", 1, 2, 4, "100", 1, 1),
        ("JU01", 3, 2, 4, "90", 1, 1),
        ("JU02", 3, 2, 4, "90", 1, 1),
    ]
    (absent,) = found["not_ranked"]
    assert (absent["organization_code"], absent["reason_code"]) == ("JU03", "nothing_assessed")
    assert {one["few"] for one in found["items"]} == {True}
    assert found["position"] > 0
    # The scoreboard is everybody's who may read the plan, and so is what is added from its rows.
    same = await ranked(door, "reporter", "JU03")
    assert (same["items"], same["limited_to_scope"]) == (found["items"], False)


async def test_townships_are_beside_their_kind_and_told_to_whom_they_belong(door: Door) -> None:
    found = await ranked(door, "office", group="township")
    assert told(found, "organization_code", "comparable_group", "place", "ranked", "score") == [
        ("ZW02", "town", 1, 2, "100"),
        ("ZW01", "town", 2, 2, "75"),
    ]
    assert [one["reason_code"] for one in found["not_ranked"]] == ["no_own_targets"]
    mine = await ranked(door, "reporter", "ZW01", group="township")
    assert told(mine, "organization_code", "place", "ranked") == [("ZW01", 2, 2)]
    assert (mine["not_ranked"], mine["limited_to_scope"]) == ([], True)


async def test_reporting_counts_what_was_complete_in_time_not_returned_and_undisputed(
    door: Door,
) -> None:
    found = await ranked(door, "office", by="reporting")
    names = ("organization_code", "place", "score", "expected", "reported", "not_returned")
    assert told(found, *names) == [
        ("JU01", 1, "100", 1, 1, 1),
        ("ZW01", 1, "100", 1, 1, 1),
        ("ZW02", 1, "100", 1, 1, 1),
        ("JU02", 4, "75", 1, 1, 0),
    ]
    # JU03 has until the end of the month: nobody is behind with what is not due yet.
    assert [one["reason_code"] for one in found["not_ranked"]] == ["nothing_expected"]
    mine = await ranked(door, "reporter", "JU02", by="reporting")
    assert told(mine, "organization_code", "place") == [("JU02", 4)]
    assert mine["limited_to_scope"] is True


async def test_a_board_may_be_named_and_other_names_are_refused(door: Door) -> None:
    path = f"{PLAN}/rankings"
    async with await door.as_("reporter", "JU01") as unit, await door.as_("office") as office:
        early = await office.get(path, params={"as_of": "2031-01-01T00:00:00Z"})
        assert (early.status_code, early.json()["position"]) == (200, 0)
        assert {one["reason_code"] for one in early.json()["not_ranked"]} == {"nothing_assessed"}
        assert (await office.get(path, params={"publication": "7"})).status_code == 404
        both = {"publication": "1", "as_of": "2031-01-01T00:00:00Z"}
        assert (await office.get(path, params=both)).status_code == 422
        assert (await unit.get(path, params={"basis": "submitted"})).status_code == 403
        assert (await office.get(path, params={"group": "village"})).status_code == 422


async def test_a_plan_that_shows_tiers_shows_no_order_and_what_was_published_stays(
    door: Door,
) -> None:
    async with await door.as_("office") as office:
        for verb in ("close", "publish"):
            moved = await office.post(f"{PLAN}/periods/2031/{verb}")
            assert moved.status_code == 200, moved.text
    await door.react()
    before = await ranked(door, "leader", publication="1")
    await load(door, rankings={"shown": "tiers", "few": 1})
    async with await door.as_("office") as office:
        again = await office.post(f"{PLAN}/periods/2031/reopen", json={"reason": "更正"})
        assert again.status_code == 200, again.text
    await door.react()
    assert await ranked(door, "leader", publication="1") == before
    assert (before["shown"], before["items"][0]["place"]) == ("order", 1)
    found = await ranked(door, "leader")
    names = ("organization_code", "place", "score", "display", "tier", "few")
    assert told(found, *names) == [
        ("JU01", None, None, None, "excellent", False),
        ("JU02", None, None, None, "excellent", False),
        ("ZW01", None, None, None, "excellent", False),
        ("ZW02", None, None, None, "excellent", False),
    ]
