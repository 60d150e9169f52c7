"""What papers say of targets and of those who stand best, figure by figure."""

from tests.support.api import Door
from tests.support.doors import after_2031 as door
from tests.support.towns import approve, load, move, paper, paper_of, read
from tests.unit.scoring.builders import a_target, an_indicator

__all__ = ["door"]  # fixtures

FIFTY = [a_target(value=50, year=2031, text="≥50")]


async def test_scores_of_leads_are_noted_in_plain_digits(door: Door) -> None:
    await load(
        door,
        an_indicator("A", owners=["ZW01"], targets=FIFTY),
        an_indicator("B", owners=["ZW02"], targets=FIFTY),
    )
    await move(door, "open")
    await approve(door, "A", "ZW01", value="0")
    await approve(door, "B", "ZW02", value="30")
    made = await paper_of(door)
    items = (await read(door, f"/papers/{made}/figures"))["items"]
    scores = {one["key"]: one["facts"]["score"] for one in items if one["key"].startswith("lead/")}
    assert scores == {"lead/ZW01": "0", "lead/ZW02": "60"}


async def test_of_more_tied_leads_than_are_named_it_is_said_how_many_there_are(door: Door) -> None:
    units = [{"code": f"U{n:02}", "name": f"单位{n}", "kind": "department"} for n in range(14)]
    rows = [
        an_indicator(f"A{n:02}", owners=[one["code"]], targets=FIFTY) for n, one in enumerate(units)
    ]
    await load(door, *rows, organizations=units)
    await move(door, "open")
    for row, one in zip(rows, units, strict=True):
        await approve(door, row["code"], one["code"], value="50")
    (line,) = [one for one in await paper(door) if one.startswith("牵头单位按所负责指标")]
    assert "等14个单位" in line
