"""What collecting the values asks of each unit, counted by hand."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.clock import stopped_at
from tests.support.observed import load_sources, observed
from tests.support.reported import PATH
from tests.support.statements_counted import fewest

BURDEN = f"/plans/{XINMI}/burden"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a morning of 2026, with nothing in the ledger."""
    async with open_door(database_url) as opened:
        opened.app.state.resources = replace(
            opened.held, clock=stopped_at("2026-01-12", "09:00:00")
        )
        yield opened


async def test_the_burden_of_each_unit_is_counted(door: Door) -> None:
    await load_sources(door)
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        empty = (await office.get(BURDEN)).json()
        for period, due in (("2024", "2026-01-22"), ("2025", "2026-02-11")):
            opened = await office.post(
                f"/plans/{XINMI}/periods/{period}/open", json={"due_date": due}
            )
            assert opened.status_code == 200, opened.text
        before = await unit.post(PATH, json=a_submission(period="2024", value="39"))
        made = await unit.post(PATH, json=a_submission(period="2025"))
        for again in range(2):
            for client, verb in ((office, "return"), (unit, "submit")):
                body = {"reason": "请核对"} if verb == "return" else {}
                done = await client.post(f"/submissions/{made.json()['id']}/{verb}", json=body)
                assert done.status_code == 200, (again, done.text)
        await observed(office, indicator_code="U07", period="2025", value="3")
        draft = await unit.post(
            PATH, json=a_submission(indicator_code="U07", period="2025", value="3", draft=True)
        )
        assert {before.status_code, draft.status_code} == {201}
        of_one = partial(office.get, BURDEN, params={"period": "2025"})
        of_all = partial(office.get, BURDEN)
        statements = await fewest(door, of_one, of_one), await fewest(door, of_all, of_all)
        one, both = (await of_one()).json(), (await of_all()).json()
        owed = await office.get(
            f"/plans/{XINMI}/obligations",
            params={"period": "2025", "organization_code": "UN15", "page_size": "500"},
        )
        mine = (await unit.get(BURDEN, params={"period": "2025"})).json()
        await _found_false(office, before.json()["id"])
        less = (await of_one()).json()
        table = await office.get(f"{BURDEN}.csv", params={"period": "2025"})
        no_period = await office.get(BURDEN, params={"period": "2025-13"})
    asked_for = {each["indicator_code"] for each in owed.json()["items"]}
    assert {"U07", "U08"} <= asked_for
    assert empty["items"] == []
    assert statements[0] == statements[1], "however many periods and units"
    assert _of(one, "UN15") == {
        "organization_code": "UN15",
        "organization_name": _of(one, "UN15")["organization_name"],
        "asked": len(asked_for),
        "prefilled": 2,
        "filled": 1,
        "returned": 2,
        "median_notice_days": "30",
    }
    assert _of(less, "UN15")["prefilled"] == 1, "a false value is nothing to go on from"
    assert _of(both, "UN15")["asked"] == 2 * len(asked_for)
    assert _of(both, "UN15")["median_notice_days"] == "20", "between 10 and 30 days"
    assert mine["items"] == [_of(one, "UN15")]
    assert len(one["items"]) > 1
    assert table.text.splitlines()[0].split(",")[0].endswith("organization_code")
    assert no_period.status_code == 422


async def _found_false(office: httpx.AsyncClient, submission_id: str) -> None:
    for verb in ("approve", "falsify"):
        done = await office.post(f"/submissions/{submission_id}/{verb}", json={"reason": "不实"})
        assert done.status_code == 200, done.text


def _of(burden: dict[str, Any], unit: str) -> dict[str, Any]:
    (found,) = [one for one in burden["items"] if one["organization_code"] == unit]
    return dict(found)
