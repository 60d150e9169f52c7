"""A plan with targets for several years: a target missed alerts, until a later year has a light."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import Door, open_door
from tests.support.clock import at
from tests.unit.scoring.builders import a_document, a_target, an_indicator

CODE = "410183-2031"
PLAN = f"/plans/{CODE}"
TWICE = an_indicator(
    "A", owners=["ZW01"], targets=[a_target(value=50, year=2031), a_target(value=80, year=2035)]
)


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API in January 2032, of a plan with targets for 2031 and 2035."""
    async with open_door(database_url) as opened:
        at(opened, "2032-01-20", "10:00:00")
        unit = {"code": "ZW01", "name": "镇一", "kind": "town"}
        span = {"start": "2021-01-01", "end": "2035-12-31"}
        document = a_document(TWICE, code=CODE, organizations=[unit], span=span)
        async with opened.client(opened.admin_secret) as admin:
            loaded = await admin.post("/plans", json=document.model_dump(mode="json"))
            assert loaded.status_code == 201, loaded.text
        await opened.react()
        await opened.sweep()
        yield opened


async def _approved(door: Door, period: str, value: str) -> None:
    said = {"indicator_code": "A", "organization_code": "ZW01", "period": period, "value": value}
    async with await door.as_("reporter", "ZW01") as clerk, await door.as_("office") as office:
        made = await clerk.post(f"{PLAN}/submissions", json=said)
        assert made.status_code == 201, made.text
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
        assert done.status_code == 200, done.text
    await door.react()
    await door.sweep()


async def _red(door: Door) -> list[tuple[str, str]]:
    async with await door.as_("office") as office:
        told = (await office.get(f"{PLAN}/alerts")).json()["items"]
    return [(one["state"], one["indicator_code"]) for one in told if one["rule"] == "light_red"]


async def test_the_first_target_year_alerts_and_the_last_one_ends_it(door: Door) -> None:
    await _approved(door, "2031", "30")
    assert [code for _, code in await _red(door)] == ["A"]
    at(door, "2036-01-12", "10:00:00")
    await _approved(door, "2035", "90")
    assert await _red(door) == [("resolved", "A")]


async def test_a_first_target_that_is_met_alerts_nobody(door: Door) -> None:
    await _approved(door, "2031", "60")
    assert await _red(door) == []
