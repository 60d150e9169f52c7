"""What the superior sees of a register's row that is corrected: what counts, and no work on it."""

from typing import Any

import httpx

from tests.support.api import XINMI, Door
from tests.support.doors import own_door as door
from tests.support.registers import KEEPER, ROWS, added_row

__all__ = ["door"]  # fixtures

MEASURES = f"/plans/{XINMI}/registers/GREEN-FACTORY/measures"
Client = httpx.AsyncClient


async def a_confirmed_row(door: Door, **values: Any) -> tuple[str, dict[str, Any]]:
    """Return the path of a row that counts, and how it was confirmed."""
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        made = await added_row(unit, **values)
        path = f"/register-rows/{made['id']}"
        done = await office.post(f"{path}/confirm", json={"reason": "名单无误"})
        assert done.status_code == 200, done.text
    await door.react()
    return path, done.json()


async def correct(door: Door, path: str) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        said = {"values": {"enterprise": "改名后的企业", "batch": "第九批"}}
        edited = await unit.patch(path, json=said, headers={"If-Match": "*"})
        assert edited.status_code == 200, edited.text
        added = await unit.post(
            f"{path}/evidence",
            content=b"%PDF-1.7\n%%EOF\n",
            params={"file_name": "改名通知.pdf"},
            headers={"Content-Type": "application/octet-stream"},
        )
        assert added.status_code == 201, added.text
    await door.react()


async def listed(client: Client, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(ROWS, params={"page_size": 200, **asked})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def without_rights(row: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in row.items() if name != "allowed_actions"}


async def test_a_row_that_is_corrected_is_seen_as_it_counts(door: Door) -> None:
    path, first = await a_confirmed_row(door, enterprise="原名企业")
    code = first["values"]["credit_code"]
    ours = {"column": "credit_code", "value": code}
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        before = await superior.get(path)
        position = (await superior.get(ROWS, params={"changed_after": 0})).json()["position"]
        await correct(door, path)
        during = await superior.get(path)
        again = await superior.get(path, headers={"If-None-Match": before.headers["ETag"]})
        assert without_rights(before.json()) == without_rights(first)
        assert before.json() == during.json()
        assert again.status_code == 304
        for asked in ({}, {"valid_on": "2025-12-31"}, {"state": "confirmed"}):
            assert await listed(superior, **ours, **asked) == [before.json()], asked
        assert await listed(superior, **ours, state="draft") == []
        assert len(await listed(superior, column="enterprise", value="原名企业")) == 1
        assert await listed(superior, column="enterprise", value="改名后的企业") == []
        files = (await superior.get(f"{path}/evidence")).json()
        history = (await superior.get(f"{path}/history")).json()["items"]
        findings = await superior.get(f"{path}/findings")
        changes = await superior.get(ROWS, params={"changed_after": position})
        assert files["items"] == []
        assert [one["action"] for one in history] == ["confirmed"]
        assert findings.status_code == 200
        assert (changes.json()["items"], changes.json()["tombstones"]) == ([], [])
        decided = await office.post(f"{path}/confirm")
        await door.react()
        after = await superior.get(path)
        (told,) = (await superior.get(ROWS, params={"changed_after": position})).json()["items"]
    assert after.json()["values"]["enterprise"] == "改名后的企业"
    assert after.headers["ETag"] == decided.headers["ETag"]
    assert told == after.json()


async def test_what_never_counted_is_not_seen(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        made = await added_row(unit)
        async with await door.as_("superior") as superior:
            assert (await superior.get(f"/register-rows/{made['id']}")).status_code == 404
            await unit.post(f"/register-rows/{made['id']}/withdraw")
            assert (await superior.get(f"/register-rows/{made['id']}")).status_code == 404


async def test_the_rows_of_a_figure_are_those_that_the_superior_reads(door: Door) -> None:
    path, _ = await a_confirmed_row(door)
    await correct(door, path)
    async with await door.as_("superior") as superior:
        (figure, *_) = (await superior.get(MEASURES, params={"period": "2025"})).json()["items"]
        rows = await listed(superior, valid_on="2025-12-31")
    assert int(figure["value"]) == len({one["values"]["credit_code"] for one in rows})
