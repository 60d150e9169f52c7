"""Milestones that several change at once: versions, previews, repeats, and who wins."""

import asyncio
from collections import Counter

from tests.support.api import Door
from tests.support.kept_milestones import read, written
from tests.support.milestones import (
    BODIES,
    LEAD,
    PATH,
    a_milestone,
    a_milestone_in,
    assigned,
)


async def test_what_is_as_it_was_changes_nothing(door: Door) -> None:
    made = await a_milestone_in(door, "accepted")
    before = await written(door)
    async with await door.as_("office") as office:
        same = await office.patch(
            f"/milestones/{made.json()['id']}",
            json={"title": made.json()["title"], "due_date": "2026-12-31", "weight": "1.0"},
            headers={"If-Match": made.headers["ETag"]},
        )
        empty = await office.patch(
            f"/milestones/{made.json()['id']}", json={}, headers={"If-Match": "*"}
        )
    assert (same.status_code, empty.status_code) == (200, 200)
    assert same.json()["updated_at"] == made.json()["updated_at"]
    assert await written(door) == before


async def test_of_two_editors_the_second_is_told_what_stands(door: Door) -> None:
    made = await assigned(door)
    path, etag = f"/milestones/{made.json()['id']}", made.headers["ETag"]
    async with await door.as_("office") as office:
        first = await office.patch(path, json={"title": "甲"}, headers={"If-Match": etag})
        second = await office.patch(path, json={"title": "乙"}, headers={"If-Match": etag})
        blind = await office.patch(path, json={"title": "丙"})
        verb = await office.post(
            f"{path}/cancel", json={"reason": "并入"}, headers={"If-Match": etag}
        )
        now = await office.get(path)
    assert first.status_code == 200
    assert (second.status_code, second.json()["current"]["title"]) == (412, "甲")
    assert second.headers["ETag"] == first.headers["ETag"] == now.headers["ETag"]
    assert blind.status_code == 428
    assert (verb.status_code, verb.json()["current"]) == (412, now.json())


async def test_a_version_is_the_same_on_whatever_day_and_to_whomever_it_was_shown(
    door: Door,
) -> None:
    made = await assigned(door)
    path, etag = f"/milestones/{made.json()['id']}", made.headers["ETag"]
    async with await door.as_("reporter", LEAD) as unit, await door.as_("office") as office:
        again = await office.get(path, headers={"If-None-Match": etag})
        shown = await unit.get(path, headers={"If-None-Match": etag})
        accepted = await unit.post(f"{path}/accept", headers={"If-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    # The unit is shown other actions, so these are other bytes of the same version.
    assert shown.status_code == 200
    assert shown.headers["ETag"].rpartition(".")[0] == etag.rpartition(".")[0]
    assert accepted.json()["state"] == "accepted"


async def test_a_preview_answers_as_the_real_thing_and_writes_nothing(door: Door) -> None:
    body = (await a_milestone_in(door, "accepted")).json()
    before, preview = await written(door), {"validate_only": "true"}
    path = f"/milestones/{body['id']}"
    async with await door.as_("office") as office, await door.as_("reporter", LEAD) as unit:
        tried = [
            await office.post(PATH, json=a_milestone(), params=preview),
            await unit.post(f"{path}/progress", json=BODIES["progress"], params=preview),
            await unit.post(f"{path}/complete", json=BODIES["complete"], params=preview),
            await unit.post(f"{path}/extensions", json=BODIES["extensions"], params=preview),
            await office.post(f"{path}/cancel", json=BODIES["cancel"], params=preview),
            await office.patch(
                path, json={"title": "甲"}, params=preview, headers={"If-Match": "*"}
            ),
        ]
        wrong = await office.post(PATH, json=a_milestone(measure_code="99.9"), params=preview)
    assert [answer.status_code for answer in tried] == [201, 200, 200, 201, 200, 200]
    assert [answer.json()["state"] for answer in tried] == [
        "assigned", "in_progress", "completed", "requested", "cancelled", "accepted",
    ]  # fmt: skip
    assert wrong.status_code == 422
    assert await written(door) == before
    assert (await read(door, body))["state"] == "accepted"


async def test_posts_with_one_key_assign_once(door: Door) -> None:
    key = {"Idempotency-Key": "assign-once"}
    async with await door.as_("office") as office:
        answers = await asyncio.gather(
            *(office.post(PATH, json=a_milestone(title="唯一"), headers=key) for _ in range(10))
        )
        other = await office.post(PATH, json=a_milestone(title="其二"), headers=key)
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in made}) == 1
    assert len({answer.headers["Location"] for answer in made}) == 1
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    stored = await door.held.database.pool.fetchval(
        "SELECT count(*) FROM milestone WHERE title = '唯一'"
    )
    assert stored == 1


async def test_of_twenty_who_close_at_once_one_does(door: Door) -> None:
    body = (await a_milestone_in(door, "completed")).json()
    async with await door.as_("office") as office:
        answers = await asyncio.gather(
            *(
                office.post(f"/milestones/{body['id']}/close", json={"grade": grade})
                for grade in ("excellent", "fail") * 10
            )
        )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    closed = next(answer for answer in answers if answer.status_code == 200)
    assert (await read(door, body))["grade"] == closed.json()["grade"]


async def test_of_many_who_report_at_once_each_makes_one_version(door: Door) -> None:
    body = (await a_milestone_in(door, "accepted")).json()
    path = f"/milestones/{body['id']}"
    async with await door.as_("reporter", LEAD) as unit:
        answers = await asyncio.gather(
            *(unit.post(f"{path}/progress", json={"percent": number}) for number in range(12))
        )
        history = (await unit.get(f"{path}/history")).json()["items"]
    assert {answer.status_code for answer in answers} == {200}
    assert [change["version"] for change in history] == list(range(1, 15))
    assert {change["after"]["percent"] for change in history[2:]} == {str(n) for n in range(12)}
