"""A difference names the deeds that made it, and the day where it was the day."""

from typing import Any

import pytest

from tests.support.api import Door
from tests.support.clock import at
from tests.support.doors import after_2031 as door
from tests.support.towns import PLAN, TOWNS, YEAR, answered, approve, board, load, move, read
from tests.unit.scoring.builders import a_target, an_indicator

__all__ = ["door"]  # fixtures

A, B, C = (
    an_indicator(code, owners=[owner], targets=[a_target(value=100, year=2031)])
    for code, owner in zip("ABC", TOWNS, strict=True)
)


async def causes_since(door: Door, position: int) -> dict[str, list[tuple[str, list[str]]]]:
    """Return by indicator its causes: kind, and the subjects of the events behind it."""
    told = await read(door, "scoreboard/changes", period=YEAR, **{"from": str(position)})
    log: dict[str, Any] = {}
    for event in (await read(door, "/events", limit=500))["items"]:
        log[event["id"]] = event["subject"]["id"].partition("/")[2] + " " + event["type"]
    return {
        one["code"]: [
            (cause["kind"], [log[event["id"]] for event in cause["events"]])
            for cause in one["causes"]
        ]
        for one in told["indicators"]
    }


async def test_each_question_is_named_for_what_it_was_about(door: Door) -> None:
    about = {"QA": ["indicator:A"], "QB": ["indicator:B"], "QR": ["group:R"]}
    questions = [
        {"id": name, "subjects": of, "text": "待核实", "text_en": "open", "effect": "no_verdict"}
        for name, of in about.items()
    ]
    await load(door, A, B, C, open_questions=questions)
    for code, unit in zip("ABC", TOWNS, strict=True):
        await approve(door, code, unit, value="50")
    before = (await board(door))["position"]
    async with await door.as_("office") as office:
        for name in about:
            said = {"decision": "定", "document_number": "号", "document_date": "2032-01-02"}
            done = await office.post(f"{PLAN}/open-questions/{name}/settle", json=said)
            assert done.status_code == 200, done.text
    await door.sweep()
    found = await causes_since(door, before)
    settled = {
        code: [name.split()[0] for kind, names in causes for name in names if kind == "rule"]
        for code, causes in found.items()
    }
    assert settled == {"A": ["QA", "QR"], "B": ["QB", "QR"], "C": ["QR"]}


async def test_what_fell_due_is_the_days_doing(door: Door) -> None:
    await load(door, A, B)
    await approve(door, "A", "ZW01", value="100")
    before = (await board(door))["position"]
    await move(door, "open")
    at(door, "2032-02-12", "10:00:00")
    await door.sweep()
    assert (await causes_since(door, before))["B"] == [("day", [])]


async def test_what_was_closed_before_it_was_due_is_the_closings(door: Door) -> None:
    await load(door, A, B)
    await approve(door, "A", "ZW01", value="100")
    before = (await board(door))["position"]
    await move(door, "open")
    await move(door, "close")
    ((kind, names),) = (await causes_since(door, before))["B"]
    assert (kind, names) == ("period", [f"{YEAR} period.closed"])


@pytest.mark.parametrize("path", ["scoreboard/changes", "scoreboard/comparison"])
async def test_two_boards_of_a_period_are_given_in_their_order(door: Door, path: str) -> None:
    await load(door, A)
    await approve(door, "A", "ZW01", value="90")
    first = (await board(door))["position"]
    await move(door, "open")
    await move(door, "publish")
    turned = {"from": "publication:1", "to": str(first), "period": YEAR}
    before = await answered(door, path, **turned)
    assert before.status_code == 422, before.text
    assert before.json()["errors"][0]["code"] == "not-before-to"
