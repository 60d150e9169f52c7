"""A subscribed calendar asks for nothing that a closed period takes no more."""

from icalendar import Calendar

from tests.support.api import Door
from tests.support.clock import at
from tests.support.doors import after_2031 as door
from tests.support.towns import PLAN, TOWNS, approve, load, move
from tests.unit.scoring.builders import a_target, an_indicator

__all__ = ["door"]  # fixtures

A, B = (
    an_indicator(code, owners=[TOWNS[0]], targets=[a_target(value=50, year=2031)])
    for code in ("A", "B")
)


async def entries(door: Door, path: str) -> dict[str, tuple[str, int, int]]:
    """Return by indicator its entry: status, sequence, and how often it reminds."""
    async with door.client(None) as program:
        answer = await program.get(f"http://wufei.test{path}")
    assert answer.status_code == 200, answer.text
    return {
        code: (str(entry["STATUS"]), int(str(entry["SEQUENCE"])), len(entry.alarms.times))
        for entry in Calendar.from_ical(answer.content).events
        for code in ("A", "B")
        if f"指标{code}" in str(entry["SUMMARY"]) + str(entry.get("DESCRIPTION", ""))
    }


async def test_what_was_not_handed_in_is_asked_for_only_while_it_can_be(door: Door) -> None:
    await load(door, A, B)
    await move(door, "open")
    await approve(door, "A", "ZW01", value="60")
    async with await door.as_("office") as office:
        body = {"scope": "unit", "organization_code": "ZW01", "name": "日历"}
        made = await office.post(f"{PLAN}/calendar-tokens", json=body)
    path = made.json()["path"]
    opened = await entries(door, path)
    assert [opened[code][0] for code in "AB"] == ["CONFIRMED", "CONFIRMED"]
    assert [opened[code][2] for code in "AB"] == [0, 2]
    at(door, "2032-02-12", "10:00:00")
    await move(door, "close")
    closed = await entries(door, path)
    assert [closed[code][0] for code in "AB"] == ["CONFIRMED", "CANCELLED"]
    assert closed["B"][2] == 0
    await move(door, "reopen", due_date="2032-03-01")
    again = await entries(door, path)
    assert (again["B"][0], again["B"][2]) == ("CONFIRMED", 2)
    assert opened["B"][1] < closed["B"][1] < again["B"][1]
