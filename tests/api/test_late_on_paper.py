"""Papers name who is late as the obligations do: no more units, no fewer, and by their names."""

import pytest

from tests.support.api import Door
from tests.support.clock import at
from tests.support.doors import after_2031 as door
from tests.support.towns import (
    UNITS,
    YEAR,
    approve,
    decide,
    hand_in,
    load,
    move,
    paper,
    read,
    row_of,
)
from tests.unit.scoring.builders import a_target, an_indicator

__all__ = ["door"]  # fixtures

ADDED = {"units": "sum"}
FIFTY = [a_target(value=50, year=2031)]


async def owing(door: Door) -> set[str]:
    """Return the units of which the obligations say that something is missing."""
    found = await read(door, "obligations", status="missing", page_size=500)
    return {item["organization_code"] for item in found["items"]}


def said_of(lines: list[str], begin: str) -> str:
    return next((line for line in lines if line.startswith(begin)), "")


@pytest.mark.parametrize("kind", ["bulletin", "self_assessment"])
async def test_what_waits_for_a_decision_is_not_late(door: Door, kind: str) -> None:
    owners = (("A", "ZW01"), ("B", "ZW02"), ("C", "ZW03"), ("D", "ZW03"))
    await load(door, *(an_indicator(code, owners=[of], targets=FIFTY) for code, of in owners))
    await move(door, "open")
    await hand_in(door, "A", "ZW01", value="60")
    returned = await hand_in(door, "D", "ZW03", value="60")
    await decide(door, returned, "return", reason="核对")
    await approve(door, "B", "ZW02", value="60")
    at(door, "2032-02-12", "10:00:00")
    await door.sweep()
    assert await owing(door) == {"ZW03"}
    lines = await paper(door, kind)
    assert said_of(lines, "逾期未报的单位：") == "逾期未报的单位：镇3（指标C）。"
    waiting = said_of(lines, "已报送而尚未审定")
    assert waiting.endswith("单位：镇1（指标A）；镇3（指标D）。")
    totals = "".join(lines)
    assert "应报未报1项" in totals
    assert "已报未审定2项" in totals
    assert lines.count("已报未审定") == 2, "in the table of the indicators"
    await hand_in(door, "C", "ZW03", value="60")
    assert await owing(door) == set()
    assert not said_of(await paper(door, kind), "逾期未报的单位：")


async def test_of_many_units_none_is_left_out(door: Door) -> None:
    units = [{"code": f"T{n}", "name": f"乡{n}", "kind": "town"} for n in range(1, 6)]
    owners = [str(unit["code"]) for unit in units]
    added = {"units": "sum", "periods": "sum"}
    monthly = an_indicator(
        "A", owners=owners, frequency="monthly", targets=FIFTY, aggregation=added
    )
    at(door, "2031-12-31", "10:00:00")
    await load(door, monthly, organizations=units)
    for month in range(1, 13):
        await move(door, "open", f"2031-{month:02}", due_date="2032-01-20")
    for month in range(1, 12):
        await approve(door, "A", "T5", f"2031-{month:02}", value="1")
    at(door, "2032-02-12", "10:00:00")
    await door.sweep()
    reporting = (await row_of(door, "A"))["reporting"]
    late = {one["organization_code"]: one["periods"] for one in reporting["late"]}
    assert set(late) == await owing(door) == set(owners)
    assert (late["T5"], len(late["T1"])) == (["2031-12"], 12)
    assert (len(reporting["absent"]), reporting["overdue"]) == (20, 49)
    named = said_of(await paper(door), "逾期未报的单位：")
    assert [f"乡{n}（" in named for n in range(1, 6)] == [True] * 5


async def test_who_left_the_plan_stays_late_under_its_name(door: Door) -> None:
    shared = an_indicator("A", owners=["ZW01", "ZW02", "ZW03"], targets=FIFTY, aggregation=ADDED)
    await load(door, shared)
    await move(door, "open")
    for unit in ("ZW01", "ZW02"):
        await approve(door, "A", unit, value="30")
    await move(door, "close")
    await load(door, shared | {"owners": ["ZW01", "ZW02"]}, organizations=UNITS[:2])
    assert await owing(door) == {"ZW03"}
    row = await row_of(door, "A")
    assert row["reporting"]["late"] == [
        {"organization_code": "ZW03", "name": "镇3", "periods": [YEAR]}
    ]
    assert "镇3" in row["reason"]
    rates = (await read(door, "reporting-rates", period=YEAR, by="period"))["items"]
    assert [(one["expected"], one["reported"], one["missing"]) for one in rates] == [(3, 2, 1)]
    late = (await read(door, "late"))["items"]
    assert [one["organization_code"] for one in late] == ["ZW03"]
    assert said_of(await paper(door), "逾期未报") == "逾期未报的单位：镇3（指标A）。"
