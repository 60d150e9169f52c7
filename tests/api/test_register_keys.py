"""Another version of a plan leaves each row that stands under the key that it was written by."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.core.plan.document import PlanDocument
from tests.support.api import Door
from tests.support.doors import own_door as door
from tests.support.plans import TRIAL, a_plan, an_indicator

__all__ = ["door"]  # fixtures

UNIT, OTHER = "UN22", "UN10"
ROWS = f"/plans/{TRIAL}/registers/LIST/rows"
COLUMNS: list[dict[str, Any]] = [
    {"code": "name", "name": "名称", "type": "text", "required": True},
    {"code": "level", "name": "级别", "type": "text", "required": True},
    {"code": "share", "name": "份额", "type": "decimal", "required": True},
    {"code": "note", "name": "备注", "type": "text"},
]
Client = httpx.AsyncClient


def document(key: list[str], title: str = "甲", **types: str) -> PlanDocument:
    """Return the plan with a register of this key, its columns of other types, and its code."""
    columns = [one | {"type": types.get(one["code"], one["type"])} for one in COLUMNS]
    register = {"code": "LIST", "name": title, "columns": columns, "key": key, "keepers": [UNIT]}
    return a_plan(an_indicator("R1"), registers=[register], score_sheets=[])


@pytest.fixture
async def admin(door: Door) -> AsyncIterator[Client]:
    async with door.client(door.admin_secret) as client:
        yield client


@pytest.fixture
async def unit(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("reporter", UNIT) as client:
        yield client


async def loaded(door: Door, admin: Client, plan: PlanDocument, **asked: str) -> httpx.Response:
    answer = await admin.post("/plans", content=plan.model_dump_json(), params=asked)
    await door.react()
    return answer


def a_row(**values: Any) -> dict[str, Any]:
    said = {"name": "5", "level": "7", "share": "0.5", **values}
    return {"organization_code": UNIT, "values": said}


OTHERS = {
    "a column less": (["name", "level"], ["name"], {}),
    "a column more": (["name"], ["name", "level"], {}),
    "another order": (["name", "level"], ["level", "name"], {}),
    "another column": (["name"], ["level"], {}),
    "a number written as a number": (["name"], ["name"], {"name": "integer"}),
    "an exact number written as words": (["share"], ["share"], {"share": "integer"}),
}
"""What the key was, what it is to be, and what types its columns are to have."""


@pytest.mark.parametrize("what", OTHERS)
async def test_a_key_is_not_changed_under_rows_that_stand(
    door: Door, admin: Client, unit: Client, what: str
) -> None:
    before, after, types = OTHERS[what]
    assert (await loaded(door, admin, document(before))).status_code == 201
    rows = [await unit.post(ROWS, json=a_row()) for _ in range(1)]
    rows.append(await unit.post(ROWS, json=a_row(name="6", level="8", share="0.6")))
    assert [one.status_code for one in rows] == [201, 201]
    changed = document(after, **types)
    for asked in ({"validate_only": "true"}, {}):
        refused = await loaded(door, admin, changed, **asked)
        assert refused.status_code == 422, refused.text
        (fault,) = refused.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/registers/0/key", "key-in-use")
        assert "2 rows" in fault["detail"]
    again = await unit.post(f"{ROWS}/batch", json={"items": [a_row()]})
    assert [one["outcome"] for one in again.json()["items"]] == ["unchanged"], "by the key it had"
    for one in rows:
        path = f"/register-rows/{one.json()['id']}/withdraw"
        assert (await unit.post(path)).status_code == 200
    assert (await loaded(door, admin, changed)).status_code == 200, "no row stands by the other key"


async def test_what_keeps_the_rows_under_their_keys_is_taken(
    door: Door, admin: Client, unit: Client
) -> None:
    assert (await loaded(door, admin, document(["name"]))).status_code == 201
    made = await unit.post(ROWS, json=a_row(name="2025-03-20"))
    assert made.status_code == 201, made.text
    dates = document(["name"], name="date", level="integer")
    assert (await loaded(door, admin, dates)).status_code == 200
    row = a_row(name="2025-03-20", level=7)
    again = await unit.post(f"{ROWS}/batch", json={"items": [row]})
    assert [one["outcome"] for one in again.json()["items"]] == ["updated"]
    renamed = document(["name"], title="乙", name="date", level="integer")
    assert (await loaded(door, admin, renamed)).status_code == 200
