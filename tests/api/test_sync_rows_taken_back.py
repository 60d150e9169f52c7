"""A device takes a row of a register back without a network: what it saw, and nothing else."""

from typing import Any

import httpx
import pytest

from services.core.kit.ids import new_id
from tests.support.api import Door
from tests.support.device import Device, Write, a_write
from tests.support.evidence import added as add_file
from tests.support.registers import KEEPER, REGISTER, ROWS, added_row, credit_code, factory
from tests.support.statements_counted import statements_of


def creation(**values: Any) -> Write:
    """Return a write that makes a row, by an id of its own."""
    data = {"organization_code": KEEPER, "values": factory(**values)}
    return a_write("register_row.create", str(new_id()), register_code=REGISTER, data=data)


def edit(row_id: str, **more: Any) -> Write:
    return a_write("register_row.edit", row_id, **more)


def taken_back(row_id: str, **more: Any) -> Write:
    """Return the withdrawal of a row; without a version, of one that the device made."""
    return a_write("register_row.withdraw", row_id, **more)


def outcomes(told: dict[str, Any]) -> list[str]:
    return [(one["refusal"] or {}).get("code", one["outcome"]) for one in told["results"]]


async def standing(client: httpx.AsyncClient, code: str) -> list[str]:
    """Return the ids of the rows that stand with a key."""
    asked = {"column": "credit_code", "value": code}
    found = (await client.get(ROWS, params=asked)).json()["items"]
    return [one["id"] for one in found if one["state"] in {"draft", "confirmed"}]


