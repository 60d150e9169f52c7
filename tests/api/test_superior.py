"""What the superior sees of a submission: what was approved, and no work on it."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.api import XINMI, Door, a_submission

PATH = f"/plans/{XINMI}/submissions"


async def approved(door: Door, period: str, value: str) -> dict[str, Any]:
    """Return a submission of a unit that the office has approved."""
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        made = await unit.post(PATH, json=a_submission(period=period, value=value))
        assert made.status_code == 201, made.text
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
    await door.react()
    body: dict[str, Any] = done.json()
    return body


async def correct(door: Door, submission_id: str, value: str) -> None:
    """Reopen a submission, change it and hand it in again."""
    path = f"/submissions/{submission_id}"
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        reopened = await office.post(f"{path}/reopen", json={"reason": "漏报一座分拣中心"})
        changed = await unit.patch(
            path, json={"value": value}, headers={"If-Match": reopened.headers["ETag"]}
        )
        assert changed.status_code == 200, changed.text
        assert (await unit.post(f"{path}/submit")).status_code == 200
    await door.react()


async def delta(client: httpx.AsyncClient, position: int, **filters: str) -> dict[str, Any]:
    params: dict[str, str | int] = {"changed_after": position, "page_size": 500, **filters}
    answer = await client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def without_rights(submission: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in submission.items() if name != "allowed_actions"}


async def test_an_approved_revision_is_seen_until_the_next_one_is_approved(door: Door) -> None:
    first = await approved(door, "2021-01", "40.65")
    path = f"/submissions/{first['id']}"
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        before = await superior.get(path)
        await correct(door, first["id"], "41")
        during = await superior.get(path)
        listed = (await superior.get(PATH, params={"period": "2021-01"})).json()["items"]
        again = await superior.get(path, headers={"If-None-Match": before.headers["ETag"]})
        decided = await office.post(f"{path}/approve")
        after = await superior.get(path)
    assert before.json() == during.json() == listed[0]
    assert without_rights(before.json()) == without_rights(first)
    assert again.status_code == 304
    assert (after.json()["value"], after.json()["revision"]) == ("41", 2)
    assert after.headers["ETag"] == decided.headers["ETag"]


async def test_a_ratio_under_correction_keeps_its_parts(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        body = a_submission(period="2021-07", value=None, numerator="4.1", denominator="10")
        made = (await unit.post(PATH, json=body)).json()
        done = (await office.post(f"/submissions/{made['id']}/approve")).json()
        await office.post(f"/submissions/{made['id']}/reopen", json={"reason": "更正"})
        async with await door.as_("superior") as superior:
            seen = (await superior.get(f"/submissions/{made['id']}")).json()
    assert without_rights(seen) == without_rights(done)
    assert (seen["numerator"], seen["denominator"], seen["value"]) == ("4.1", "10", "41")


async def test_its_copy_is_never_stale_and_hears_of_decisions_alone(door: Door) -> None:
    await door.react()
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        start = await delta(superior, 0)
        made = await approved(door, "2021-02", "39")
        first = await delta(superior, start["position"])
        await correct(door, made["id"], "42")
        meanwhile = await delta(superior, first["position"])
        anew = await delta(superior, 0, period="2021-02")
        await office.post(f"/submissions/{made['id']}/approve")
        await door.react()
        second = await delta(superior, meanwhile["position"])
        await office.post(f"/submissions/{made['id']}/falsify", json={"reason": "核查不实"})
        await door.react()
        third = await delta(superior, second["position"])
    assert [item["value"] for item in first["items"]] == ["39"]
    assert meanwhile["items"] == meanwhile["tombstones"] == []
    assert meanwhile["position"] > first["position"]
    assert anew["items"] == first["items"]
    assert [item["value"] for item in second["items"]] == ["42"]
    assert [item["falsified"] for item in third["items"]] == [True]


async def test_its_filter_by_state_knows_only_what_is_approved(door: Door) -> None:
    made = await approved(door, "2021-03", "39")
    await correct(door, made["id"], "42")
    async with await door.as_("superior") as superior:
        for state, ids in (("approved", [made["id"]]), ("submitted", []), ("returned", [])):
            listed = await superior.get(PATH, params={"period": "2021-03", "state": state})
            assert [item["id"] for item in listed.json()["items"]] == ids


async def test_its_history_holds_no_work(door: Door) -> None:
    made = await approved(door, "2021-04", "39")
    await correct(door, made["id"], "42")
    path = f"/submissions/{made['id']}/history"
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        during = (await superior.get(path)).json()["items"]
        await office.post(f"/submissions/{made['id']}/approve")
        pages = []
        page: dict[str, Any] = {"next_page_token": ""}
        while page["next_page_token"] is not None:
            token = {"page_token": page["next_page_token"]} if page["next_page_token"] else {}
            page = (await superior.get(path, params={"page_size": "1", **token})).json()
            pages.append(page["items"])
        whole = (await office.get(path)).json()["items"]
    assert [change["after"]["value"] for change in during] == ["39"]
    assert [[change["after"]["value"] for change in items] for items in pages] == [["39"], ["42"]]
    assert pages[1][0]["before"] == pages[0][0]["after"]
    assert len(whole) == 6


async def test_what_was_never_approved_is_not_there(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("superior") as superior:
        made = (await unit.post(PATH, json=a_submission(period="2021-05"))).json()
        for path in (f"/submissions/{made['id']}", f"/submissions/{made['id']}/history"):
            assert (await superior.get(path)).status_code == 404
        listed = await superior.get(PATH, params={"period": "2021-05"})
    assert listed.json()["items"] == []


async def test_it_hears_in_the_feed_that_a_value_was_found_falsified(door: Door) -> None:
    made = await approved(door, "2021-06", "39")
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        await office.post(f"/submissions/{made['id']}/falsify", json={"reason": "核查不实"})
        await door.react()
        feed = (await superior.get("/events", params={"limit": 1000})).json()["items"]
    told = [event["type"] for event in feed if event["subject"]["id"] == made["id"]]
    assert told == ["submission.approved", "submission.falsified"]
