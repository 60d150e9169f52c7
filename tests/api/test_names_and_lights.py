"""Names beside codes, and lists narrowed by what people look for: the light, what is overdue."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from sqlalchemy import text

from services.core.kit.clock import Clock
from services.core.milestones.models import Milestone
from services.core.scoring.lights import Light
from services.core.submissions.models import Submission
from tests.support.api import ROOT, XINMI, Door, open_door
from tests.support.contract import CONTRACT
from tests.support.duties import add

NOW = datetime(2026, 2, 2, 1, tzinfo=UTC)
PATH = f"/plans/{XINMI}/milestones"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on Monday, 2026-02-02, with no milestone but those of the test."""
    async with open_door(database_url, offset=NOW - Clock.true_now()) as opened:
        async with opened.held.database.transaction() as session:
            await session.execute(text("DELETE FROM milestone"))
        yield opened


async def _of_every_light(door: Door) -> dict[str, str]:
    """Plant milestones in every state on both sides of today; return their lights by id."""
    base = door.held.database
    for state in ("assigned", "accepted", "declined", "in_progress", "returned", "cancelled"):
        for due in (date(2026, 1, 30), date(2026, 2, 2), date(2026, 6, 30)):
            await add(base, Milestone, state=state, due_date=due, created_at=NOW)
    for grade in ("pass", "fail"):
        await add(base, Milestone, state="closed", grade=grade, due_date=date(2026, 1, 30))
    for handed_in in (datetime(2026, 1, 29, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)):
        await add(
            base,
            Milestone,
            state="completed",
            completed_at=handed_in,
            due_date=date(2026, 1, 30),
        )
    async with await door.as_("office") as office:
        items = (await office.get(PATH, params={"page_size": 500})).json()["items"]
    return {item["id"]: item["light"] for item in items}


async def test_milestones_are_narrowed_by_the_light_they_show(door: Door) -> None:
    lights = await _of_every_light(door)
    assert set(lights.values()) == set(get_args(Light))
    async with await door.as_("office") as office:
        for light in get_args(Light):
            found, query = [], {"light": light, "page_size": 3}
            while True:
                page = (await office.get(PATH, params=query)).json()
                found += [item["id"] for item in page["items"]]
                if page["next_page_token"] is None:
                    break
                query["page_token"] = page["next_page_token"]
            assert sorted(found) == sorted(one for one in lights if lights[one] == light)
        wrong = await office.get(PATH, params={"light": "blue"})
        strange = await office.get(PATH, params={**query, "page_token": "x", "light": "red"})
    assert wrong.status_code == 422
    assert strange.status_code == 400


async def test_milestones_are_narrowed_by_whether_they_are_overdue(door: Door) -> None:
    lights = await _of_every_light(door)
    async with await door.as_("office") as office:
        query = {"page_size": 500}
        late = (await office.get(PATH, params={**query, "overdue": "true"})).json()["items"]
        rest = (await office.get(PATH, params={**query, "overdue": "false"})).json()["items"]
    assert {item["id"] for item in [*late, *rest]} == set(lights)
    assert len(late) == 5, "in each state that is not done, the one that was due before"
    assert {item["days_overdue"] is not None for item in late} == {True}
    assert {item["days_overdue"] for item in rest} == {None}


async def test_names_and_units_of_measure_stand_beside_codes(door: Door) -> None:
    base = door.held.database
    sent = await add(base, Submission)
    gone = await add(base, Submission, indicator_code="Z99", organization_code="UN99")
    planned = await add(base, Milestone, measure_code="14.1", organization_code="UN15")
    async with await door.as_("office") as office:
        one = (await office.get(f"/submissions/{sent}")).json()
        listed = (await office.get(f"/plans/{XINMI}/submissions")).json()["items"]
        milestone = (await office.get(f"/milestones/{planned}")).json()
    names = ("indicator_name", "unit", "organization_name")
    assert tuple(one[name] for name in names) == ("（城区）生活垃圾回收利用率", "%", "市城管局")
    unknown = next(item for item in listed if item["id"] == str(gone))
    assert tuple(unknown[name] for name in names) == ("Z99", None, "UN99")
    assert next(item for item in listed if item["id"] == str(sent)) == one
    assert milestone["organization_name"] == "市城管局"
    assert {"code": "U05", "name": "农膜回收率", "unit": "%"} in milestone["indicators"]


def test_days_have_one_vocabulary_and_say_which_days_they_are() -> None:
    told: list[tuple[str, str, dict[str, Any]]] = [
        (schema, name, member)
        for schema, body in CONTRACT["components"]["schemas"].items()
        for name, member in body.get("properties", {}).items()
        if "days" in name.split("_") and {"left", "overdue"} & set(name.split("_"))
    ]
    assert told
    for schema, name, member in told:
        if not member.get("deprecated"):
            assert name in {"days_left", "days_overdue"}, (schema, name)
            words = member["description"].lower()
            assert "working days" in words or "calendar days" in words, (schema, name)


def test_a_milestone_is_called_by_one_word_in_chinese() -> None:
    places = [ROOT / "services", ROOT / "docs", ROOT / "contracts"]
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    readable = [file for file in files if file.suffix in {".py", ".md", ".yaml", ".json"}]
    assert len(readable) > 100
    wrong = [file.name for file in readable if "节点" in file.read_text("utf-8")]
    assert wrong == []
