"""What a figure rests on is what counts: a correction that waits moves nothing, for little."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import IN_TIME, XINMI, Door, open_door
from tests.support.plans import TRIAL, a_plan, an_indicator, load
from tests.support.registers import KEEPER, added_row
from tests.support.statements_counted import statements_of

MEASURES = f"/plans/{XINMI}/registers/GREEN-FACTORY/measures"
LISTED = f"/plans/{TRIAL}/registers/LIST"
LEAD = "UN10"
UNITS = ("UN15", "UN22", "UN05", "UN12", "UN13", "UN14")
Client = httpx.AsyncClient

REGISTER = {
    "code": "LIST",
    "name": "名单",
    "columns": [
        {"code": "name", "name": "名称", "type": "text", "required": True},
        {"code": "note", "name": "备注", "type": "text"},
    ],
    "key": ["name"],
    "leads": [LEAD],
    "measures": [
        {"code": "all", "name": "数", "kind": "count", "per": "unit", "indicator": "R1"},
    ],
}


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API with two plans; a list of the second gives a figure for each unit."""
    async with open_door(database_url) as opened:
        indicator = an_indicator(
            "R1",
            unit="个",
            owners=list(UNITS),
            owner_text="各单位",
            aggregation={"units": "sum", "periods": "last"},
        )
        target = {"year": 2027, "kind": "at_least", "value": "9", "text": "≥9"}
        document = a_plan(indicator | {"targets": [target]}, registers=[REGISTER], score_sheets=[])
        await load(opened, document)
        yield opened


async def opened(door: Door, plan: str, *periods: str) -> None:
    async with await door.as_("office") as office:
        for period in periods:
            answer = await office.post(f"/plans/{plan}/periods/{period}/open", json=IN_TIME)
            assert answer.status_code == 200, answer.text
    await door.react()


async def changed(client: Client, path: str, **values: Any) -> None:
    answer = await client.patch(path, json={"values": values}, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def count(door: Door, table: str) -> int:
    found: int = await door.held.database.pool.fetchval(f"SELECT count(*) FROM {table}")
    return found


async def test_a_correction_that_waits_moves_nothing_that_was_proposed(door: Door) -> None:
    await opened(door, XINMI, "2025")
    asked = {"period": "2025"}
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        rows = [await added_row(unit) for _ in range(2)]
        paths = [f"/register-rows/{one['id']}" for one in rows]
        for path in paths:
            assert (await office.post(f"{path}/confirm")).status_code == 200
        await door.react()
        (first,) = (await office.get(MEASURES, params=asked)).json()["items"]
        draft = f"/submissions/{first['proposed']['submission_id']}"
        etag = (await office.get(draft)).headers["ETag"]
        figures = await count(door, "register_figure")
        for at in range(3):
            await changed(unit, paths[0], batch=f"第{at}批")
            await door.react()
        assert (await unit.post(f"{paths[0]}/withdraw")).status_code == 200
        await door.react()
        await changed(unit, paths[1], batch="第九批")
        await door.react()
        (same,) = (await office.get(MEASURES, params=asked)).json()["items"]
        assert same == first
        assert (await office.get(draft)).headers["ETag"] == etag, "a clerk's If-Match still fits"
        assert await count(door, "register_figure") == figures
        assert {one["version"] for one in same["proposed"]["rows"]} == {2}, "as they count"
        assert (await office.post(f"{paths[1]}/confirm")).status_code == 200
        await door.react()
        (after,) = (await office.get(MEASURES, params=asked)).json()["items"]
        versions = {one["id"]: one["version"] for one in after["proposed"]["rows"]}
        history = (await office.get(f"{paths[1]}/history")).json()["items"]
    assert after["proposed"]["digest"] != first["proposed"]["digest"]
    assert versions == {rows[0]["id"]: 2, rows[1]["id"]: history[-1]["version"]}


@pytest.mark.parametrize("units", [1, len(UNITS)])
async def test_what_figures_rest_on_is_told_at_once_for_all_units_and_periods(
    door: Door, units: int
) -> None:
    await opened(door, TRIAL, "2025", "2026")
    async with await door.as_("office") as office, await door.as_("lead", LEAD) as lead:
        items = [
            {"organization_code": unit, "values": {"name": f"{unit} {at}"}}
            for unit in UNITS[:units]
            for at in range(2)
        ]
        answer = await office.post(f"{LISTED}/rows/batch", json={"items": items})
        ids = [one["id"] for one in answer.json()["items"]]
        for row_id in ids:
            confirmed = await lead.post(f"/register-rows/{row_id}/confirm")
            assert confirmed.status_code == 200, confirmed.text
        with statements_of(door) as sent:
            await door.react()
        assert len([one for one in sent if "f.lines" in one]) == 2, "all, and the rows of those new"
        assert await count(door, "register_figure") == 2 * units
        await changed(office, f"/register-rows/{ids[0]}", note="更正")
        with statements_of(door) as sent:
            await door.react()
    assert len([one for one in sent if "f.lines" in one]) == 1, "none is another"
    assert await count(door, "register_figure") == 2 * units
