"""Rankings by a score sheet, and a changed sheet tried on what was found, side by side."""

from typing import Any

import httpx
import pytest

from services.core.plan.rules import read_document
from tests.support.api import Door
from tests.support.assessments import (
    ASSESSOR,
    FOUND,
    OTHER_TOWN,
    SHEETS_OF_PLAN,
    STREET,
    TOWN,
    a_sheet,
    an_assessment,
)
from tests.support.observed import load_sources, with_sources
from tests.support.statements_counted import fewest

RANKINGS = f"{SHEETS_OF_PLAN}/TOWN/rankings"
DRY_RUN = f"{SHEETS_OF_PLAN}/TOWN/dry-run"
YEAR = {"period": "2025"}


@pytest.fixture(scope="module", autouse=True)
async def year(door: Door) -> None:
    """Two towns that are equal, one behind them, a street, and one that is not published."""
    await load_sources(door)
    worse = {**FOUND, "B1": {"count": 9}}
    await an_assessment(door, "published", organization_code=TOWN)
    await an_assessment(door, "published", organization_code=OTHER_TOWN)
    await an_assessment(door, "published", organization_code="410183102", findings=worse)
    await an_assessment(door, "published", organization_code=STREET, findings=worse)
    await an_assessment(door, "confirmed", organization_code="410183103")
    await an_assessment(door, "draft", organization_code="410183104")


def order(answer: httpx.Response) -> list[tuple[str, int, int, int]]:
    return [
        (one["subject_key"], one["place"], one["tied"], one["ranked"])
        for one in answer.json()["items"]
    ]


async def test_equals_share_a_place_within_their_kind(door: Door) -> None:
    async with await door.as_("office") as office:
        found = await office.get(RANKINGS, params=YEAR)
        whole = await office.get(RANKINGS, params={**YEAR, "basis": "confirmed"})
        kept = await office.get(
            RANKINGS, params=YEAR, headers={"If-None-Match": found.headers["ETag"]}
        )
    towns = [(TOWN, 1, 2, 3), (OTHER_TOWN, 1, 2, 3), ("410183102", 3, 1, 3)]
    street = [(STREET, 1, 1, 1)]
    groups = {one["comparable_group"] for one in found.json()["items"]}
    assert groups == {"town", "subdistrict"}
    assert sorted(order(found)) == sorted([*towns, *street])
    assert [(one["subject_key"], one["reason_code"]) for one in found.json()["not_ranked"]] == [
        ("410183103", "not_published"),
        ("410183104", "not_confirmed"),
    ]
    assert ("410183103", 1, 3, 4) in order(whole)
    assert [one["subject_key"] for one in whole.json()["not_ranked"]] == ["410183104"]
    assert kept.status_code == 304


async def test_a_unit_is_told_its_own_place_and_among_how_many(door: Door) -> None:
    async with (
        await door.as_("reporter", "410183102") as town,
        await door.as_("reporter", "410183103") as waiting,
        await door.as_("lead", ASSESSOR) as assessor,
        await door.as_("superior") as superior,
    ):
        own = await town.get(RANKINGS, params=YEAR)
        refused = await town.get(RANKINGS, params={**YEAR, "basis": "confirmed"})
        nothing = (await waiting.get(RANKINGS, params=YEAR)).json()
        every = await assessor.get(RANKINGS, params={**YEAR, "basis": "confirmed"})
        above = (await superior.get(RANKINGS, params=YEAR)).json()
    assert order(own) == [("410183102", 3, 1, 3)]
    assert own.json()["limited_to_scope"] is True
    assert refused.status_code == 403
    assert (nothing["items"], nothing["not_ranked"]) == ([], [])
    assert len(every.json()["items"]) == 5
    assert (len(above["items"]), above["not_ranked"]) == (4, [])


async def test_a_changed_sheet_is_tried_with_both_rankings_side_by_side(door: Door) -> None:
    changed: list[dict[str, Any]] = [dict(one) for one in a_sheet()["items"]]
    changed[1] |= {"points": "1"}
    new = {"code": "E1", "name": "新增", "kind": "occurrences", "full": 10, "points": 1}
    async with await door.as_("office") as office:
        before = await door.held.database.pool.fetchval("SELECT count(*) FROM event")
        cheap = await office.post(DRY_RUN, json={**YEAR, "sheet": a_sheet(items=changed)})
        asks = await office.post(DRY_RUN, json={**YEAR, "sheet": a_sheet(items=[*changed, new])})
        other = await office.post(
            DRY_RUN, json={**YEAR, "sheet": a_sheet(code="VILLAGE", units=["X"])}
        )
        after = await door.held.database.pool.fetchval("SELECT count(*) FROM event")
    told = cheap.json()
    assert (told["examined"], told["moved"]) == (5, 5)
    sides = {
        one["subject_key"]: (one["before"]["total"], one["after"]["total"], one["difference"])
        for one in told["items"]
    }
    assert sides[TOWN] == ("88.5", "91.5", "3")
    assert sides["410183102"] == ("76.5", "85.5", "9")
    assert [one["before"]["colour"] for one in told["items"] if one["subject_key"] == TOWN] == [
        "blue"
    ]
    assert [one["after"]["colour"] for one in told["items"] if one["subject_key"] == TOWN] == [
        "green"
    ]
    first = asks.json()["items"][0]
    assert (first["after"]["place"], first["difference"]) == (None, None)
    assert first["after"]["reason"] == "尚有未评的项：E1"
    assert [(one["pointer"], one["code"]) for one in other.json()["errors"]] == [
        ("/sheet/units/0", "unknown-organization"),
        ("/sheet/code", "another-sheet"),
    ]
    assert before == after


async def test_a_unit_that_is_to_be_assessed_and_was_not_takes_no_place(door: Door) -> None:
    document = with_sources().model_dump(mode="json", exclude_none=True)
    sheets = [a_sheet(units=[TOWN, "410183105"]), *document["score_sheets"][1:]]
    await door.load(read_document({**document, "score_sheets": sheets}))
    await door.react()
    async with await door.as_("office") as office:
        found = await office.get(RANKINGS, params=YEAR)
    not_ranked = {one["subject_key"]: one["reason_code"] for one in found.json()["not_ranked"]}
    assert not_ranked["410183105"] == "not_assessed"
    assert TOWN not in not_ranked


async def test_it_takes_the_same_statements_for_one_and_for_many(door: Door) -> None:
    async with await door.as_("office") as office:

        def ranked(period: str) -> Any:
            async def ask() -> httpx.Response:
                return await office.get(RANKINGS, params={"period": period})

            return ask

        none = await fewest(door, ranked("2026"), ranked("2026"))
        many = await fewest(door, ranked("2025"), ranked("2025"))
    assert none == many
