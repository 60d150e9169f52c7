"""An indicator that the plan dropped still has its figures on what was drawn before."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api import Door, open_door
from tests.support.board import LEADERS_PAGE, a_board_link, browser
from tests.support.clock import at
from tests.support.towns import CODE, PLAN, answered, approve, board, load, move, paper_of, read
from tests.unit.scoring.builders import a_target, an_indicator

A, B = (
    an_indicator(code, owners=[owner], targets=[a_target(value=50, year=2031)])
    for code, owner in (("A", "ZW01"), ("B", "ZW02"))
)


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """A ledger that published A = 60 and B = 40 in January, by a draft of the plan."""
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        await load(opened, A, B, status="draft", status_text="征求意见稿")
        await move(opened, "open")
        await approve(opened, "A", "ZW01", value="60")
        await approve(opened, "B", "ZW02", value="40")
        await move(opened, "publish")
        yield opened


async def issued_without_b(door: Door) -> None:
    await load(door, A | {"printed_name": "新名★"}, status="issued", status_text="印发稿")


async def test_why_the_score_changed_is_told_to_everybody(door: Door) -> None:
    before = (await board(door))["position"]
    await move(door, "reopen", reason="更正")
    await issued_without_b(door)
    for role, unit in (
        ("office", None),
        ("leader", None),
        ("superior", None),
        ("lead", "ZW01"),
        ("lead", "ZW02"),
        ("reporter", "ZW01"),
        ("integrator", None),
    ):
        query = {"period": "2031", "from": str(before)}
        told = await answered(door, "scoreboard/changes", role, unit, **query)
        assert told.status_code == 200, (role, told.text)
        moved = {one["code"]: one["difference"] for one in told.json()["indicators"]}
        assert moved == {"B": "10"}, role
    earlier = await read(door, "scoreboard/changes", **{"from": "0", "to": "publication:1"})
    assert {one["code"] for one in earlier["indicators"]} == {"A", "B"}
    assert earlier["difference"] == "90"


async def test_the_leaders_page_is_shown_in_every_month_after(door: Door) -> None:
    at(door, "2032-02-03", "10:00:00")
    await move(door, "reopen", reason="更正")
    await issued_without_b(door)
    link = await a_board_link(door, CODE)
    async with browser(door) as leader:
        assert (await leader.get(link["path"], follow_redirects=True)).status_code == 200
        page = LEADERS_PAGE.rsplit("/", 1)[0]
        for day in ("2032-02-20", "2032-03-01"):
            at(door, day, "10:00:00")
            await door.sweep()
            shown = await leader.get(f"{page}/{CODE}", params={"period": "2031"})
            assert shown.status_code == 200, day


async def test_a_published_figure_is_traced_by_its_number(door: Door) -> None:
    await move(door, "reopen", reason="更正")
    await issued_without_b(door)
    traced = await read(door, "indicators/B/score", publication=1)
    assert (traced["period"], traced["score"]["value"]) == ("2031", "40")
    assert [one["value"] for one in traced["submissions"]] == ["40"]
    series = (await read(door, "indicators/B/series"))["items"]
    assert series == [], "the newest scoreboard of each period has it no more"
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("indicators/B/score", {"period": "2031"}, "indicator-not-found"),
        ("indicators/B/score", {"publication": 2}, "publication-not-found"),
        ("indicators/B/score", {"publication": 1, "period": "2030"}, "publication-not-found"),
        ("indicators/X/score", {"publication": 1}, "indicator-not-found"),
        ("indicators/X/series", {}, "indicator-not-found"),
    ]
    for path, query, code in asked:
        refused = await answered(door, path, **query)
        assert (refused.status_code, refused.json()["code"]) == (404, code), path
    instant: dict[str, Any] = {"publication": 1, "as_of": "2032-01-12T00:00:00Z"}
    assert (await answered(door, "indicators/A/score", **instant)).status_code == 422


async def test_who_led_it_then_sees_the_values_behind_it(door: Door) -> None:
    await move(door, "reopen", reason="更正")
    await issued_without_b(door)
    for unit, values, outside in (("ZW02", ["40"], 0), ("ZW01", [], 1)):
        traced = await answered(door, "indicators/B/score", "lead", unit, publication=1)
        body = traced.json()
        assert [one["value"] for one in body["submissions"]] == values, unit
        assert body["submissions_outside_scope"] == outside, unit


async def test_a_papers_figure_still_names_what_it_rests_on(door: Door) -> None:
    paper = await paper_of(door)
    await move(door, "reopen", reason="更正")
    await issued_without_b(door)
    figures = (await read(door, f"/papers/{paper}/figures", page_size=100))["items"]
    number = next(one["number"] for one in figures if one["key"] == "indicator/B")
    traced = await read(door, f"/papers/{paper}/figures/{number}")
    assert [one["value"] for one in traced["submissions"]] == ["40"]
    assert traced["score_path"] is None


async def test_a_publication_keeps_the_status_of_the_plan_it_was_drawn_by(door: Door) -> None:
    await issued_without_b(door)
    published = await board(door, publication=1)
    assert (published["plan_version"], published["plan_status"]) == (1, "draft")
    table = await read(door, "scoreboard/table", publication=1)
    assert (table["plan_status"], table["status_text"]) == ("draft", "征求意见稿")
    assert [one["printed_name"] for one in table["items"]] == ["指标A★", "指标B★"]
    await move(door, "reopen", reason="更正")
    now = await read(door, "scoreboard/table", period="2031")
    assert (now["plan_status"], now["status_text"]) == ("issued", "印发稿")
    assert [one["printed_name"] for one in now["items"]] == ["新名★"]
    assert f"/plans/{now['plan']}" == PLAN
