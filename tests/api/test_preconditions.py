"""Versions of things: ETag, If-Match and If-None-Match, wherever there is an item."""

from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from itertools import count
from typing import Any

import httpx
import pytest

from tests.support.api import IN_TIME, XINMI, Door
from tests.support.waiting import all_wait

PLAN = f"/plans/{XINMI}"
_years: Iterator[int] = count(2021)

DECISION = {
    "decision": "以附件2的表为准",
    "document_number": "新无废办〔2025〕3号",
    "document_date": "2025-05-06",
}
ASSIGNMENT = {
    "kind": "at_most",
    "value": "0.60",
    "document_number": "郑环文〔2025〕18号",
    "document_date": "2025-03-20",
}


@pytest.mark.parametrize(
    "path",
    [
        PLAN,
        f"{PLAN}/indicators",
        f"{PLAN}/indicators/U08",
        f"{PLAN}/tasks",
        f"{PLAN}/tasks/14",
        f"{PLAN}/scoreboard",
        "/organizations/UN15",
    ],
)
async def test_an_item_has_a_version_and_is_not_sent_twice(door: Door, path: str) -> None:
    async with await door.as_("leader") as leader:
        first = await leader.get(path)
        etag = first.headers["ETag"]
        again = await leader.get(path, headers={"If-None-Match": f'"other", {etag}'})
        changed = await leader.get(path, headers={"If-None-Match": '"other"'})
    assert etag.startswith('"')
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert changed.content == first.content


async def test_a_key_has_the_version_that_its_making_told(door: Door) -> None:
    async with door.client(door.admin_secret) as admin:
        made = await admin.post("/api-keys", json={"name": "数据平台", "role": "integrator"})
        path = f"/api-keys/{made.json()['id']}"
        read = await admin.get(path)
        again = await admin.get(path, headers={"If-None-Match": made.headers["ETag"]})
        await admin.delete(path)
        revoked = await admin.get(path, headers={"If-None-Match": made.headers["ETag"]})
    assert read.headers["ETag"] == made.headers["ETag"]
    assert again.status_code == 304
    assert revoked.json()["revoked_at"] is not None


async def test_the_periods_are_a_list_like_all_others(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("leader") as leader:
        await office.post(f"{PLAN}/periods/{next(_years)}/open", json=IN_TIME)
        listed = await leader.get(f"{PLAN}/periods")
    assert listed.json().keys() == {"items", "next_page_token"}
    assert listed.json()["items"][0]["state"] == "open"


async def test_a_period_is_moved_from_the_version_that_was_read(door: Door) -> None:
    path = f"{PLAN}/periods/{next(_years)}"
    async with await door.as_("office") as office:
        absent = await office.post(f"{path}/open", headers={"If-Match": "*"}, json=IN_TIME)
        opened = await office.post(f"{path}/open", json=IN_TIME)
        other = await office.post(f"{path}/close", headers={"If-Match": '"other"'})
        closed = await office.post(f"{path}/close", headers={"If-Match": opened.headers["ETag"]})
        late = await office.post(f"{path}/publish", headers={"If-Match": opened.headers["ETag"]})
        any_version = await office.post(f"{path}/publish", headers={"If-Match": "*"})
    assert (absent.status_code, absent.json()["current"]) == (412, None)
    assert "ETag" not in absent.headers
    assert (other.status_code, other.json()["current"]["state"]) == (412, "open")
    assert other.headers["ETag"] == opened.headers["ETag"]
    assert closed.status_code == 200
    assert (late.status_code, late.headers["ETag"]) == (412, closed.headers["ETag"])
    assert any_version.json()["state"] == "published"


async def test_a_question_is_settled_from_the_version_that_was_read(door: Door) -> None:
    path = f"{PLAN}/open-questions/T04/settle"
    async with await door.as_("office") as office:
        stale = await office.post(path, json=DECISION, headers={"If-Match": '"other"'})
        unknown = await office.post(
            f"{PLAN}/open-questions/T99/settle", json=DECISION, headers={"If-Match": "*"}
        )
        version = stale.headers["ETag"]
        tried = await office.post(
            path, json=DECISION, headers={"If-Match": version}, params={"validate_only": "true"}
        )
        settled = await office.post(path, json=DECISION, headers={"If-Match": version})
    assert (stale.status_code, stale.json()["current"]["settlement"]) == (412, None)
    assert unknown.status_code == 404
    assert tried.status_code == 200
    assert settled.status_code == 200
    assert settled.headers["ETag"] != version


async def test_a_stale_assignment_is_told_how_the_indicator_stands_now(door: Door) -> None:
    path = f"{PLAN}/indicators/R02/targets/2025"
    async with await door.as_("office") as office:
        first = await office.put(path, json=ASSIGNMENT)
        stale = await office.put(path, json=ASSIGNMENT, headers={"If-Match": '"other"'})
        now: dict[str, Any] = (await office.get(f"{PLAN}/indicators/R02")).json()
    assert first.status_code == 200
    assert stale.status_code == 412
    assert stale.json()["current"] == now
    assert stale.headers["ETag"] == first.headers["ETag"]


async def _all_at_once(door: Door, asked: Sequence[Awaitable[httpx.Response]]) -> list[int]:
    """Return the statuses of requests that all wait for the plan before one is answered."""
    found = await all_wait(door.held.database.dsn, *asked, name=XINMI)
    return [answer.status_code for answer in found]


async def test_of_six_writers_with_one_version_of_a_target_one_wins(door: Door) -> None:
    path, first = f"{PLAN}/indicators/R05/targets/2025", {**ASSIGNMENT, "kind": "at_least"}
    async with await door.as_("office") as office:
        firsts = await _all_at_once(door, [office.put(path, json=first) for _ in range(6)])
        etag = {"If-Match": (await office.get(f"{PLAN}/indicators/R05")).headers["ETag"]}
        values = [{**first, "value": str(number)} for number in range(6)]
        laters = await _all_at_once(
            door, [office.put(path, json=value, headers=etag) for value in values]
        )
        assigned = (await office.get(path)).json()["items"]
    assert Counter(firsts) == {200: 1, 428: 5}
    assert Counter(laters) == {200: 1, 412: 5}
    assert len(assigned) == 2


async def test_of_six_who_settle_one_version_of_a_question_one_does(door: Door) -> None:
    path = f"{PLAN}/open-questions/T05/settle"
    async with await door.as_("office") as office:
        stale = await office.post(path, json=DECISION, headers={"If-Match": '"other"'})
        etag = {"If-Match": stale.headers["ETag"]}
        settled = await _all_at_once(
            door, [office.post(path, json=DECISION, headers=etag) for _ in range(6)]
        )
    assert Counter(settled) == {200: 1, 412: 5}
