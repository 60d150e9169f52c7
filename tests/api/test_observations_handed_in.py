"""Who handed in a figure of another source sees it for good, whatever others do with it since."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from tests.support.api import Door
from tests.support.observed import OBSERVATIONS, a_figure, load_sources, observed
from tests.support.reported import a_period

SCOPES = ["submissions:write", "submissions:read", "plan:read"]


@pytest.fixture(scope="module", autouse=True)
async def _sources(door: Door) -> None:
    await load_sources(door)


@pytest.fixture
async def systems(door: Door) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """Systems of three units, none of which the figure is of or leads its indicator."""
    units = ("UN10", "UN16", "UN17")
    keys = [await door.new_key("integrator", unit, scopes=SCOPES) for unit in units]
    async with (
        door.client(keys[0]) as one,
        door.client(keys[1]) as other,
        door.client(keys[2]) as third,
    ):
        yield dict(zip(units, (one, other, third), strict=True))


async def seen(client: httpx.AsyncClient, figure: dict[str, Any]) -> bool:
    """Return whether a figure is there for a caller: alone, listed, and with its history."""
    path = f"/observations/{figure['id']}"
    alone, history = await client.get(path), await client.get(f"{path}/history")
    listed = await client.get(OBSERVATIONS, params={"period": figure["period"]})
    ids = {one["id"] for one in listed.json()["items"]}
    answers = {alone.status_code == 200, history.status_code == 200, figure["id"] in ids}
    (same,) = answers
    return same


async def test_what_the_office_takes_back_stays_in_sight(
    door: Door, systems: Mapping[str, httpx.AsyncClient]
) -> None:
    figure = await observed(systems["UN10"], period=a_period())
    async with await door.as_("office") as office:
        taken_back = await office.post(
            f"/observations/{figure['id']}/withdraw", json={"reason": "表中单位印错"}
        )
        assert taken_back.status_code == 200, taken_back.text
    assert [await seen(one, figure) for one in systems.values()] == [True, False, False]
    again = await systems["UN10"].post(OBSERVATIONS, json=a_figure(period=figure["period"]))
    assert (again.status_code, again.json()["withdrawn"]) == (200, True)


async def test_what_others_correct_stays_in_sight_of_each_that_handed_it_in(
    systems: Mapping[str, httpx.AsyncClient],
) -> None:
    figure = await observed(systems["UN10"], period=a_period())
    later = [("UN16", "YB-2", "37.1"), ("UN10", "YB-3", "37.2"), ("UN17", "YB-4", "37.3")]
    for unit, reference, value in later:
        said = {"period": figure["period"], "reference": reference, "value": value}
        assert (await observed(systems[unit], **said))["id"] == figure["id"]
        assert await seen(systems[unit], figure)
    assert [await seen(one, figure) for one in systems.values()] == [True, True, True]


async def test_a_figure_of_the_release_before_keeps_who_handed_it_in(
    door: Door, systems: Mapping[str, httpx.AsyncClient]
) -> None:
    figure = await observed(systems["UN10"], period=a_period())
    await door.held.database.pool.execute(
        "UPDATE observation SET recording_units = NULL WHERE city_code = '410183' AND id = $1",
        figure["id"],
    )
    assert await seen(systems["UN10"], figure)
    said = {"period": figure["period"], "reference": "YB-2", "value": "37.1"}
    await observed(systems["UN16"], **said)
    assert [await seen(one, figure) for one in systems.values()] == [True, True, False]
