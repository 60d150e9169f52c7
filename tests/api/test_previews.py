"""A batch that is tried first: what it says, whom it keeps waiting, and what a commit writes."""

import asyncio
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.core.kit.ids import first_id_at
from tests.support import plans
from tests.support.api import IN_TIME, NEIGHBOUR, XINMI, Door, a_submission, neighbour, xinmi
from tests.support.batches import BATCH, counts, events_of, history_of, ids_of, rows, sent
from tests.support.reported import PATH, a_period
from tests.support.statements_counted import statements_of

REPORTER = ("reporter", "UN15")


async def tried(
    door: Door,
    items: Sequence[object],
    *,
    as_: tuple[str, str | None] = REPORTER,
    **more: Any,
) -> dict[str, Any]:
    """Return what a preview says."""
    answer = await sent(door, items, as_=as_, params={"validate_only": "true"}, **more)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def committed(
    door: Door,
    preview: Mapping[str, Any],
    *,
    as_: tuple[str, str | None] = REPORTER,
    plan: str = XINMI,
    **more: Any,
) -> httpx.Response:
    """Return the answer to a commit."""
    async with await door.as_(*as_) as client:
        path = f"/plans/{plan}/submissions/batch/previews/{preview['preview']['preview_id']}/commit"
        return await client.post(path, **more)


