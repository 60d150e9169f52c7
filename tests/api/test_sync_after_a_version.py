"""A device after a version of the plan, or a period's new state: who sees what is another thing."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door, a_submission, xinmi
from tests.support.device import Device
from tests.support.reported import PATH, a_period


async def known(client: httpx.AsyncClient) -> dict[str, list[str]]:
    """Return what a device has after it copied the list: what may be done, by id."""
    found: dict[str, list[str]] = {}
    token: dict[str, str] = {}
    while True:
        page = (await client.get(PATH, params={"page_size": "200", **token})).json()
        found |= {one["id"]: one["allowed_actions"] for one in page["items"]}
        if page["next_page_token"] is None:
            return found
        token = {"page_token": page["next_page_token"]}


async def handed_to(door: Door, unit: str) -> None:
    document = xinmi().model_dump(mode="json", exclude_none=True)
    for one in document["indicators"]:
        if one["code"] == "U08":
            one["owners"] = [unit]
    await door.load(type(xinmi()).model_validate(document))
    await door.react()


async def test_a_device_of_the_new_lead_and_of_the_old_begins_anew(door: Door) -> None:
    period = a_period()
    async with (
        await door.as_("reporter", "UN15") as clerk,
        await door.as_("lead", "UN10") as new,
        await door.as_("lead", "UN15") as old,
    ):
        made = (await clerk.post(PATH, json=a_submission(period=period))).json()
        async with await door.as_("office") as office:
            approved = await office.post(f"/submissions/{made['id']}/approve")
            assert approved.status_code == 200, approved.text
        await door.react()
        devices = Device(new), Device(old)
        for one in devices:
            await one.sync()
        assert made["id"] not in await known(new)
        assert (await known(old))[made["id"]] == ["reopen"]
        await handed_to(door, "UN10")
        told = [await one.sync() for one in devices]
        assert [one["begin_anew"] for one in told] == [True, True]
        assert (await known(new))[made["id"]] == ["reopen"]
        assert (await known(old))[made["id"]] == []
        again = [await one.sync() for one in devices]
        assert [one["begin_anew"] for one in again] == [False, False]
    await door.load(xinmi())
    await door.react()


@pytest.mark.parametrize("verb", ["close", "publish", "reopen"])
async def test_a_device_begins_anew_when_a_period_allows_other_things(
    door: Door, verb: str
) -> None:
    period = a_period()
    before: dict[str, Any] = {"close": ["open"], "publish": ["open", "close"]}
    async with await door.as_("office") as office:

        async def move(step: str) -> None:
            path = f"/plans/{XINMI}/periods/{period}/{step}"
            due = door.held.clock.today("Asia/Shanghai") + timedelta(days=30)
            said = {"due_date": due.isoformat()} if step in {"open", "reopen"} else None
            moved = await office.post(path, json=said)
            assert moved.status_code == 200, moved.text
            await door.react()

        for step in before.get(verb, ["open", "close"]):
            await move(step)
        device = Device(office)
        await device.sync()
        await move(verb)
        told = await device.sync()
        assert (told["begin_anew"], told["submissions"]) == (True, [])
        assert (await device.sync())["begin_anew"] is False
