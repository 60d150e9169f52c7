"""Registers: rows by key, for whom they are, confirmed by another, and ended with a reason."""

from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.registers import (
    BATCH,
    KEEPER,
    ROWS,
    a_register_row,
    a_row,
    added_row,
    credit_code,
    factory,
)
from tests.support.statements_counted import fewest, statements_of


async def written(door: Door) -> list[int]:
    """Return how many rows, changes and events of rows there are."""
    tables = ("register_row", "register_row_history", "event WHERE type LIKE 'register_row.%'")
    fetch = door.held.database.pool.fetchval
    return [await fetch(f"SELECT count(*) FROM {one}") for one in tables]


def codes(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


async def test_a_row_is_written_confirmed_by_another_corrected_and_revoked(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        made = await unit.post(ROWS, json=a_row())
        path = made.headers["Location"].removeprefix("/v1")
        own = await unit.post(f"{path}/confirm")
        confirmed = await office.post(f"{path}/confirm")
        edited = await unit.patch(
            path,
            json={"values": {"document_number": "豫工信〔2025〕12号", "batch": None}},
            headers={"If-Match": confirmed.headers["ETag"]},
        )
        again = await office.post(f"{path}/confirm", headers={"If-Match": edited.headers["ETag"]})
        stale = await office.post(
            f"{path}/end", json={"reason": "停产"}, headers={"If-Match": confirmed.headers["ETag"]}
        )
        revoked = await office.post(
            f"{path}/revoke", json={"reason": "移出名单", "ended_on": "2026-01-15"}
        )
        late = await office.post(f"{path}/confirm")
        history = (await unit.get(f"{path}/history")).json()["items"]
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    assert (own.status_code, own.json()["code"]) == (403, "forbidden")
    row = confirmed.json()
    assert (row["state"], row["counted_values"]) == ("confirmed", made.json()["values"])
    assert row["valid_from"] == "2025-03-20"
    assert edited.json()["state"] == "draft"
    assert edited.json()["counted_values"] == made.json()["values"], "it counts as confirmed"
    assert again.json()["counted_values"]["document_number"] == "豫工信〔2025〕12号"
    assert (stale.status_code, stale.json()["current"]["version"]) == (412, 4)
    assert (revoked.json()["state"], revoked.json()["ended_on"]) == ("revoked", "2026-01-15")
    assert revoked.json()["allowed_actions"] == []
    assert (late.status_code, late.json()["code"]) == (409, "transition-refused")
    assert [one["action"] for one in history] == [
        "created",
        "confirmed",
        "changed",
        "confirmed",
        "revoked",
    ]
    assert history[-1]["reason"] == "移出名单"
    assert history[0]["before"] is None


async def test_nobody_confirms_their_own_and_what_is_withdrawn_frees_its_key(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("reporter", KEEPER) as other:
        row = a_row()
        made = (await office.post(ROWS, json=row)).json()
        own = await office.post(f"/register-rows/{made['id']}/confirm")
        taken = await other.post(ROWS, json=row)
        withdrawn = await office.post(f"/register-rows/{made['id']}/withdraw")
        free = await other.post(ROWS, json=row)
        confirmed = await office.post(f"/register-rows/{free.json()['id']}/confirm")
        edited = await other.patch(
            f"/register-rows/{free.json()['id']}",
            json={"values": {"enterprise": "改名有限公司"}},
            headers={"If-Match": "*"},
        )
        undone = await other.post(f"/register-rows/{free.json()['id']}/withdraw")
    assert (own.status_code, own.json()["code"]) == (403, "own-row")
    assert (taken.status_code, taken.json()["code"]) == (409, "register-row-exists")
    assert taken.json()["row_id"] == made["id"]
    assert withdrawn.json()["state"] == "withdrawn"
    assert free.status_code == 201
    assert confirmed.status_code == 200
    assert edited.json()["values"]["enterprise"] == "改名有限公司"
    assert (undone.json()["state"], undone.json()["values"]) == ("confirmed", row["values"])


async def test_every_fault_of_a_row_is_told_at_once(door: Door) -> None:
    said = {
        "credit_code": "914101830000000194",
        "enterprise": "长" * 201,
        "level": "city",
        "named_on": "2025-02-30",
        "valid_until": 20260101,
        "levle": "x",
        "batch": ["1"],
    }
    async with await door.as_("office") as office:
        wrong = await office.post(ROWS, json={"organization_code": "UN10", "values": said})
        empty = await office.post(ROWS, json={"organization_code": KEEPER, "values": {}})
        shape = await office.post(ROWS, json={"organization_code": "UN10", "values": 3, "x": 1})
        order = await office.post(ROWS, json=a_row(valid_until="2025-03-19"))
    assert codes(wrong) == [
        ("/organization_code", "not-a-keeper"),
        ("/values/credit_code", "credit-code"),
        ("/values/enterprise", "string-too-long"),
        ("/values/level", "unknown-choice"),
        ("/values/named_on", "date"),
        ("/values/valid_until", "date"),
        ("/values/levle", "unknown-column"),
        ("/values/batch", "string-type"),
    ]
    assert "level" in str(wrong.json()["errors"][6]["detail"])
    required = ("credit_code", "enterprise", "level", "named_on")
    assert codes(empty) == [(f"/values/{name}", "missing") for name in required]
    assert {"/values", "/x", "/organization_code"} <= {one for one, _ in codes(shape)}
    assert codes(order) == [("/values/valid_until", "validity-order")]


async def test_a_batch_makes_changes_and_leaves_alone_by_key(door: Door) -> None:
    first, second = a_row(), a_row()
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        started = await unit.post(BATCH, json={"items": [first, second]})
        before = await written(door)
        tried = await unit.post(BATCH, json={"items": [a_row()]}, params={"validate_only": "true"})
        again = await unit.post(BATCH, json={"items": [first, second]})
        assert await written(door) == before
        other = {**second, "values": {**second["values"], "batch": "第五批"}}
        twice = a_row()
        mixed = await unit.post(
            BATCH,
            json={
                "items": [
                    first,
                    other,
                    a_row(),
                    twice,
                    twice,
                    {"organization_code": KEEPER, "values": {"level": 3}},
                    {**a_row(), "organization_code": "UN10"},
                    {"values": {}},
                ]
            },
        )
        listed = (await office.get(ROWS, params={"column": "batch", "value": "第五批"})).json()
    assert [one["outcome"] for one in started.json()["items"]] == ["created", "created"]
    assert tried.json()["created"] == 1
    assert again.json()["unchanged"] == 2
    report = mixed.json()
    outcomes = [one["outcome"] for one in report["items"]]
    assert outcomes == ["unchanged", "updated", "created", *["rejected"] * 5]
    assert (report["created"], report["updated"], report["rejected"]) == (1, 1, 5)
    found = [{one["code"] for one in item["errors"]} for item in report["items"][3:]]
    assert found[0] == found[1] == {"duplicate-row"}
    assert found[2] >= {"unknown-choice", "missing"}
    assert found[3] == {"not-a-keeper"}
    assert "missing" in found[4]
    assert [one["id"] for one in listed["items"]] == [report["items"][1]["id"]]


async def test_a_call_sends_as_many_statements_for_one_row_as_for_many(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:

        async def send(number: int) -> None:
            answer = await unit.post(BATCH, json={"items": [a_row() for _ in range(number)]})
            assert answer.json()["created"] == number, answer.text

        few = await fewest(door, lambda: send(2), lambda: send(2), lambda: send(2))
        many = await fewest(door, lambda: send(300), lambda: send(300))
    assert many <= few <= 8


async def test_a_unit_sees_its_own_and_the_superior_what_was_confirmed(door: Door) -> None:
    draft, counts = await a_register_row(door, "draft"), await a_register_row(door, "confirmed")
    seen: dict[str, set[str]] = {}
    callers = [("reporter", KEEPER), ("reporter", "UN10"), ("lead", "UN10"), ("superior", None)]
    for role, unit in [*callers, ("leader", None)]:
        async with await door.as_(role, unit) as client:
            listed = (await client.get(ROWS, params={"page_size": 500})).json()["items"]
            seen[f"{role} {unit}"] = {one["id"] for one in listed} & {draft, counts}
            for row_id in (draft, counts):
                one = await client.get(f"/register-rows/{row_id}")
                history = await client.get(f"/register-rows/{row_id}/history")
                shown = row_id in seen[f"{role} {unit}"]
                assert (one.status_code, history.status_code) == (
                    (200, 200) if shown else (404, 404)
                )
            if role == "superior":
                actions = [one["action"] for one in history.json()["items"]]
                assert actions == ["confirmed"]
    assert seen == {
        "reporter UN22": {draft, counts},
        "reporter UN10": set(),
        "lead UN10": set(),
        "superior None": {counts},
        "leader None": {draft, counts},
    }


async def test_a_device_follows_what_changed_and_what_left(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("reporter", KEEPER) as unit:
        await door.react()
        start = (await office.get("/events", params={"after": 0, "limit": 1000})).json()
        position = start["last_position"]
        while start["has_more"]:
            start = (await office.get("/events", params={"after": position})).json()
            position = start["last_position"]
        kept, gone = [await added_row(unit) for _ in range(2)]
        await unit.post(f"/register-rows/{gone['id']}/withdraw")
        await door.react()
        changed = (await office.get(ROWS, params={"changed_after": position})).json()
        drafts = await office.post(f"/register-rows/{kept['id']}/confirm")
        await door.react()
        narrowed = (
            await office.get(ROWS, params={"changed_after": changed["position"], "state": "draft"})
        ).json()
        beyond = await office.get(ROWS, params={"changed_after": 10**9})
        events = (await unit.get("/events", params={"after": position})).json()["items"]
    assert drafts.status_code == 200
    assert [one["id"] for one in changed["items"]] == [kept["id"]]
    assert [one["id"] for one in changed["tombstones"]] == [gone["id"]]
    assert (narrowed["items"], [one["id"] for one in narrowed["tombstones"]]) == ([], [kept["id"]])
    assert beyond.status_code == 410
    told = [one["type"] for one in events if one["type"].startswith("register_row.")]
    assert told.count("register_row.created") == 2
    assert told[-1] == "register_row.confirmed"


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"column": "levle", "value": "x"}, ("/query/column", "unknown-column")),
        ({"column": "level"}, ("/query/value", "missing")),
        ({"valid_on": "2025-01-01", "changed_after": "0"}, ("/query/valid_on", "not-of-changes")),
    ],
)
async def test_a_filter_that_says_nothing_is_refused(
    door: Door, asked: dict[str, Any], fault: tuple[str, str]
) -> None:
    async with await door.as_("office") as office:
        assert codes(await office.get(ROWS, params=asked)) == [fault]


async def test_what_counts_on_a_day_is_what_holds_and_was_not_ended(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit, await door.as_("office") as office:
        ids = []
        for values in ({"valid_until": "2025-06-30"}, {}, {"named_on": "2025-07-01"}):
            row = await added_row(unit, **values)
            await office.post(f"/register-rows/{row['id']}/confirm")
            ids.append(row["id"])
        draft = await added_row(unit)
        end = {"reason": "停产", "ended_on": "2025-08-01"}
        ended = await office.post(f"/register-rows/{ids[1]}/end", json=end)
        to_come = await office.post(
            f"/register-rows/{ids[0]}/end", json={"reason": "停产", "ended_on": "2099-01-01"}
        )

        async def on(day: str) -> set[int]:
            asked = {"valid_on": day, "page_size": "500"}
            found = {one["id"] for one in (await office.get(ROWS, params=asked)).json()["items"]}
            assert draft["id"] not in found
            return {at for at, one in enumerate(ids) if one in found}

        assert ended.json()["state"] == "ended"
        assert codes(to_come) == [("/ended_on", "day-to-come")]
        assert await on("2025-03-19") == set()
        assert await on("2025-06-30") == {0, 1}
        assert await on("2025-07-01") == {1, 2}
        assert await on("2025-08-01") == {2}


async def test_a_key_stays_and_the_same_again_is_no_version(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        made = await added_row(unit)
        path = f"/register-rows/{made['id']}"
        moved = await unit.patch(
            path, json={"values": {"credit_code": credit_code()}}, headers={"If-Match": "*"}
        )
        same = await unit.patch(
            path, json={"values": {"level": "provincial"}}, headers={"If-Match": "*"}
        )
    assert codes(moved) == [("/values/credit_code", "key-fixed")]
    assert same.json()["version"] == 1


async def test_a_register_that_the_plan_does_not_have_is_404(door: Door) -> None:
    path = f"/plans/{XINMI}/registers"
    async with await door.as_("office") as office:
        listed = (await office.get(path)).json()["items"]
        unknown = await office.get(f"{path}/NONE/rows")
        with statements_of(door) as asked:
            await office.get(path)
    assert "GREEN-FACTORY" in [one["code"] for one in listed]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "register-not-found")
    assert not any("register_row" in one for one in asked)
    assert factory(batch=None).keys() >= {"credit_code"}
