"""One verb on many submissions: each is answered as by its own verb, all are written at once."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.api import IN_TIME, NEIGHBOUR, XINMI, Door, a_submission, neighbour
from tests.support.batches import counts, events_of, history_of, ids_of, rows, sent
from tests.support.reported import PATH, a_period, reported
from tests.support.statements_counted import statements_of

NOBODY = "019aafc0-0000-7000-8000-00000000ffff"
VERBS = ("approve", "return", "submit", "withdraw")
WRITERS = (("reporter", "UN15"), ("reporter", "UN10"))
REVIEWERS = (("lead", "UN15"), ("office", None))

Item = Mapping[str, object]


async def bulk(
    door: Door, verb: str, items: Sequence[object], *, as_: tuple[str, str | None], **more: Any
) -> httpx.Response:
    """Return the answer to a verb on many."""
    async with await door.as_(*as_) as client:
        return await client.post(f"{PATH}/{verb}", json={"items": items}, **more)


async def single(door: Door, verb: str, item: Item, *, as_: tuple[str, str | None]) -> Any:
    """Return what the verb on one would have answered, as an item of the answer on many."""
    headers = {"If-Match": str(item["if_match"])} if "if_match" in item else {}
    body = {"reason": item["reason"]} if "reason" in item else {}
    async with await door.as_(*as_) as client:
        answer = await client.post(
            f"/submissions/{item['id']}/{verb}",
            params={"validate_only": "true"},
            headers=headers,
            json=body,
        )
    done = answer.status_code == 200
    return {
        "id": item["id"],
        "status": answer.status_code,
        "state": answer.json()["state"] if done else None,
        "etag": answer.headers.get("ETag"),
        "problem": None if done else {**answer.json(), "instance": ""},
    }


def told(answer: httpx.Response) -> list[Any]:
    """Return the items of an answer as `single` returns them."""
    found = []
    for index, item in enumerate(answer.json()["items"]):
        assert item.pop("index") == index
        if item["problem"] is not None:
            item["problem"]["instance"] = ""
        found.append(item)
    return found


async def _done(door: Door, verb: str, submission_id: str, *, as_: str = "office") -> None:
    async with await door.as_(as_) as client:
        answer = await client.post(f"/submissions/{submission_id}/{verb}", json={"reason": "so"})
    assert answer.status_code == 200, answer.text


async def _period(door: Door, verb: str, period: str, **body: object) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(f"/plans/{XINMI}/periods/{period}/{verb}", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
async def ground(door: Door) -> list[str]:
    """Submissions in every state, by several authors, in periods of every state, and none."""
    ids = [(await reported(door, draft=draft))["id"] for draft in (False, True)]
    for verbs in (["return"], ["approve"], ["approve", "reopen"], ["withdraw"]):
        made = (await reported(door))["id"]
        for verb in verbs:
            await _done(door, verb, made)
        ids.append(made)
    ids += ids_of(await sent(door, rows(2, on_behalf_of=True), as_=("office", None)))
    lacking = a_submission(period=a_period(), value=None)
    ids += ids_of(await sent(door, [lacking], draft=True))
    township = a_submission(period=a_period(), organization_code="410183107")
    ids += ids_of(await sent(door, [township], as_=("reporter", "410183107")))
    for over in (["close"], ["close", "publish"]):
        period = a_period()
        items = [
            a_submission(period=period, draft=True),
            a_submission(period=period, indicator_code="U07", value="96"),
        ]
        ids += ids_of(await sent(door, items))
        await _period(door, "open", period, **IN_TIME)
        for verb in over:
            await _period(door, verb, period)
    return [*ids, NOBODY]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_many_are_answered_as_each_would_be_by_itself(
    door: Door, ground: list[str], data: st.DataObject
) -> None:
    """Both are asked as previews, so that the same ground serves for all of it."""
    verb = data.draw(st.sampled_from(VERBS))
    writes = verb in {"submit", "withdraw"}
    as_ = data.draw(st.sampled_from((*REVIEWERS, *(WRITERS if writes else ()))))
    chosen = data.draw(st.lists(st.sampled_from(ground), min_size=1, max_size=8, unique=True))
    items: list[Item] = [
        {
            "id": one,
            **data.draw(st.sampled_from([{}, {"reason": "so"}])),
            **data.draw(
                st.sampled_from([{}, {"if_match": "*"}, {"if_match": f'"{one}.1"'}]),
            ),
        }
        for one in chosen
    ]
    together = await bulk(door, verb, items, as_=as_, params={"validate_only": "true"})
    assert together.status_code == 207, together.text
    assert told(together) == [await single(door, verb, item, as_=as_) for item in items]


async def test_of_a_hundred_three_that_are_not_ready_keep_no_other_from_its_approval(
    door: Door,
) -> None:
    made = await sent(door, [*rows(97), *rows(3, draft=True)])
    answer = await bulk(
        door, "approve", [{"id": one} for one in ids_of(made)], as_=("office", None)
    )
    assert (answer.status_code, answer.json()["done"], answer.json()["refused"]) == (207, 97, 3)
    refused = [one["problem"] for one in answer.json()["items"] if one["status"] != 200]
    assert [(one["code"], one["state"]) for one in refused] == [("transition-refused", "draft")] * 3
    async with await door.as_("office") as office:
        for item in answer.json()["items"][::20]:
            read = await office.get(f"/submissions/{item['id']}")
            assert (read.json()["state"], read.headers["ETag"]) == (item["state"], item["etag"])


@pytest.mark.parametrize("verb", VERBS)
async def test_history_and_events_are_those_of_the_single_verb(door: Door, verb: str) -> None:
    by = ("reporter", "UN15") if verb in {"submit", "withdraw"} else ("office", None)
    one, other = [(await reported(door, draft=verb == "submit"))["id"] for _ in range(2)]
    answer = await bulk(door, verb, [{"id": one, "reason": "so"}], as_=by)
    assert answer.json()["done"] == 1, answer.text
    async with await door.as_(*by) as client:
        assert (
            await client.post(f"/submissions/{other}/{verb}", json={"reason": "so"})
        ).status_code == 200
    changes = [(await history_of(door, each))[-1] for each in (one, other)]
    for change in changes:
        del change["occurred_at"], change["actor"]["request_id"]
        del change["before"]["period"], change["after"]["period"]
    assert changes[0] == changes[1]
    assert changes[0]["reason"] == "so"
    found = await events_of(door, one, other)
    assert [name for name, of in found if of == one] == [name for name, of in found if of == other]
    async with await door.as_("office") as office:
        told_of = (await office.get("/events", params={"limit": 500, "after": 0})).json()["items"]
    data = {each["subject"]["id"]: each["data"] for each in told_of}
    assert {**data[one], "period": ""} == {**data[other], "period": ""}


async def test_one_that_is_named_twice_is_refused_wherever_it_stands(door: Door) -> None:
    one, other = ids_of(await sent(door, rows(2)))
    items = [{"id": one}, {"id": other}, {"id": one.upper()}, {"id": "no id"}, {}]
    answer = await bulk(door, "approve", items, as_=("office", None))
    found = answer.json()["items"]
    assert [each["status"] for each in found] == [422, 200, 422, 422, 422]
    errors = [
        [e["pointer"] for e in each["problem"]["errors"]] for each in found if each["problem"]
    ]
    assert errors == [["/id"]] * 4
    codes = [each["problem"]["errors"][0]["code"] for each in found if each["problem"]]
    assert codes == ["duplicate-item", "duplicate-item", "uuid-parsing", "missing"]
    assert found[0]["problem"]["errors"][0]["value"] == [0, 2]
    assert len(await history_of(door, one)) == 1


async def test_what_is_of_another_plan_is_not_found_in_this_one(door: Door) -> None:
    await door.load(neighbour())
    async with await door.as_("office") as office:
        made = await office.post(
            f"/plans/{NEIGHBOUR}/submissions",
            json=a_submission(indicator_code="I1", period="2016", value="82"),
        )
    assert made.status_code == 201, made.text
    items = [{"id": made.json()["id"]}]
    here = await bulk(door, "withdraw", items, as_=("office", None))
    assert [one["status"] for one in here.json()["items"]] == [404]
    async with await door.as_("office") as office:
        there = await office.post(f"/plans/{NEIGHBOUR}/submissions/withdraw", json={"items": items})
    assert [one["state"] for one in there.json()["items"]] == ["withdrawn"]


async def test_a_repeat_with_its_key_is_answered_as_the_first_was(door: Door) -> None:
    items = [{"id": one} for one in ids_of(await sent(door, rows(2)))]
    key = {"Idempotency-Key": "evening-1"}
    first = await bulk(door, "approve", items, as_=("office", None), headers=key)
    again = await bulk(door, "approve", items, as_=("office", None), headers=key)
    assert first.json()["done"] == 2
    assert (again.status_code, again.content) == (207, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_the_whole_is_refused_for_its_caller_its_plan_and_its_length(door: Door) -> None:
    items = [{"id": NOBODY}]
    reporter = await bulk(door, "approve", items, as_=("reporter", "UN15"))
    assert (reporter.status_code, reporter.json()["code"]) == (403, "forbidden")
    async with await door.as_("office") as office:
        nowhere = await office.post("/plans/410183-1999/submissions/approve", json={"items": items})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "plan-not-found")
    for wrong, code in (([], "too-short"), (items * 1_001, "too-long")):
        refused = await bulk(door, "approve", wrong, as_=("office", None))
        assert refused.status_code == 422
        assert [one["code"] for one in refused.json()["errors"]] == [code]


async def test_as_many_statements_however_many_submissions(door: Door) -> None:
    ids = ids_of(await sent(door, rows(64)))
    few: list[int] = []
    many: list[int] = []
    for some, counted in (
        (ids[:1], []),
        (ids[1:2], few),
        (ids[2:32], many),
        (ids[32:33], few),
        (ids[33:], many),
    ):
        with statements_of(door) as asked:
            answer = await bulk(
                door, "approve", [{"id": one} for one in some], as_=("office", None)
            )
        assert answer.json()["done"] == len(some)
        counted.append(len(asked))
    assert min(few) == min(many)  # now and then the plan or the caller's key is read anew


async def test_two_who_want_the_same_at_once_do_each_once(door: Door) -> None:
    made = await sent(door, rows(30))
    assert counts(made) == {"created": 30}
    items = [{"id": one, "reason": "so"} for one in ids_of(made)]
    found = await asyncio.gather(
        bulk(door, "approve", items, as_=("office", None)),
        bulk(door, "return", items[::-1], as_=("office", None)),
    )
    assert sum(one.json()["done"] for one in found) == 30
    changes = [await history_of(door, one) for one in ids_of(made)]
    assert [len(each) for each in changes] == [2] * 30