def without_ids(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report without what is made anew by each call, and what only a preview says."""
    made = {"id", "etag"}
    items = [
        {k: v for k, v in row.items() if k not in made or row["outcome"] != "created"}
        for row in said["items"]
    ]
    return {**{k: v for k, v in said.items() if k != "preview"}, "items": items}


async def _there(door: Door, amount: int, **changes: object) -> tuple[list[Any], list[str]]:
    """Return drafts that are there already, with their ids."""
    items = [dict(one) for one in rows(amount, **changes)]
    made = await sent(door, items, draft=True)
    assert counts(made) == {"created": amount}
    return items, ids_of(made)


async def test_a_commit_writes_what_was_previewed_and_answers_as_the_live_call(
    door: Door,
) -> None:
    (changed, same, gone), ids = await _there(door, 3)
    place = {name: gone[name] for name in ("indicator_code", "organization_code", "period")}
    new, bad = rows(1)[0], a_submission(organization_code="UN99")
    items = [
        {**changed, "value": "41", "note": "why"},
        {**same, "draft": True},
        {**place, "op": "delete"},
        new,
        bad,
    ]
    said = await tried(door, items)
    assert [len(await history_of(door, one)) for one in ids] == [1, 1, 1]
    assert counts(await sent(door, items, params={"validate_only": "true"})) == {
        "created": 1,
        "updated": 1,
        "unchanged": 1,
        "deleted": 1,
        "rejected": 1,
    }
    assert said["preview"]["changes"] == [
        {
            "index": 0,
            "id": ids[0],
            "before": {"state": "draft", "value": "40.65", "note": None},
            "after": {"state": "submitted", "value": "41", "note": "why"},
        },
        {
            "index": 2,
            "id": ids[2],
            "before": {"state": "draft"},
            "after": {"state": "withdrawn"},
        },
        {
            "index": 3,
            "id": None,
            "before": None,
            "after": {"state": "submitted", "value": "40.65", "data_status": "final"},
        },
    ]
    live = await committed(door, said)
    assert live.status_code == 200, live.text
    assert without_ids(live.json()) == without_ids(said)
    found = await events_of(door, ids[0], ids[1], ids[2], live.json()["items"][3]["id"])
    assert [name for name, _ in found[3:]] == [
        "submission.submitted",
        "submission.withdrawn",
        "submission.submitted",
    ]


async def test_a_commit_is_one_and_its_maker_s(door: Door) -> None:
    await door.load(neighbour())
    said = await tried(door, rows(2))
    assert (await committed(door, said, as_=("office", None))).status_code == 404
    assert (await committed(door, said, plan=NEIGHBOUR)).status_code == 404
    preview = await committed(door, said, params={"validate_only": "true"})
    assert counts(preview) == {"created": 2}
    key = {"Idempotency-Key": "commit-1"}
    first, again = [await committed(door, said, headers=key) for _ in range(2)]
    assert (counts(first), again.content) == ({"created": 2}, first.content)
    other = await committed(door, said)
    assert (other.status_code, other.json()["code"]) == (404, "preview-not-found")


async def test_two_commits_at_once_write_once(door: Door) -> None:
    said = await tried(door, rows(5))
    found = await asyncio.gather(committed(door, said), committed(door, said))
    assert sorted(one.status_code for one in found) == [200, 404]


async def test_lines_of_json_are_committed_as_they_were_sent(door: Door) -> None:
    good = rows(2)
    lines = "\n".join(json.dumps(one) for one in good)
    async with await door.as_(*REPORTER) as unit:
        answer = await unit.post(
            BATCH,
            params={"strategy": "create_only", "draft": "true", "validate_only": "true"},
            content=gzip.compress(lines.encode()),
            headers={"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"},
        )
    live = await committed(door, answer.json())
    assert (counts(live), [row["state"] for row in live.json()["items"]]) == (
        {"created": 2},
        ["draft", "draft"],
    )


async def _edit(door: Door, submission_id: str) -> None:
    async with await door.as_(*REPORTER) as unit:
        answer = await unit.patch(
            f"/submissions/{submission_id}", json={"note": "other"}, headers={"If-Match": "*"}
        )
    assert answer.status_code == 200, answer.text


async def test_what_moved_is_told_row_by_row_and_nothing_is_written(door: Door) -> None:
    (changed, same, still), ids = await _there(door, 3)
    taken, free = rows(2)
    items = [{**changed, "value": "41"}, {**same, "draft": True}, taken, free, still]
    said = await tried(door, items)
    for one in ids[:2]:
        await _edit(door, one)
    made = ids_of(await sent(door, [taken]))
    refused = await committed(door, said)
    assert (refused.status_code, refused.json()["code"]) == (409, "preview-outdated")
    assert refused.json()["moved"] == {
        "plan_version": None,
        "periods": [],
        "items": [
            {
                "index": index,
                "before": {"id": one, "version": 1},
                "after": {"id": one, "version": 2},
            }
            for index, one in enumerate(ids[:2])
        ]
        + [{"index": 2, "before": None, "after": {"id": made[0], "version": 1}}],
        "figures": 0,
    }
    listed = await sent(door, [free], strategy="create_only", params={"validate_only": "true"})
    assert counts(listed) == {"created": 1}
    assert [len(await history_of(door, one)) for one in ids] == [2, 2, 1]


async def test_an_atomic_batch_that_would_now_be_refused_has_moved(door: Door) -> None:
    free, other = rows(2)
    said = await tried(door, [free, other], atomic=True, strategy="create_only")
    made = ids_of(await sent(door, [free]))
    refused = await committed(door, said)
    assert (refused.status_code, refused.json()["code"]) == (409, "preview-outdated")
    assert refused.json()["moved"]["items"] == [
        {"index": 0, "before": None, "after": {"id": made[0], "version": 1}}
    ]


async def test_what_a_replace_would_take_back_beside_its_rows_has_to_be_the_same(
    door: Door,
) -> None:
    period = a_period()
    mine = a_submission(period=period)
    said = await tried(door, [mine], strategy="replace", scope={"period": period})
    beside = a_submission(period=period, indicator_code="U07", value="96")
    (made,) = ids_of(await sent(door, [beside]))
    refused = await committed(door, said)
    assert refused.json()["moved"]["items"] == [
        {"index": None, "before": None, "after": {"id": made, "version": 1}}
    ]
    again = await tried(door, [mine], strategy="replace", scope={"period": period})
    assert counts(await committed(door, again)) == {"created": 1, "deleted": 1}


async def test_a_period_that_closed_and_a_plan_that_changed_have_moved(door: Door) -> None:
    period = a_period()
    async with await door.as_("office") as office:
        answer = await office.post(f"/plans/{XINMI}/periods/{period}/open", json=IN_TIME)
        assert answer.status_code == 200, answer.text
        said = await tried(door, [a_submission(period=period)])
        await office.post(f"/plans/{XINMI}/periods/{period}/close")
    refused = await committed(door, said)
    assert refused.json()["moved"] == {
        "plan_version": None,
        "periods": [{"period": period, "before": "open", "after": "closed"}],
        "items": [],
        "figures": 0,
    }
    said = await tried(door, rows(1))
    document = xinmi()
    await plans.load(door, document.model_copy(update={"title": f"{document.title}（修订）"}))
    refused = await committed(door, said)
    assert refused.json()["moved"]["plan_version"] == {"before": 1, "after": 2}


async def test_a_preview_waits_for_nobody_and_keeps_nobody_waiting(door: Door) -> None:
    """Everything that it looks at is locked by another; it would be refused after ten seconds."""
    items, ids = await _there(door, 2)
    holder = await asyncpg.connect(door.held.database.dsn)
    try:
        async with holder.transaction():
            await holder.execute("SELECT FROM plan WHERE code = $1 FOR UPDATE", XINMI)
            await holder.execute("SELECT FROM plan_period FOR UPDATE")
            await holder.execute("SELECT FROM submission WHERE id = ANY($1) FOR UPDATE", ids)
            said = await tried(door, [{**items[0], "value": "41"}, *rows(1)])
            assert (said["updated"], said["created"]) == (1, 1)
    finally:
        await holder.close()


async def test_scores_are_told_as_far_as_the_caller_may_read_them(door: Door) -> None:
    item = a_submission(indicator_code="U07", organization_code="UN15", period="2025", value="1")
    office = (await tried(door, [item], as_=("office", None)))["preview"]["scores"]
    unit = (await tried(door, [item]))["preview"]["scores"]
    assert {one["basis"] for one in office} == {"approved", "submitted"}
    assert unit == [one for one in office if one["basis"] == "approved"] != []
    secret = await door.new_key("integrator", "UN15", scopes=["submissions:write"])
    async with door.client(secret) as system:
        answer = await system.post(BATCH, json={"items": [item]}, params={"validate_only": "true"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["preview"]["scores"] is None


async def test_the_last_ten_are_kept_for_an_hour(door: Door) -> None:
    (item,) = rows(1)
    said = [await tried(door, [item]) for _ in range(11)]
    # Each drops what is too many, and none minds that another does so at the same moment.
    said += await asyncio.gather(*(tried(door, [item]) for _ in range(4)))
    said.append(await tried(door, [item]))
    assert (await committed(door, said[5])).status_code == 404
    database = door.held.database
    old = first_id_at(door.held.clock.true_now() - timedelta(minutes=61))
    was = said[-1]["preview"]["preview_id"]
    await database.pool.execute("UPDATE submission_preview SET id = $1 WHERE id = $2", old, was)
    said[-1]["preview"]["preview_id"] = f"{old}"
    assert (await committed(door, said[-1])).status_code == 404
    before = await database.pool.fetchval("SELECT count(*) FROM submission_preview")
    await door.sweep()
    after = await database.pool.fetchval("SELECT count(*) FROM submission_preview")
    assert before - after == 1
    assert counts(await committed(door, said[6])) == {"created": 1}


@pytest.mark.parametrize("path", ["preview", "commit"])
async def test_as_many_statements_however_many_rows(door: Door, path: str) -> None:
    few: list[int] = []
    many: list[int] = []
    for amount, counted in ((1, []), (2, few), (60, many), (2, few), (60, many)):
        with statements_of(door) as asked:
            said = await tried(door, rows(amount))
            assert any("supposed" in statement for statement in asked)
            if path == "commit":
                asked.clear()
                assert counts(await committed(door, said)) == {"created": amount}
        counted.append(len(asked))
    assert min(few) == min(many)  # now and then the plan or the caller's key is read anew


async def test_a_preview_refuses_what_the_live_call_refuses(door: Door) -> None:
    items = [*rows(1), a_submission(organization_code="UN99")]
    answers = [
        await sent(door, items, atomic=True, params=params)
        for params in ({"validate_only": "true"}, {})
    ]
    bodies = [{**one.json(), "instance": ""} for one in answers]
    assert [one.status_code for one in answers] == [422, 422]
    assert bodies[0] == bodies[1]
    async with await door.as_("leader") as leader:
        reading = await leader.post(
            f"{PATH}/batch/previews/{first_id_at(door.held.clock.now())}/commit"
        )
    assert (reading.status_code, reading.json()["code"]) == (403, "forbidden")
