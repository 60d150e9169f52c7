"""Named cells against the quota by category and unit: told where it is full, or refused."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, open_door, xinmi
from tests.support.cells import CELL_KEEPER, CELL_LEAD, added_cell
from tests.support.statements_counted import fewest

TOLD, REFUSED, YEARLY = "410183-2034", "410183-2035", "410183-2036"
NUMBERS = [
    {"year": 2025, "choice": "school", "unit": CELL_KEEPER, "wanted": 1},
    {"year": 2025, "choice": "school", "unit": "UN10", "wanted": 2},
    {"year": 2025, "choice": "scenic", "wanted": 3},
]
Client = httpx.AsyncClient


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The plan of Xinmi under two other codes: one tells what is beyond a quota, one refuses it."""
    async with open_door(database_url) as opened:
        for code, over in ((TOLD, "told"), (REFUSED, "refused")):
            plan: Any = xinmi().model_dump(mode="json")
            cells = next(one for one in plan["registers"] if one["code"] == "CELL")
            cells["quota"] |= {"over": over, "numbers": NUMBERS}
            cells["evidence"] = []
            await opened.load(read_document({**plan, "code": code}))
        yield opened


def rows_of(plan: str) -> str:
    return f"/plans/{plan}/registers/CELL/rows"


async def a_named_cell(unit: Client, plan: str, **values: Any) -> str:
    said = {"stage": "named", "named_on": "2025-11-20", **values}
    return await added_cell(unit, rows_of(plan), **said)


async def lines(client: Client, plan: str, **query: Any) -> list[tuple[Any, ...]]:
    answer = await client.get(f"/plans/{plan}/registers/CELL/quotas", params=query)
    assert answer.status_code == 200, answer.text
    members = ("choice", "organization_code", "named", "wanted", "over")
    return [tuple(one[name] for name in members) for one in answer.json()["items"]]


async def test_named_cells_are_counted_against_the_quota_and_what_is_beyond_is_told(
    door: Door,
) -> None:
    async with (
        await door.as_("reporter", CELL_KEEPER) as unit,
        await door.as_("lead", CELL_LEAD) as lead,
        await door.as_("reporter", "UN10") as other,
    ):
        made = [await a_named_cell(unit, TOLD) for _ in range(2)]
        made.append(await a_named_cell(unit, TOLD, category="scenic"))
        made.append(await a_named_cell(unit, TOLD, stage="noticed"))
        assert [one[2] for one in await lines(lead, TOLD, period="2025")] == [0] * 9
        for path in made:
            assert (await lead.post(f"{path}/confirm")).status_code == 200, path
        found = await lines(lead, TOLD, period="2025-Q2")
        assert found[1:4] == [
            ("school", None, 2, 3, 0),
            ("school", "UN10", 0, 2, 0),
            ("school", CELL_KEEPER, 2, 1, 1),
        ]
        assert ("scenic", None, 1, 3, 0) in found
        assert ("agency", None, 0, None, 0) in found
        assert await lines(unit, TOLD, period="2025") == [
            ("school", CELL_KEEPER, 2, 1, 1),
            ("scenic", CELL_KEEPER, 1, None, 0),
        ]
        assert await lines(other, TOLD, period="2025") == [("school", "UN10", 0, 2, 0)]
        assert {one[3] for one in await lines(lead, TOLD, period="2024")} == {None}
        figures = await lead.get(f"/plans/{TOLD}/registers/CELL/measures?period=2025")
        (figure,) = figures.json()["items"]
        assert (figure["value"], figure["wanted"]) == ("3", 6)
        ended = await lead.post(
            f"{made[0]}/revoke", json={"reason": "复核不合格", "ended_on": "2025-12-01"}
        )
        assert ended.status_code == 200
        assert ("school", CELL_KEEPER, 1, 1, 0) in await lines(lead, TOLD, period="2025")