async def read(client: httpx.AsyncClient, row_id: str) -> dict[str, Any]:
    answer = await client.get(f"/register-rows/{row_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def corrected(door: Door, unit: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    """Return a row of version 3: confirmed, and corrected since."""
    row = await added_row(unit, batch="第一批")
    async with await door.as_("office") as office:
        confirmed = await office.post(f"/register-rows/{row['id']}/confirm")
        assert confirmed.status_code == 200, confirmed.text
    answer = await unit.patch(
        f"/register-rows/{row['id']}", json={"values": values}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 3
    return row


async def test_what_was_made_is_taken_back_and_made_anew_in_one_call_and_once(door: Door) -> None:
    code = credit_code()
    first, second, third = (creation(credit_code=code, batch=one) for one in ("一", "二", "三"))
    writes = [
        first,
        edit(first["row_id"], data={"values": {"batch": "改"}}),
        taken_back(first["row_id"], data={"reason": "重复"}),
        second,
        taken_back(second["row_id"]),
        third,
    ]
    async with await door.as_("reporter", KEEPER) as unit:
        device = Device(unit)
        await device.sync()
        told = await device.sync(*writes)
        again = await Device(unit).sync(*writes)
        await door.react()
        changed = await device.sync()
        history = (await unit.get(f"/register-rows/{first['row_id']}/history")).json()["items"]
        assert await standing(unit, code) == [third["row_id"]]
    assert outcomes(told) == ["applied"] * 6, told["results"]
    assert [one["version"] for one in told["results"]] == [1, 2, 3, 1, 2, 1]
    same = [{**one, "repeated": True} for one in told["results"]]
    assert again["results"] == same
    assert [(one["action"], one["reason"]) for one in history] == [
        ("created", None),
        ("changed", None),
        ("withdrawn", "重复"),
    ]
    ours = {one["row_id"] for one in (first, second, third)}
    gone = {one["id"] for one in changed["tombstones"] if one["kind"] == "register_row"}
    assert gone & ours == {first["row_id"], second["row_id"]}
    assert third["row_id"] in {one["id"] for one in changed["register_rows"]}


async def test_a_draft_of_its_unit_leaves_its_key_to_what_the_call_makes(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as colleague:
        row = await added_row(colleague)
    anew = creation(**{**row["values"], "enterprise": "另一名称"})
    async with await door.as_("reporter", KEEPER) as unit:
        told = await Device(unit).sync(taken_back(row["id"], base_version=1), anew)
        assert await standing(unit, row["values"]["credit_code"]) == [anew["row_id"]]
        assert (await read(unit, row["id"]))["state"] == "withdrawn"
    assert outcomes(told) == ["applied", "applied"]


async def test_of_a_correction_what_was_confirmed_stands_again_and_its_files_leave(
    door: Door,
) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await corrected(door, unit, batch="第二批")
        path = f"/register-rows/{row['id']}"
        added = await add_file(unit, path[1:])
        assert added.status_code == 201, added.text
        seen = (await read(unit, row["id"]))["version"]
        unseen = await Device(unit).sync(taken_back(row["id"], base_version=3))
        told = await Device(unit).sync(
            taken_back(row["id"], base_version=seen),
            # It goes on from what was confirmed, which stands again.
            edit(row["id"], base_version=seen, data={"values": {"batch": "第三批"}}),
        )
        now = await read(unit, row["id"])
        left = (await unit.get(f"{path}/evidence")).json()["items"]
        file = await unit.get(f"/evidence/{added.json()['id']}")
        same = creation(**row["values"])
        taken = await Device(unit).sync(same)
    assert outcomes(unseen) == ["stale-version"], "a file was added that the device knew not of"
    assert outcomes(told) == ["applied", "applied"], told["results"]
    assert (now["state"], now["values"]["batch"]) == ("draft", "第三批")
    assert now["counted_values"] == row["values"]
    assert left == []
    assert file.json()["removed_at"] is not None
    assert outcomes(taken) == ["register-row-exists"]


async def test_a_device_that_lost_the_answer_goes_on_from_what_stands_again(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await corrected(door, unit, batch="第二批", valid_until="2028-03-19")
        back = taken_back(row["id"], base_version=3)
        await Device(unit).sync(back)
        told = await Device(unit).sync(
            back, edit(row["id"], base_version=3, data={"values": {"batch": "第三批"}})
        )
        now = await read(unit, row["id"])
    assert [(one["outcome"], one["repeated"]) for one in told["results"]] == [
        ("applied", True),
        ("applied", False),
    ]
    assert now["values"] == {**row["values"], "batch": "第三批"}


async def test_refused_as_the_row_itself_refuses_it(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        changed, confirmed, gone, disputed = [await added_row(unit) for _ in range(4)]
        for row in (changed, disputed):
            said = {"values": {"batch": "同事写的"}}
            path, anyhow = f"/register-rows/{row['id']}", {"If-Match": "*"}
            assert (await unit.patch(path, json=said, headers=anyhow)).status_code == 200
        await office.post(f"/register-rows/{confirmed['id']}/confirm")
        await unit.post(f"/register-rows/{gone['id']}/withdraw")
        made = creation()
        told = await Device(unit).sync(
            taken_back(changed["id"], base_version=1),
            taken_back(confirmed["id"], base_version=2),
            taken_back(gone["id"], base_version=2),
            edit(disputed["id"], base_version=1, data={"values": {"batch": "手机写的"}}),
            taken_back(disputed["id"], base_version=2),
            taken_back(changed["id"]),
            taken_back(changed["id"], base_version=9),
            taken_back(str(new_id()), base_version=1),
            taken_back(changed["id"], base_version=2, data={"reason": 7}),
            made,
            taken_back(made["row_id"]),
            taken_back(made["row_id"]),
            edit(made["row_id"], data={"values": {"batch": "x"}}),
            {**creation(), "row_id": made["row_id"]},
        )
        states = [(await read(unit, one["id"]))["state"] for one in (changed, confirmed, disputed)]
    assert outcomes(told) == [
        "stale-version",
        "transition-refused",
        "transition-refused",
        "conflict",
        "conflict-waits",
        "base-version-unknown",
        "base-version-unknown",
        "register-row-not-found",
        "invalid-input",
        "applied",
        "applied",
        "transition-refused",
        "transition-refused",
        "register-row-exists",
    ]
    assert states == ["draft", "confirmed", "draft"]


@pytest.mark.parametrize(("role", "unit"), [("reporter", "UN15"), ("leader", None)])
async def test_a_stranger_and_a_reader_take_nothing_back(
    door: Door, role: str, unit: str | None
) -> None:
    async with await door.as_("reporter", KEEPER) as keeper:
        row = await added_row(keeper)
        async with await door.as_(role, unit) as other:
            told = await Device(other).sync(taken_back(row["id"], base_version=1))
        assert (await read(keeper, row["id"]))["state"] == "draft"
    assert outcomes(told) == ["forbidden" if role == "leader" else "register-row-not-found"]


async def test_where_only_totals_are_kept_the_reason_names_no_persons_number(door: Door) -> None:
    counts = dict.fromkeys(("transferred", "accepted", "filed", "not_filed"), 0)
    data = {"organization_code": "UN09", "values": {"month": "2031-01", **counts}}
    async with await door.as_("reporter", "UN09") as unit:
        made = a_write(
            "register_row.create", str(new_id()), register_code="CRIMINAL-CASES", data=data
        )
        told = await Device(unit).sync(
            made, taken_back(made["row_id"], data={"reason": "当事人 13812345678"})
        )
    assert outcomes(told) == ["applied", "invalid-input"]
    refusal = told["results"][1]["refusal"]
    assert [one["code"] for one in refusal["errors"]] == ["counts-only"]
    assert "13812345678" not in str(refusal)


async def test_many_rows_take_as_many_statements_as_one(door: Door) -> None:
    counted = []
    async with await door.as_("reporter", KEEPER) as unit:
        for amount in (1, 1, 30):  # of the first some are for what is kept after that
            rows = [creation() for _ in range(amount)]
            writes = [*rows, *(taken_back(one["row_id"]) for one in rows)]
            with statements_of(door) as statements:
                told = await Device(unit).sync(*writes)
            assert set(outcomes(told)) == {"applied"}
            counted.append(len(statements))
    assert counted[1] == counted[2]
