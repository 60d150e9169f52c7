"""Rows that soon hold no more, or are to be looked at again: told, listed as late, and waiting."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.core.kit.city_scope import in_city
from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, open_door, xinmi
from tests.support.cells import CELL_KEEPER, CELL_LEAD, added_cell, with_files
from tests.support.clock import at
from tests.support.registers import credit_code

LATE = f"/plans/{XINMI}/late"
ALERTS = f"/plans/{XINMI}/alerts"
INSURANCE = f"/plans/{XINMI}/registers/INSURANCE/rows"
Client = httpx.AsyncClient


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on the morning of 2026-02-10."""
    async with open_door(database_url) as opened:
        at(opened, "2026-02-10", "09:30:00")
        yield opened


@pytest.fixture
async def unit(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("reporter", CELL_KEEPER) as client:
        yield client


@pytest.fixture
async def lead(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("lead", CELL_LEAD) as client:
        yield client


async def a_named_cell(unit: Client, lead: Client, **values: Any) -> str:
    """Return the path of a cell that was named and counts."""
    path = await added_cell(unit, stage="named", named_on="2025-03-20", **values)
    await with_files(unit, path, "承诺书.pdf", "命名文件.pdf")
    confirmed = await lead.post(f"{path}/confirm")
    assert confirmed.status_code == 200, confirmed.text
    return path


async def corrected(unit: Client, lead: Client, path: str, **values: Any) -> dict[str, Any]:
    edited = await unit.patch(path, json={"values": values}, headers={"If-Match": "*"})
    assert edited.status_code == 200, edited.text
    confirmed = await lead.post(f"{path}/confirm")
    assert confirmed.status_code == 200, confirmed.text
    body: dict[str, Any] = confirmed.json()
    return body


async def of_row(client: Client, asked: str, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return what a list says of a row."""
    answer = await client.get(asked, params={"page_size": 200, **query})
    assert answer.status_code == 200, answer.text
    row_id = path.rpartition("/")[2]
    return [one for one in answer.json()["items"] if one["subject"]["id"] == row_id]


async def test_a_yearly_recheck_comes_due_is_told_and_is_done(
    door: Door, unit: Client, lead: Client
) -> None:
    path = await a_named_cell(unit, lead)
    row = (await unit.get(path)).json()
    assert (row["recheck_by"], row["renew_by"]) == ("2026-03-20", None)
    assert await of_row(unit, "/me/todo", path) == [], "it waits from a month before"
    at(door, "2026-02-25", "09:30:00")
    await door.sweep()
    (waiting,) = await of_row(unit, "/me/todo", path)
    assert (waiting["kind"], waiting["due_date"]) == ("recheck", "2026-03-20")
    assert (waiting["title"], waiting["href"]) == ("无废细胞 新密市示例小学", f"/v1{path}")
    (alert,) = await of_row(unit, ALERTS, path)
    assert (alert["rule"], alert["organization_code"]) == ("row_recheck", CELL_KEEPER)
    assert "示例小学”复核将于" in alert["message"]
    assert await of_row(unit, LATE, path) == []

    at(door, "2026-03-23", "09:30:00")
    await door.sweep()
    (late,) = await of_row(unit, LATE, path)
    assert (late["rule"], late["due_date"], late["level"]) == ("row_recheck", "2026-03-20", 1)
    assert late["organization_code"] == CELL_KEEPER
    assert (await of_row(unit, "/me/todo", path))[0]["overdue"] is True
    async with await door.as_("reporter", "UN10") as other:
        assert await of_row(other, LATE, path) == []
        assert await of_row(other, "/me/todo", path) == []

    done = await corrected(unit, lead, path, stage="rechecked", rechecked_on="2026-03-23")
    assert done["recheck_by"] == "2027-03-23"
    assert await of_row(unit, LATE, path) == []
    assert await of_row(unit, "/me/todo", path) == []
    await door.sweep()
    at(door, "2026-03-24", "09:30:00")
    await door.sweep()
    (alert,) = await of_row(unit, ALERTS, path)
    assert (alert["state"], alert["resolved_reason"]) == ("resolved", "rechecked")


async def test_what_soon_holds_no_more_is_renewed_or_ended(
    door: Door, unit: Client, lead: Client
) -> None:
    path = await a_named_cell(unit, lead, valid_until="2026-04-01", rechecked_on="2025-12-01")
    row = (await unit.get(path)).json()
    assert (row["renew_by"], row["recheck_by"]) == ("2026-04-01", None), "it ends before"
    (waiting,) = await of_row(unit, "/me/todo", path)
    assert waiting["kind"] == "renew"
    at(door, "2026-04-02", "09:30:00")
    await door.sweep()
    (late,) = await of_row(unit, LATE, path)
    assert (late["rule"], late["late_since"]) == ("row_renewal", "2026-04-02")
    renewed = await corrected(unit, lead, path, valid_until="2028-04-01")
    assert (renewed["renew_by"], renewed["recheck_by"]) == ("2028-04-01", "2026-12-01")
    other = await a_named_cell(unit, lead, valid_until="2026-04-01", rechecked_on="2026-02-01")
    at(door, "2026-04-03", "09:30:00")
    await door.sweep()
    assert await of_row(unit, LATE, path) == []
    (alert,) = await of_row(unit, ALERTS, path)
    assert alert["resolved_reason"] == "renewed"
    assert len(await of_row(unit, LATE, other)) == 1
    ended = await lead.post(f"{other}/end", json={"reason": "未续期"})
    assert ended.status_code == 200, ended.text
    at(door, "2026-04-07", "09:30:00")
    await door.sweep()
    assert await of_row(unit, LATE, other) == []
    assert {one["resolved_reason"] for one in await of_row(unit, ALERTS, other)} <= {"row_ended"}


async def test_another_policy_takes_the_place_of_one_that_ends(door: Door) -> None:
    code = credit_code()

    def policy(number: str, first: str, last: str) -> dict[str, Any]:
        values = {
            "credit_code": code,
            "enterprise": "新密市示例危废有限公司",
            "policy_number": number,
            "insured_from": first,
            "insured_to": last,
        }
        return {"organization_code": "UN36", "values": values}

    async with await door.as_("reporter", "UN36") as bureau, await door.as_("office") as office:
        old = await bureau.post(INSURANCE, json=policy("A1", "2025-02-01", "2026-01-31"))
        path = old.headers["Location"].removeprefix("/v1")
        assert (await office.post(f"{path}/confirm")).json()["renew_by"] == "2026-01-31"
        assert len(await of_row(bureau, LATE, path)) == 1
        assert len(await of_row(bureau, "/me/todo", path)) == 1
        new = await bureau.post(INSURANCE, json=policy("A2", "2026-02-01", "2027-01-31"))
        later = new.headers["Location"].removeprefix("/v1")
        assert len(await of_row(bureau, LATE, path)) == 1, "a draft is no policy"
        assert (await office.post(f"{later}/confirm")).status_code == 200
        assert await of_row(bureau, LATE, path) == []
        assert await of_row(bureau, "/me/todo", path) == []
        # Taken back, the first one lacks its successor again.
        revoked = await office.post(f"{later}/revoke", json={"reason": "退保"})
        assert revoked.status_code == 200, revoked.text
        assert len(await of_row(bureau, LATE, path)) == 1
        assert await of_row(bureau, LATE, later) == []


async def test_what_a_later_plan_has_no_more_is_told_to_nobody(
    door: Door, unit: Client, lead: Client
) -> None:
    path = await a_named_cell(unit, lead, valid_until="2026-04-01", rechecked_on="2025-12-01")
    again = await a_named_cell(unit, lead)
    at(door, "2026-04-02", "09:30:00")
    await door.sweep()
    for one in (path, again):
        assert len(await of_row(unit, "/me/todo", one)) == 1
        assert len(await of_row(unit, LATE, one)) == 1
        assert [each["state"] for each in await of_row(unit, ALERTS, one)] == ["open"]
    register = (await unit.get(path)).json()["register_code"]
    document = xinmi().model_dump(mode="json", exclude_none=True)
    left = [one for one in document["registers"] if one["code"] != register]
    await door.load(read_document({**document, "registers": left}))
    await door.forget_everything()
    for one in (path, again):
        assert await of_row(unit, "/me/todo", one) == []
        assert await of_row(unit, LATE, one) == []
    at(door, "2026-04-03", "09:30:00")
    await door.sweep()
    for one in (path, again):
        (alert,) = await of_row(unit, ALERTS, one)
        assert (alert["state"], alert["resolved_reason"]) == ("resolved", "register_gone")


async def test_a_correction_that_waits_leaves_the_days_as_they_are(
    unit: Client, lead: Client
) -> None:
    path = await a_named_cell(unit, lead)
    said = {"values": {"rechecked_on": "2026-02-01"}}
    edited = await unit.patch(path, json=said, headers={"If-Match": "*"})
    assert edited.json()["recheck_by"] == "2026-03-20"
    withdrawn = await unit.post(f"{path}/withdraw")
    assert (withdrawn.json()["state"], withdrawn.json()["recheck_by"]) == (
        "confirmed",
        "2026-03-20",
    )
    assert "rechecked_on" not in withdrawn.json()["values"]


async def test_rows_that_an_earlier_release_confirmed_get_their_days_from_the_worker(
    door: Door, unit: Client, lead: Client
) -> None:
    paths = [
        await a_named_cell(unit, lead),
        await a_named_cell(unit, lead, valid_until="2026-04-01", rechecked_on="2025-12-01"),
        await a_named_cell(unit, lead, rechecked_on="2025-06-01"),
    ]
    draft = await added_cell(unit, stage="named", named_on="2025-03-20")
    days = ("renew_by", "recheck_by", "version")
    before = [{name: (await unit.get(path)).json()[name] for name in days} for path in paths]
    assert before[2]["recheck_by"] == "2026-06-01"
    edited = await unit.patch(
        paths[2], json={"values": {"rechecked_on": "2026-02-01"}}, headers={"If-Match": "*"}
    )
    assert edited.status_code == 200, "a correction waits; what was confirmed counts"
    before[2]["version"] += 1
    async with door.held.database.transaction() as session:
        with in_city(XINMI.split("-", maxsplit=1)[0]):
            await session.execute(text(_AS_BEFORE_0051))
    assert (await unit.get(paths[0])).json()["recheck_by"] is None
    await door.sweep()
    after = [{name: (await unit.get(path)).json()[name] for name in days} for path in paths]
    assert after == before, "as if they had been confirmed by this release"
    assert (await unit.get(draft)).json()["recheck_by"] is None, "it counts for nothing yet"
    at(door, "2026-02-25", "09:30:00")
    await door.sweep()
    (waiting,) = await of_row(unit, "/me/todo", paths[0])
    assert waiting["title"] == "无废细胞 新密市示例小学"


_AS_BEFORE_0051 = """
UPDATE register_row SET renew_by = NULL, renewed_as = NULL, recheck_by = NULL, title = NULL
"""
