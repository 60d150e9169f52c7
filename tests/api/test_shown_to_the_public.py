"""Without a credential an indicator is shown only where the plan marks it as public."""

import pytest

from tests.support.api import Door
from tests.support.board import browser, words_of
from tests.support.doors import after_2031 as door
from tests.support.towns import CODE, approve, load, move
from tests.unit.scoring.builders import a_target, an_indicator

__all__ = ["door"]  # fixtures

A, B = (
    an_indicator(code, owners=[owner], targets=[a_target(value=50, year=2031)])
    for code, owner in (("A", "ZW01"), ("B", "ZW02"))
)


async def public_page(door: Door) -> str:
    async with browser(door) as anybody:
        shown = await anybody.get(f"/board/public/{CODE}")
    assert shown.status_code == 200
    return words_of(shown.text)


@pytest.mark.parametrize("marked", [(), ("A",), ("A", "B")])
async def test_only_what_is_marked_is_shown(door: Door, marked: tuple[str, ...]) -> None:
    await load(door, *(one | {"public": one["code"] in marked} for one in (A, B)))
    await move(door, "open")
    await approve(door, "A", "ZW01", value="61")
    await approve(door, "B", "ZW02", value="43")
    await move(door, "publish")
    page = await public_page(door)
    for code, value, lead in (("A", "61.00", "镇1"), ("B", "43.00", "镇2")):
        for said in (f"指标{code}", value, lead):
            assert (said in page) is (code in marked), said
    assert "2项指标中达到目标1项" in page
    assert ("未列为公开" in page) is (len(marked) < 2)
    assert ("必选指标未达标（指标B★）" in page) is ("B" in marked)


async def test_a_mark_that_is_taken_back_holds_at_once(door: Door) -> None:
    await load(door, A | {"public": True}, B | {"public": True})
    await move(door, "open")
    await approve(door, "A", "ZW01", value="61")
    await move(door, "publish")
    assert "指标A" in await public_page(door)
    await load(door, A | {"public": False}, B | {"public": True})
    page = await public_page(door)
    assert "指标A" not in page
    assert "指标B" in page
