"""Papers compare a whole with a whole, and each period once; they name who is late."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.towns import approve, load, move, paper
from tests.unit.scoring.builders import a_target, an_indicator

SPAN = {"start": "2021-01-01", "end": "2033-12-31"}
CHANGED = re.compile(r"^(增长|下降|提高|持平)")


def an_amount(code: str = "A", **changes: Any) -> dict[str, Any]:
    """An amount that is added up of quarters, at most 23 a year."""
    given: dict[str, Any] = {
        "owners": ["ZW01"],
        "frequency": "quarterly",
        "unit": "万吨",
        "targets": [a_target("at_most", 23, 2033, "≤23")],
        "direction": "lower_better",
        "aggregation": {"periods": "sum"},
    }
    return an_indicator(code, **{**given, **changes})


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2033-02-10", "10:00:00")
        yield opened


async def opened(door: Door, *periods: str) -> None:
    """Open periods that are over; afterwards what they ask for is late."""
    at(door, "2033-01-02", "10:00:00")
    for period in periods:
        await move(door, "open", period, due_date="2033-01-31")
    at(door, "2033-02-10", "10:00:00")
    await door.sweep()


async def quarters(door: Door, year: int, *values: str | None, unit: str = "ZW01") -> None:
    """Report the quarters of a year; None: it is not reported."""
    for number, value in enumerate(values, 1):
        if value is not None:
            await approve(door, "A", unit, f"{year}-Q{number}", value=value)


def changes_in(lines: list[str]) -> list[str]:
    return [line for line in lines if CHANGED.match(line)]


@pytest.mark.parametrize(
    ("before", "now", "marked"),
    [
        (("6", "6", "6", "6.5"), ("5", "5.5", "6", None), "16.50（缺1份）"),
        (("6", None, "6", "6.5"), ("5", "5.5", "6", "6"), "18.50（缺1份）"),
    ],
)
async def test_a_sum_that_lacks_a_part_is_compared_with_nothing(
    door: Door, before: tuple[str | None, ...], now: tuple[str | None, ...], marked: str
) -> None:
    await load(door, an_amount(), span=SPAN)
    await opened(door, "2031", "2031-Q2", "2032", "2032-Q4")
    await quarters(door, 2031, *before)
    await quarters(door, 2032, *now)
    for kind, about in (
        ("bulletin", {}),
        ("special", {"about": {"kind": "indicator", "id": "A"}}),
    ):
        lines = await paper(door, kind, period="2032", **about)
        assert changes_in(lines) == [], kind
        assert not [line for line in lines if "较2031年" in line], kind
        assert marked in lines, kind
        assert [line for line in lines if "缺几份" in line], kind
        assert [line for line in lines if "不相比较" in line], kind
    whole = await paper(door, period="2032-Q3")
    assert "持平" in whole, "a quarter that is there is compared with that of the year before"


async def test_whole_sums_are_compared(door: Door) -> None:
    await load(door, an_amount(), span=SPAN)
    await quarters(door, 2031, "6", "6", "6", "6.5")
    await quarters(door, 2032, "5", "5.5", "6", "6")
    lines = await paper(door, period="2032")
    assert "下降8.16%" in lines
    assert not [line for line in lines if "缺1份" in line or "缺几份" in line]


async def test_a_sum_over_towns_that_lacks_one_is_compared_with_nothing(door: Door) -> None:
    shared = an_amount(
        owners=["ZW01", "ZW02"],
        aggregation={"units": "sum", "periods": "sum"},
    )
    await load(door, shared, span=SPAN)
    await opened(door, "2032-Q4")
    for unit in ("ZW01", "ZW02"):
        await quarters(door, 2032, None, None, "6", unit=unit)
    await quarters(door, 2032, None, None, None, "5")
    lines = await paper(door, period="2032-Q4")
    assert changes_in(lines) == []
    assert "5.00（缺1份）" in lines
    await quarters(door, 2032, None, None, None, "5", unit="ZW02")
    assert "下降16.67%" in await paper(door, period="2032-Q4")


async def test_a_stock_at_the_end_lacks_nothing_of_before(door: Door) -> None:
    stock = an_amount(aggregation={"periods": "last"})
    await load(door, stock, span=SPAN)
    await opened(door, "2032-Q2", "2032-Q4")
    await quarters(door, 2031, "6", "6", "6", "6")
    await quarters(door, 2032, "5", None, "5")
    late = await paper(door, period="2032")
    assert changes_in(late) == []
    assert "5.00（缺1份）" in late
    await quarters(door, 2032, None, None, None, "4.5")
    lines = await paper(door, period="2032")
    assert "下降25.00%" in lines
    assert "4.50" in lines


async def test_a_year_is_compared_with_the_year_before_once(door: Door) -> None:
    rate = an_indicator("B", owners=["ZW02"], frequency="quarterly")
    await load(door, rate, span=SPAN)
    for year, quarter in ((2031, "50"), (2032, "60")):
        for number in range(1, 5):
            await approve(door, "B", "ZW02", f"{year}-Q{number}", value=quarter)
    for kind in ("bulletin", "self_assessment"):
        (said,) = [line for line in await paper(door, kind, period="2032") if "综合得分" in line]
        assert said.count("相比") == said.count("与2031年相比") == 1, kind
    (said,) = [line for line in await paper(door, period="2032-Q4") if "综合得分" in line]
    assert said.count("与2032年第三季度相比") == said.count("与2031年第四季度相比") == 1


async def test_every_paper_names_who_is_late(door: Door) -> None:
    rate = an_indicator("B", owners=["ZW02"])
    await load(door, an_amount(), rate, span=SPAN)
    await opened(door, "2032")
    for kind, about in (
        ("bulletin", {}),
        ("special", {"about": {"kind": "group", "id": "R"}}),
        ("self_assessment", {}),
    ):
        lines = await paper(door, kind, period="2032", **about)
        (late,) = [line for line in lines if line.startswith("逾期未报的单位：")]
        assert "镇2（指标B）" in late, kind
        assert not [line for line in lines if "没有红灯" in line], kind


async def test_a_paper_points_at_annexes_that_it_has(door: Door) -> None:
    many = [
        an_indicator(f"C{number:02}", owners=["ZW01"], targets=[a_target(value=50, year=2032)])
        for number in range(14)
    ]
    await load(door, *many, span=SPAN)
    for number in range(14):
        await approve(door, f"C{number:02}", "ZW01", "2032", value="60")
    for kind in ("bulletin", "self_assessment"):
        lines = await paper(door, kind, period="2032")
        labels = {line for line in lines if re.fullmatch("附件[0-9]*", line)}
        named = {one for line in lines for one in re.findall("见(附件[0-9]*)", line)}
        assert named, kind
        assert named <= labels, kind


async def test_the_year_of_a_document_number_is_that_of_its_issue(door: Door) -> None:
    await load(door, an_amount(), span=SPAN)
    await quarters(door, 2032, "5")
    for kind, about in (
        ("bulletin", {}),
        ("special", {"about": {"kind": "indicator", "id": "A"}}),
    ):
        assert "〔　　〕　　号" in await paper(door, kind, period="2032", **about)
        issued = await paper(door, kind, period="2032", issued_on="2033-02-15", **about)
        assert "〔2033〕　　号" in issued
