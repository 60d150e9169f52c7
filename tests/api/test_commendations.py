"""The evidence list for commendations: who ranks where, and what speaks against whom."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from services.core.milestones.models import Milestone
from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.support.duties import add
from tests.support.ranked_units import approve, load
from tests.support.statements_counted import fewest
from tests.support.towns import CODE, PLAN

LIST = f"{PLAN}/rankings/commendation"
YEAR = {"period": "2031"}


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """JU01 misses its target, JU02 reported falsely, JU03 nothing, ZW02 promised and did not."""
    async with open_door(module_database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        await load(opened)
        async with await opened.as_("office") as office:
            moved = await office.post(f"{PLAN}/periods/2031/open")
            assert moved.status_code == 200, moved.text
            await approve(opened, "A", "JU01", "9")
            await approve(opened, "B", "JU02", "11")
            await approve(opened, "D", "ZW01", "6")
            await approve(opened, "D", "ZW02", "5")
            of = (await office.get(f"{PLAN}/submissions", params={"indicator_code": "B"})).json()
            path = f"/submissions/{of['items'][0]['id']}/falsify"
            false = await office.post(path, json={"reason": "与现场核查不符"})
            assert false.status_code == 200, false.text
        day = date(2032, 2, 10)
        place = {"plan_code": CODE, "organization_code": "ZW02"}
        await add(
            opened.held.database,
            Milestone,
            due_date=day,
            original_due_date=day,
            title="建站",
            **place,
        )
        at(opened, "2032-02-20", "10:00:00")
        await opened.react()
        yield opened


async def listed(door: Door, role: str, unit: str | None = None, **query: str) -> dict[str, Any]:
    async with await door.as_(role, unit) as client:
        answer = await client.get(LIST, params={**YEAR, **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def against(body: dict[str, Any]) -> dict[str, list[str]]:
    return {
        one["organization_code"]: [each["reason_code"] for each in one["exclusions"]]
        for one in body["items"]
    }


async def test_each_exclusion_stands_with_its_evidence(door: Door) -> None:
    found = await listed(door, "office")
    assert against(found) == {
        "ZW01": [],
        "ZW02": ["overdue_milestone"],
        "JU01": ["red_light"],
        "JU02": ["red_light", "falsified_data"],
        "JU03": ["overdue_report"],
    }
    units = {one["organization_code"]: one for one in found["items"]}
    assert [one for one, told in units.items() if told["eligible"]] == ["ZW01"]
    assert (units["ZW01"]["place"], units["ZW01"]["score"]) == (1, "100")
    (red,) = units["JU01"]["exclusions"][0]["evidence"]
    assert (red["indicator_code"], red["submission_id"]) == ("A", None)
    assert red["detail"]
    (false,) = units["JU02"]["exclusions"][1]["evidence"]
    assert (false["indicator_code"], false["period"]) == ("B", "2031")
    assert (false["detail"], false["milestone_id"]) == ("与现场核查不符", None)
    assert false["submission_id"]
    (late,) = units["ZW02"]["exclusions"][0]["evidence"]
    assert (late["title"], late["due_date"]) == ("建站", "2032-02-10")
    assert late["milestone_id"]
    (owed,) = units["JU03"]["exclusions"][0]["evidence"]
    assert (owed["indicator_code"], owed["due_date"]) == ("C", "2032-01-31")
    assert (found["overdue_on"], found["limited_to_scope"]) == ("2032-02-20", False)


async def test_townships_answer_for_their_own_lights(door: Door) -> None:
    found = await listed(door, "leader", group="township")
    assert against(found) == {"ZW01": ["red_light"], "ZW02": ["overdue_milestone"], "ZW03": []}
    units = {one["organization_code"]: one for one in found["items"]}
    assert units["ZW03"]["eligible"] is False, "who takes no place is not proposed"
    assert units["ZW03"]["not_ranked_reason"] == "计划没有给该单位单独的目标值，无从比较"


async def test_a_unit_sees_itself_and_the_superior_nobody(door: Door) -> None:
    own = await listed(door, "reporter", "JU02")
    assert list(against(own)) == ["JU02"]
    assert own["limited_to_scope"] is True
    assert against(await listed(door, "superior")) == {}


async def test_it_takes_the_same_statements_for_one_unit_and_for_all(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("reporter", "JU02") as unit:

        async def every() -> object:
            return await office.get(LIST, params=YEAR)

        async def one() -> object:
            return await unit.get(LIST, params=YEAR)

        assert await fewest(door, every, every) == await fewest(door, one, one)


async def test_a_key_that_reads_no_milestones_is_refused(door: Door) -> None:
    secret = await door.new_key("leader", scopes=["plan:read", "submissions:read"])
    async with door.client(secret) as client:
        refused = await client.get(LIST, params=YEAR)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
