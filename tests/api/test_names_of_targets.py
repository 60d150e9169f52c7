"""A target that was assigned as a number is called by it wherever a target is told of."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import Door, open_door
from tests.support.board import a_board_link, browser, words_of
from tests.support.clock import at
from tests.support.towns import CODE, YEAR, approve, assign, load, paper, read, row_of
from tests.unit.scoring.builders import an_indicator

LEFT_OPEN = {"year": 2031, "kind": "assigned_by_superior", "value": None, "text": "待下达"}
KINDS = {
    "A": ({"kind": "at_least", "value": "70"}, "≥ 70", "60"),
    "B": ({"kind": "at_most", "value": "7.50"}, "≤ 7.5", "6"),
    "C": ({"kind": "between", "value": "3", "upper": "5"}, "3–5", "4"),
    "D": ({"kind": "at_least", "value": "70", "text": "七成以上"}, "七成以上", "80"),
}


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        directions = {"B": "lower_better"}
        await load(
            opened,
            *(
                an_indicator(
                    code,
                    owners=["ZW01"],
                    targets=[LEFT_OPEN],
                    direction=directions.get(code, "higher_better"),
                )
                for code in KINDS
            ),
        )
        for code, (said, _, value) in KINDS.items():
            await assign(opened, code, 2031, **said)
            await approve(opened, code, "ZW01", value=value)
        yield opened


@pytest.mark.parametrize("kind", ["bulletin", "annex2", "special", "self_assessment"])
async def test_every_paper_is_made_and_names_them(door: Door, kind: str) -> None:
    about = {"about": {"kind": "group", "id": "R"}} if kind == "special" else {}
    said = await paper(door, kind, **about)
    assert not [line for line in said if "None" in line]
    for _, name, _ in KINDS.values():
        assert [line for line in said if name in line], name


async def test_the_table_and_the_leaders_page_name_them(door: Door) -> None:
    items = (await read(door, "scoreboard/table", period=YEAR))["items"]
    assert [item["target"] for item in items] == [name for _, name, _ in KINDS.values()]
    assert (await row_of(door, "A"))["target"]["text"] is None, "what was written, and no more"
    link = await a_board_link(door, CODE)
    async with browser(door) as leader:
        page = await leader.get(link["path"], follow_redirects=True)
    for _, name, _ in KINDS.values():
        assert f"目标 {name}" in words_of(page.text), name
