"""Replies of repeated requests: kept for 24 hours and no longer, each for one credential."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.core.kit.idempotency import KeptReply, RequestKey, claim, forget_old, keep
from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door, a_submission, xinmi

PATH = f"/plans/{XINMI}/submissions"
ALMOST = timedelta(hours=23, minutes=59)
PAST = timedelta(hours=24, minutes=1)
_months: Iterator[int] = count(1)


def a_body() -> dict[str, object]:
    return dict(a_submission(period=f"2022-{next(_months):02}"))


async def age(door: Door, by: timedelta) -> None:
    """Let every reply that is kept be so much older."""
    await door.held.database.pool.execute(
        "UPDATE stored_reply SET created_at = created_at - $1::interval", by
    )


async def sweep(door: Door) -> None:
    async with door.held.database.transaction() as session:
        await forget_old(session, "410183", now=door.held.clock.true_now())


@pytest.mark.parametrize("swept", [False, True])
async def test_a_repeat_is_answered_as_the_first_for_24_hours_and_no_longer(
    door: Door, *, swept: bool
) -> None:
    body, key = a_body(), {"Idempotency-Key": f"report {swept}"}
    async with await door.as_("reporter", "UN15") as unit:
        first = await unit.post(PATH, json=body, headers=key)
        await age(door, ALMOST)
        if swept:
            await sweep(door)
        kept = await unit.post(PATH, json=body, headers=key)
        await age(door, PAST - ALMOST)
        if swept:
            await sweep(door)
        gone = await unit.post(PATH, json=body, headers=key)
        other = await unit.post(PATH, json=a_body(), headers=key)
        again = await unit.post(PATH, json=a_body(), headers=key)
    assert first.status_code == 201
    assert (kept.content, kept.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert (gone.status_code, gone.json()["code"]) == (409, "submission-exists")
    assert "Idempotency-Replayed" not in gone.headers
    assert other.status_code == 201, "the key is free again"
    assert (again.status_code, again.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_verb_is_answered_as_the_first_time_for_as_long(door: Door) -> None:
    key = {"Idempotency-Key": "approve"}
    async with await door.as_("reporter", "UN15") as unit:
        made = (await unit.post(PATH, json=a_body())).json()
    path = f"/submissions/{made['id']}/approve"
    async with await door.as_("office") as office:
        first = await office.post(path, headers=key)
        await age(door, ALMOST)
        kept = await office.post(path, headers=key)
        await age(door, PAST - ALMOST)
        gone = await office.post(path, headers=key)
    assert (first.status_code, kept.content) == (200, first.content)
    assert (gone.status_code, gone.json()["code"]) == (409, "transition-refused")


async def test_the_sweep_takes_what_is_older_than_24_hours_alone(door: Door) -> None:
    now = door.held.clock.true_now()
    young, old = [RequestKey("410183", new_id(), "k", b"d") for _ in range(2)]
    async with door.held.database.transaction() as session:
        assert await claim(session, young, at=now - ALMOST) is None
        assert await claim(session, old, at=now - PAST) is None
        await forget_old(session, "410183", now=now)
    found = await door.held.database.pool.fetch(
        "SELECT credential_id FROM stored_reply WHERE credential_id = ANY($1::uuid[])",
        [young.credential_id, old.credential_id],
    )
    assert [UUID(str(row[0])) for row in found] == [young.credential_id]


async def test_two_credentials_and_two_cities_with_one_key_do_not_meet(door: Door) -> None:
    now, somebody = door.held.clock.true_now(), new_id()
    keys = [
        RequestKey("410183", somebody, "one", b"a"),
        RequestKey("410183", new_id(), "one", b"b"),
        RequestKey("410184", somebody, "one", b"c"),
        RequestKey("410183", somebody, "two", b"d"),
    ]
    async with door.held.database.transaction() as session:
        for number, one in enumerate(keys):
            assert await claim(session, one, at=now) is None
            body = str(number).encode()
            await keep(session, one, status=200, body=body, etag=None, location=None)
        replies = [await claim(session, one, at=now) for one in keys]
    assert replies == [KeptReply(200, str(n).encode(), None, None) for n in range(len(keys))]


async def test_two_units_report_with_one_key_and_both_are_heard(door: Door) -> None:
    key = {"Idempotency-Key": "the same"}
    body = a_body()
    async with (
        await door.as_("reporter", "UN15") as unit,
        await door.as_("reporter", "410183107") as town,
    ):
        ours = await unit.post(PATH, json=body, headers=key)
        theirs = await town.post(PATH, json={**body, "organization_code": "410183107"}, headers=key)
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["id"] != theirs.json()["id"]


async def test_a_repeat_is_answered_as_the_first_though_the_plan_has_changed(door: Door) -> None:
    """The first of each kind is judged by a plan that has its indicator; the repeat is not."""
    plan = xinmi()
    without = tuple(one for one in plan.indicators if one.code != "U08")
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        form = f"/plans/{XINMI}/templates/indicators.xlsx"
        sheet = (await unit.get(form, params={"period": "2025"})).content
        file = {"Content-Type": "application/octet-stream"}
        calls: list[tuple[httpx.AsyncClient, str, dict[str, Any]]] = [
            (unit, PATH, {"json": a_body()}),
            (unit, f"{PATH}/batch", {"json": {"items": [a_body()]}}),
            (unit, f"/plans/{XINMI}/imports", {"content": sheet, "headers": file}),
        ]
        keys = [{"Idempotency-Key": f"before the plan changed {number}"} for number in range(3)]
        first = [await again(call, key) for call, key in zip(calls, keys, strict=True)]
        await door.load(plan.model_copy(update={"indicators": without}))
        await door.forget_everything()
        try:
            second = [await again(call, key) for call, key in zip(calls, keys, strict=True)]
            others = [await again(call, {"Idempotency-Key": "new"}) for call in calls[:1]]
            path, body = f"{PATH}?validate_only=true", calls[0][2]
            preview = await unit.post(path, **body, headers=keys[0])
            other = await office.post(PATH, **body, headers=keys[0])
        finally:
            await door.load(plan)
            await door.forget_everything()
    assert [one.status_code for one in first] == [201, 200, 202], [one.text for one in first]
    for before, after in zip(first, second, strict=True):
        assert (after.status_code, after.content) == (before.status_code, before.content)
        assert after.headers["Idempotency-Replayed"] == "true"
    assert {one.status_code for one in (*others, preview, other)} == {422}


async def again(
    call: tuple[httpx.AsyncClient, str, dict[str, Any]], key: dict[str, str]
) -> httpx.Response:
    """Send a call under a key."""
    client, path, said = call
    return await client.post(path, **{**said, "headers": {**said.get("headers", {}), **key}})