async def test_where_the_plan_says_so_a_cell_beyond_the_quota_is_not_confirmed(door: Door) -> None:
    async with (
        await door.as_("reporter", CELL_KEEPER) as unit,
        await door.as_("lead", CELL_LEAD) as lead,
    ):
        first, second = [await a_named_cell(unit, REFUSED) for _ in range(2)]
        # Both fit alone, and not together.
        answers = await asyncio.gather(*(lead.post(f"{path}/confirm") for path in (first, second)))
        assert sorted(one.status_code for one in answers) == [200, 409]
        full = next(one for one in answers if one.status_code != 200)
        assert (full.json()["code"], full.json()["wanted"]) == ("quota-full", 1)
        assert (full.json()["choice"], full.json()["organization_code"]) == ("school", CELL_KEEPER)
        named = first if answers[0].status_code == 200 else second
        waits = second if named == first else first
        # A correction of what counts takes no more room, and what does not count takes none.
        said = {"values": {"batch": "第二批"}}
        edited = await unit.patch(named, json=said, headers={"If-Match": "*"})
        assert edited.status_code == 200
        assert (await lead.post(f"{named}/confirm")).status_code == 200
        noticed = await a_named_cell(unit, REFUSED, stage="noticed")
        assert (await lead.post(f"{noticed}/confirm")).status_code == 200
        later = await a_named_cell(unit, REFUSED, named_on="2026-01-05")
        assert (await lead.post(f"{later}/confirm")).status_code == 200, "another year"
        ended = await lead.post(
            f"{named}/revoke", json={"reason": "复核不合格", "ended_on": "2025-12-01"}
        )
        assert ended.status_code == 200
        assert (await lead.post(f"{waits}/confirm")).status_code == 200


async def test_a_row_takes_room_in_each_year_at_whose_end_it_counts(
    door: Door,
) -> None:
    plan: Any = xinmi().model_dump(mode="json")
    cells = next(one for one in plan["registers"] if one["code"] == "CELL")
    wanted = {"choice": "school", "unit": CELL_KEEPER}
    numbers = [{"year": 2025, "wanted": 1, **wanted}, {"year": 2026, "wanted": 2, **wanted}]
    cells["quota"] |= {"over": "refused", "numbers": numbers}
    cells["evidence"] = []
    cells["columns"].append({"code": "ends", "name": "失效日期", "type": "date"})
    cells["valid_to"] = "ends"
    await door.load(read_document({**plan, "code": YEARLY}))
    async with (
        await door.as_("reporter", CELL_KEEPER) as unit,
        await door.as_("lead", CELL_LEAD) as lead,
    ):

        async def confirmed(**values: Any) -> Any:
            path = await a_named_cell(unit, YEARLY, **values)
            answer = await lead.post(f"{path}/confirm")
            return answer.status_code, answer.json().get("year")

        assert await confirmed() == (200, None)
        assert await confirmed() == (409, 2025)
        assert await confirmed(ends="2025-12-31") == (409, 2025)
        assert await confirmed(ends="2025-12-30") == (200, None), "it counts at no year's end"
        assert await confirmed(named_on="2026-01-05", ends="2026-12-30") == (200, None)
        assert await confirmed(named_on="2026-01-05") == (200, None)
        # The first of them counts in 2026 too.
        assert await confirmed(named_on="2026-01-05") == (409, 2026)


async def test_xinmis_quota_was_not_assigned_yet_and_others_have_none(door: Door) -> None:
    async with await door.as_("office") as office:
        cells = (await office.get(f"/plans/{XINMI}/registers/CELL/quotas")).json()
        assert (cells["year"], cells["measure_code"], cells["refuses"]) == (2025, "named", False)
        assert [one["wanted"] for one in cells["items"]] == [None] * 7
        assert cells["items"][1]["choice_name"] == "学校"
        none = (await office.get(f"/plans/{XINMI}/registers/POLICY/quotas")).json()
        assert (none["measure_code"], none["items"]) == (None, [])
        unknown = await office.get(f"/plans/{XINMI}/registers/NONE/quotas")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "register-not-found")


async def test_a_quota_is_read_in_one_statement_however_many_rows_there_are(door: Door) -> None:
    async with (
        await door.as_("reporter", CELL_KEEPER) as unit,
        await door.as_("lead", CELL_LEAD) as lead,
    ):
        asked = [partial(lines, lead, TOLD, period="2025")] * 3
        few = await fewest(door, *asked)
        for _ in range(3):
            path = await a_named_cell(unit, TOLD, category="market")
            assert (await lead.post(f"{path}/confirm")).status_code == 200
        assert await fewest(door, *asked) == few
