"""What a device wrote of rows of registers without a network: once, merged, or both kept."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door
from tests.support.device import Device, Write, a_row_conflict, a_write
from tests.support.registers import KEEPER, REGISTER, ROWS, added_row, credit_code, factory
from tests.support.statements_counted import statements_of
from tests.support.waiting import all_wait

LISTED = f"/plans/{XINMI}/register-row-conflicts"


def creation(*, row_id: str | None = None, unit: str = KEEPER, **values: Any) -> Write:
    """Return a write that makes a row, by an id of its own."""
    data = {"organization_code": unit, "values": factory(**values)}
    subject = row_id or str(new_id())
    return a_write("register_row.create", subject, register_code=REGISTER, data=data)


def edit(row_id: str, base_version: int | None = None, **values: Any) -> Write:
    """Return a write that changes a row as it was seen; without a version one made in the call."""
    based = {} if base_version is None else {"base_version": base_version}
    return a_write("register_row.edit", row_id, data={"values": values}, **based)


async def changed(client: httpx.AsyncClient, row_id: str, **values: Any) -> None:
    """Let a colleague change a row at a desk."""
    answer = await client.patch(
        f"/register-rows/{row_id}", json={"values": values}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text


async def read(client: httpx.AsyncClient, row_id: str) -> dict[str, Any]:
    answer = await client.get(f"/register-rows/{row_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def outcomes(told: dict[str, Any]) -> list[str]:
    return [one["outcome"] for one in told["results"]]


async def test_a_row_is_made_and_changed_in_one_call_and_taken_in_once(door: Door) -> None:
    made = creation(batch=None)
    subject = made["row_id"]
    more = edit(subject, batch="第五批")
    async with await door.as_("reporter", KEEPER) as unit:
        device = Device(unit)
        told = await device.sync(made, more)
        again = await Device(unit).sync(made, more)
        row = await read(unit, subject)
        history = (await unit.get(f"/register-rows/{subject}/history")).json()["items"]
    assert outcomes(told) == ["applied", "applied"], told["results"]
    assert [one["version"] for one in told["results"]] == [1, 2]
    assert [one["repeated"] for one in again["results"]] == [True, True]
    assert (row["version"], row["state"], row["values"]["batch"]) == (2, "draft", "第五批")
    assert [one["action"] for one in history] == ["created", "changed"]
    assert "batch" not in history[0]["after"]["values"]


async def test_different_columns_both_stand_and_the_same_is_one_conflict_with_both(
    door: Door,
) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit, batch="第一批")
        await changed(unit, row["id"], enterprise="同事写的名称", valid_until="2028-03-19")
        device = Device(unit)
        told = await device.sync(
            edit(row["id"], 1, batch="第二批"),
            edit(row["id"], 1, enterprise="手机写的名称", named_on="2025-04-01"),
            edit(row["id"], 1, valid_until="2028-03-19"),
        )
        now = await read(unit, row["id"])
        disputed = told["results"][1]
        conflict = (await unit.get(f"/register-row-conflicts/{disputed['conflict_id']}")).json()
        (listed,) = (await unit.get(LISTED, params={"row_id": row["id"]})).json()["items"]
        nothing = await device.send()
    assert outcomes(told) == ["merged", "conflict", "unchanged"], told["results"]
    assert now["values"] == {
        **row["values"],
        "batch": "第二批",
        "enterprise": "同事写的名称",
        "named_on": "2025-04-01",
        "valid_until": "2028-03-19",
    }
    assert conflict["columns"] == ["enterprise"]
    assert [conflict[side]["enterprise"] for side in ("base", "ledger", "device")] == [
        row["values"]["enterprise"],
        "同事写的名称",
        "手机写的名称",
    ]
    assert (conflict["state"], conflict["may_decide"]) == ("open", True)
    assert listed == conflict == told["register_row_conflicts"]["items"][0]
    assert nothing.json()["register_row_conflicts"] is None, "the device knows the list"
    assert len(nothing.content) < 300, nothing.text


async def test_a_cell_that_was_taken_back_on_one_side_and_changed_on_the_other_is_a_conflict(
    door: Door,
) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit, batch="第一批")
        await changed(unit, row["id"], batch=None)
        told = await Device(unit).sync(edit(row["id"], 1, batch="第二批"))
        (conflict,) = told["register_row_conflicts"]["items"][:1]
        same = await Device(unit).sync(edit(row["id"], 1, batch=None))
    assert outcomes(told) == ["conflict"]
    assert (conflict["ledger"], conflict["device"]) == ({"batch": None}, {"batch": "第二批"})
    assert outcomes(same) == ["unchanged"]


async def test_the_devices_version_is_taken_as_an_edit_whose_author_is_the_device(
    door: Door,
) -> None:
    conflict = await a_row_conflict(door)
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        before = await Device(unit).sync()
        (found,) = [
            one for one in before["register_row_conflicts"]["items"] if one["id"] == conflict
        ]
        path = f"/register-row-conflicts/{conflict}/decide"
        stale = await unit.post(path, json={"take": "device"}, headers={"If-Match": '"old"'})
        taken = await office.post(path, json={"take": "device", "reason": "以现场为准"})
        again = await unit.post(path, json={"take": "ledger"})
        row = await read(unit, found["row_id"])
        own = await unit.post(f"/register-rows/{found['row_id']}/confirm")
        await door.react()
        types = "register_row_conflict.raised,register_row_conflict.decided"
        events = (await unit.get("/events", params={"types": types, "plan": XINMI})).json()
    assert (stale.status_code, taken.status_code, again.status_code) == (412, 200, 409)
    assert again.json()["code"] == "transition-refused"
    assert (taken.json()["state"], taken.json()["taken"]) == ("decided", "device")
    assert row["values"]["enterprise"] == "手机写的名称"
    assert own.status_code == 403
    told = [one["type"] for one in events["items"] if one["subject"]["id"] == conflict]
    assert told == ["register_row_conflict.raised", "register_row_conflict.decided"]


async def test_what_the_ledger_says_is_kept_and_the_row_has_no_new_version(door: Door) -> None:
    conflict = await a_row_conflict(door)
    async with await door.as_("reporter", KEEPER) as unit:
        found = (await unit.get(f"/register-row-conflicts/{conflict}")).json()
        before = await read(unit, found["row_id"])
        path = f"/register-row-conflicts/{conflict}/decide"
        taken = await unit.post(path, json={"take": "ledger", "reason": "以台账为准"})
        after = await read(unit, found["row_id"])
    assert (taken.status_code, taken.json()["decision_reason"]) == (200, "以台账为准")
    assert before["version"] == after["version"]


async def test_refused_writes_say_why_and_are_kept_for_the_device(door: Door) -> None:
    code = credit_code()
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        stands = await added_row(unit, credit_code=code)
        ended = await added_row(unit)
        for verb, body in (("confirm", {}), ("revoke", {"reason": "不再符合"})):
            answer = await office.post(f"/register-rows/{ended['id']}/{verb}", json=body)
            assert answer.status_code == 200, answer.text
        other = await added_row(unit)
        twice = creation(credit_code=code, enterprise="另一名称")
        writes = [
            twice,
            edit(twice["row_id"], batch="第二批"),
            creation(credit_code="91410183", named_on="三月"),
            creation(unit="UN15"),
            creation(row_id=other["id"]),
            {**creation(), "register_code": "NOTHING"},
            edit(ended["id"], 2, batch="第二批"),
            edit(stands["id"], 7, batch="第二批"),
            edit(stands["id"], 1, no_such_column="x"),
            edit(stands["id"], 1, credit_code=credit_code()),
        ]
        told = await Device(unit).sync(*writes)
        again = await Device(unit).sync(*writes[:1])
    assert set(outcomes(told)) == {"refused"}, told["results"]
    refusals = [one["refusal"] for one in told["results"]]
    assert [one["code"] for one in refusals] == [
        "register-row-exists",
        "register-row-not-found",
        "invalid-input",
        "invalid-input",
        "register-row-exists",
        "register-not-found",
        "transition-refused",
        "base-version-unknown",
        "invalid-input",
        "invalid-input",
    ]
    assert sorted(one["code"] for one in refusals[2]["errors"]) == ["credit-code", "date"]
    assert [one["code"] for one in refusals[3]["errors"]] == ["not-a-keeper"]
    assert [one["code"] for one in refusals[9]["errors"]] == ["key-fixed"]
    kept = {one["id"] for one in told["refused"]["items"]}
    assert {one["id"] for one in writes} <= kept
    assert again["results"][0]["repeated"]


async def test_the_same_row_made_twice_is_the_one_that_stands(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        stands = await added_row(unit)
        made = creation(**stands["values"])
        told = await Device(unit).sync(made, edit(made["row_id"], batch="第九批"))
        row = await read(unit, stands["id"])
    assert outcomes(told) == ["unchanged", "applied"], told["results"]
    assert {one["subject_id"] for one in told["results"]} == {stands["id"]}
    assert row["values"]["batch"] == "第九批"


async def test_a_phone_that_lost_the_answer_stands_on_its_own_change(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit)
        first = edit(row["id"], 1, enterprise="第一次")
        await Device(unit).sync(first)
        # It knows no newer version, sends the first again and goes on from what it said itself.
        told = await Device(unit).sync(first, edit(row["id"], 1, enterprise="第二次"))
        now = await read(unit, row["id"])
    assert [(one["outcome"], one["repeated"]) for one in told["results"]] == [
        ("applied", True),
        ("applied", False),
    ]
    assert now["values"]["enterprise"] == "第二次"


async def test_changes_are_told_by_position_to_whoever_sees_the_row(door: Door) -> None:
    async with (
        await door.as_("reporter", KEEPER) as unit,
        await door.as_("reporter", "UN15") as stranger,
        await door.as_("superior") as superior,
        await door.as_("office") as office,
    ):
        await door.react()
        devices = [Device(one) for one in (unit, stranger, superior)]
        for device in devices:
            await device.sync()
        draft, gone, confirmed = [await added_row(unit) for _ in range(3)]
        await unit.post(f"/register-rows/{gone['id']}/withdraw", json={"reason": "重复"})
        await office.post(f"/register-rows/{confirmed['id']}/confirm")
        await door.react()
        own, others, above = [await device.sync() for device in devices]
        after = await devices[0].sync()
    assert {one["id"] for one in own["register_rows"]} == {draft["id"], confirmed["id"]}
    assert [(one["kind"], one["id"]) for one in own["tombstones"]] == [("register_row", gone["id"])]
    assert (others["register_rows"], others["tombstones"]) == ([], [])
    assert {one["id"] for one in above["register_rows"]} == {confirmed["id"]}
    assert above["tombstones"] == []
    assert after["register_rows"] == []


async def test_another_unit_changes_no_row_and_reads_no_conflict(door: Door) -> None:
    conflict = await a_row_conflict(door)
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit)
    async with await door.as_("reporter", "UN15") as stranger:
        told = await Device(stranger).sync(edit(row["id"], 1, batch="第二批"))
        seen = await stranger.get(f"/register-row-conflicts/{conflict}")
    async with await door.as_("leader") as leader:
        forbidden = await Device(leader).sync(edit(row["id"], 1, batch="第二批"))
    assert told["results"][0]["refusal"]["code"] == "register-row-not-found"
    assert seen.json()["code"] == "register-row-conflict-not-found"
    assert forbidden["results"][0]["refusal"]["code"] == "forbidden"


async def test_many_rows_take_as_many_statements_as_one(door: Door) -> None:
    counted = []
    async with await door.as_("reporter", KEEPER) as unit:
        for amount in (1, 1, 30):  # of the first some are for what is kept after that
            rows = [creation() for _ in range(amount)]
            writes = [*rows, *(edit(one["row_id"], batch="第二批") for one in rows)]
            with statements_of(door) as statements:
                told = await Device(unit).sync(*writes)
            assert set(outcomes(told)) == {"applied"}
            counted.append(len(statements))
    assert counted[1] == counted[2]


@pytest.mark.parametrize("same_id", [True, False])
async def test_two_phones_at_once_make_one_row(door: Door, same_id: bool) -> None:
    values = factory()
    row_id = str(new_id()) if same_id else None
    async with await door.as_("reporter", KEEPER) as unit:
        one, two = (
            creation(row_id=row_id, **{**values, "enterprise": name}) for name in ("甲", "乙")
        )
        told = await asyncio.gather(Device(unit).sync(one), Device(unit).sync(two))
        found = (
            await unit.get(ROWS, params={"column": "credit_code", "value": values["credit_code"]})
        ).json()["items"]
    assert sorted(outcomes(one)[0] for one in told) == ["applied", "refused"]
    assert len(found) == 1


_BACK = """
UPDATE register_row SET state = 'withdrawn', version = version + 1
WHERE city_code = '410183' AND id = $1
"""


async def test_a_row_that_is_taken_back_while_a_device_waits_for_it_holds_no_key(
    door: Door,
) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit)
        same = creation(**row["values"])
        (answer,) = await all_wait(
            door.held.database.dsn,
            Device(unit).send(same),
            statement=_BACK,
            values=(UUID(row["id"]),),
        )
        made = await read(unit, same["row_id"])
    assert outcomes(answer.json()) == ["applied"], answer.text
    assert (made["state"], made["values"]) == ("draft", row["values"])
