"""A plan of towns of which some report and some do not."""

from typing import Any

from tests.support.api import Door
from tests.support.towns import CODE, PLAN, UNITS
from tests.unit.scoring.builders import a_document


async def load(door: Door, *indicators: dict[str, Any]) -> None:
    document = a_document(*indicators, code=CODE, organizations=UNITS).model_dump(mode="json")
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post("/plans", json=document)
    assert loaded.status_code == 201, loaded.text


async def move(door: Door, verb: str) -> None:
    async with await door.as_("office") as office:
        moved = await office.post(f"{PLAN}/periods/2031/{verb}")
    assert moved.status_code == 200, moved.text


async def approve(door: Door, unit: str, value: str) -> None:
    async with await door.as_("reporter", unit) as clerk, await door.as_("office") as office:
        made = await clerk.post(
            f"{PLAN}/submissions",
            json={
                "indicator_code": "A",
                "organization_code": unit,
                "period": "2031",
                "value": value,
            },
        )
        assert made.status_code == 201, made.text
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
        assert done.status_code == 200, done.text
