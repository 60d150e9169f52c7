"""Many values in one call: what becomes of each, and that nothing is written by halves."""

import asyncio
from functools import partial

from tests.support.api import IN_TIME, XINMI, Door, a_submission
from tests.support.batches import BATCH, codes, counts, events_of, history_of, rows, sent
from tests.support.reported import PATH, a_period, reported
from tests.support.statements_counted import fewest


async def test_rows_become_submissions_each_with_its_history_and_its_event(door: Door) -> None:
    items = [*rows(2), a_submission(period=a_period(), value=None, numerator="1", denominator="3")]
    answer = await sent(door, items)
    assert answer.status_code == 200, answer.text
    assert counts(answer) == {"created": 3}
    ids = [row["id"] for row in answer.json()["items"]]
    assert [row["index"] for row in answer.json()["items"]] == [0, 1, 2]
    async with await door.as_("reporter", "UN15") as unit:
        read = [await unit.get(f"/submissions/{one}") for one in ids]
    assert [one.json()["value"] for one in read] == ["40.65", "40.65", "33.33333333333333333333"]
    assert {one.json()["state"] for one in read} == {"submitted"}
    assert [one.headers["ETag"] for one in read] == [row["etag"] for row in answer.json()["items"]]
    alone = await reported(door)
    (made,), (single,) = await history_of(door, ids[0]), await history_of(door, alone["id"])
    place = {name: made["after"][name] for name in ("indicator_code", "period")}
    assert made["after"] == {**single["after"], **place}
    assert made["action"] == single["action"] == "submitted"
    assert await events_of(door, *ids) == [("submission.submitted", one) for one in ids]


async def test_the_same_again_writes_nothing(door: Door) -> None:
    items = rows(3)
    first = await sent(door, items)
    again = await sent(door, items)
    assert counts(again) == {"unchanged": 3}
    assert [row["etag"] for row in again.json()["items"]] == [
        row["etag"] for row in first.json()["items"]
    ]
    for row in first.json()["items"]:
        assert len(await history_of(door, row["id"])) == 1
        assert len(await events_of(door, row["id"])) == 1


async def test_a_changed_draft_is_one_change_whether_or_not_it_is_handed_in(door: Door) -> None:
    items = rows(2, note="first")
    made = await sent(door, items, draft=True)
    assert [row["state"] for row in made.json()["items"]] == ["draft", "draft"]
    changed = [{**items[0], "value": "41"}, {**items[1], "value": "42", "draft": True}]
    del changed[0]["note"]
    answer = await sent(door, changed)
    assert counts(answer) == {"updated": 2}
    assert [row["state"] for row in answer.json()["items"]] == ["submitted", "draft"]
    handed_in = await history_of(door, answer.json()["items"][0]["id"])
    assert [one["action"] for one in handed_in] == ["created", "submitted"]
    assert (handed_in[1]["after"]["value"], handed_in[1]["after"]["note"]) == ("41", "first")
    kept = await history_of(door, answer.json()["items"][1]["id"])
    assert [one["action"] for one in kept] == ["created", "changed"]


async def test_one_form_of_a_value_takes_the_place_of_another(door: Door) -> None:
    item = a_submission(period=a_period())  # a percentage
    await sent(door, [item], draft=True)
    ratio = {**item, "numerator": "1", "denominator": "4"}
    del ratio["value"]
    answer = await sent(door, [ratio], draft=True)
    assert counts(answer) == {"updated": 1}
    (change,) = (await history_of(door, answer.json()["items"][0]["id"]))[1:]
    assert (change["after"]["numerator"], change["after"]["value"]) == ("1", "25")


async def test_every_fault_of_every_row_is_told_and_the_others_are_written(door: Door) -> None:
    closed = a_period()
    async with await door.as_("office") as office:
        opened = await office.post(f"/plans/{XINMI}/periods/{closed}/open", json=IN_TIME)
        assert opened.status_code == 200, opened.text
        assert (await office.post(f"/plans/{XINMI}/periods/{closed}/close")).status_code == 200
    items: list[object] = [
        a_submission(organization_code="UN99", period="2025-13", value="1,2"),
        a_submission(period=closed),
        a_submission(period=a_period(), value="much"),
        a_submission(period=a_period(), organization_code="UN10"),
        *rows(1),
        a_submission(period=a_period(), value=None),
        a_submission(period=a_period(), value=None, numerator="1", denominator="0"),
        {"colour": "red"},
    ]
    answer = await sent(door, items)
    assert counts(answer) == {"created": 1, "rejected": 7}
    assert codes(answer) == [
        ["decimal", "unknown-organization", "invalid-period"],
        ["period-closed"],
        ["decimal"],
        ["not-your-organization"],
        [],
        ["value-missing"],
        ["division-by-zero"],
        ["missing", "missing", "missing", "extra-forbidden"],
    ]
    told = answer.json()["items"][0]["errors"]
    assert [one["pointer"] for one in told] == [
        "/items/0/value",
        "/items/0/organization_code",
        "/items/0/period",
    ]
    assert all(one["detail"] for row in answer.json()["items"] for one in row["errors"])


async def test_an_atomic_batch_with_one_fault_writes_nothing_and_says_the_same(door: Door) -> None:
    items = [*rows(2), a_submission(organization_code="UN99")]
    answer = await sent(door, items, atomic=True)
    assert (answer.status_code, answer.json()["code"]) == (422, "batch-rejected")
    assert counts(answer) == {"rejected": 1, "skipped": 2}
    assert [row["outcome"] for row in answer.json()["items"]] == ["skipped", "skipped", "rejected"]
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/items/2/organization_code"]
    assert counts(await sent(door, items[:2], atomic=True)) == {"created": 2}
    # What is there stands in the way only once it is looked up.
    conflict = await sent(door, [*rows(1), items[0]], atomic=True, strategy="create_only")
    assert (conflict.status_code, counts(conflict)) == (422, {"rejected": 1, "skipped": 1})
    async with await door.as_("reporter", "UN15") as unit:
        listed = await unit.get(
            PATH, params={name: str(items[0][name]) for name in ("period", "indicator_code")}
        )
    assert len(listed.json()["items"]) == 1


async def test_a_strategy_keeps_what_it_does_not_do_out(door: Door) -> None:
    there, new = rows(1), rows(1)
    made = await sent(door, there)
    submission_id = made.json()["items"][0]["id"]
    only = await sent(door, [*there, *new], strategy="create_only")
    assert codes(only) == [["submission-exists"], []]
    assert only.json()["items"][0]["id"] == submission_id
    missing = await sent(door, rows(1), strategy="update_only")
    assert codes(missing) == [["submission-missing"]]
    place = {name: there[0][name] for name in ("indicator_code", "organization_code", "period")}
    gone = await sent(door, [place], strategy="delete")
    assert (counts(gone), gone.json()["items"][0]["state"]) == ({"deleted": 1}, "withdrawn")
    again = await sent(door, [place], strategy="delete")
    assert codes(again) == [["submission-missing"]]
    assert await events_of(door, submission_id) == [
        ("submission.submitted", submission_id),
        ("submission.withdrawn", submission_id),
    ]
    with_value = await sent(door, there, strategy="delete")
    assert codes(with_value) == [["extra-forbidden"]]


async def test_a_row_of_an_upsert_says_what_it_wants_and_of_another_strategy_not(
    door: Door,
) -> None:
    there, new = rows(1), rows(1)
    await sent(door, there)
    place = {name: there[0][name] for name in ("indicator_code", "organization_code", "period")}
    answer = await sent(door, [{**place, "op": "delete"}, {**new[0], "op": "create"}])
    assert counts(answer) == {"deleted": 1, "created": 1}
    refused = await sent(door, [{**new[0], "op": "update"}], strategy="update_only")
    assert codes(refused) == [["op-not-taken"]]


async def test_a_place_that_is_given_twice_is_named_with_all_its_rows_and_not_written(
    door: Door,
) -> None:
    (item,) = rows(1)
    answer = await sent(door, [item, *rows(1), {**item, "value": "41"}])
    assert codes(answer) == [["duplicate-row"], [], ["duplicate-row"]]
    assert [row["errors"][0]["value"] for row in answer.json()["items"][::2]] == [[0, 2], [0, 2]]
    assert counts(await sent(door, [item], strategy="create_only")) == {"created": 1}


async def test_what_is_decided_is_not_overwritten_and_the_row_says_what_to_do(door: Door) -> None:
    (item,) = rows(1)
    submission_id = (await sent(door, [item])).json()["items"][0]["id"]
    under_review = await sent(door, [{**item, "value": "41"}])
    async with await door.as_("office") as office:
        approved = await office.post(f"/submissions/{submission_id}/approve")
    assert approved.status_code == 200, approved.text
    decided = await sent(door, [{**item, "value": "41"}])
    assert codes(under_review) == codes(decided) == [["transition-refused"]]
    assert "withdraw" in under_review.json()["items"][0]["errors"][0]["detail"]
    assert "reopen" in decided.json()["items"][0]["errors"][0]["detail"]
    assert counts(await sent(door, [item])) == {"unchanged": 1}


async def test_what_was_returned_and_comes_again_as_it_was_stays_returned(door: Door) -> None:
    (item,) = rows(1)
    submission_id = (await sent(door, [item])).json()["items"][0]["id"]
    async with await door.as_("office") as office:
        await office.post(f"/submissions/{submission_id}/return", json={"reason": "why so low"})
    again = await sent(door, [item])
    corrected = await sent(door, [{**item, "value": "41"}])
    assert (counts(again), again.json()["items"][0]["state"]) == ({"unchanged": 1}, "returned")
    assert (counts(corrected), corrected.json()["items"][0]["state"]) == (
        {"updated": 1},
        "submitted",
    )


async def test_replace_takes_back_what_its_scope_holds_and_no_row_names(door: Door) -> None:
    period = a_period()
    both = [
        a_submission(period=period),
        a_submission(period=period, indicator_code="U07", value="96"),
    ]
    made = await sent(door, both)
    scope = {"period": period, "organization_code": "UN15"}
    answer = await sent(door, [both[0], *rows(1)], strategy="replace", scope=scope)
    assert counts(answer) == {"unchanged": 1, "rejected": 1, "deleted": 1}
    assert codes(answer)[1] == ["outside-scope"]
    taken = answer.json()["items"][-1]
    assert (taken["index"], taken["id"]) == (None, made.json()["items"][1]["id"])
    for wrong, code in (
        (None, "missing"),
        ({"period": "2025-14"}, "invalid-period"),
        ({"period": period, "indicator_code": "U0"}, "unknown-indicator"),
    ):
        refused = await sent(door, [both[0]], strategy="replace", scope=wrong)
        assert refused.status_code == 422
        assert [one["code"] for one in refused.json()["errors"]] == [code]
    aside = await sent(door, [both[0]], scope=scope)
    assert [one["code"] for one in aside.json()["errors"]] == ["scope-not-taken"]


async def test_a_unit_that_replaces_a_period_takes_back_its_own_only(door: Door) -> None:
    period = a_period()
    other = await sent(
        door,
        [a_submission(period=period, organization_code="410183107")],
        as_=("reporter", "410183107"),
    )
    assert counts(other) == {"created": 1}
    mine = [a_submission(period=period)]
    answer = await sent(door, mine, strategy="replace", scope={"period": period})
    assert counts(answer) == {"created": 1}
    whole = await sent(
        door, mine, as_=("office", None), strategy="replace", scope={"period": period}
    )
    assert counts(whole) == {"unchanged": 1, "deleted": 1}


async def test_a_batch_has_rows_and_not_too_many(door: Door) -> None:
    none = await sent(door, [])
    many = await sent(door, [a_submission()] * 10_001)
    async with await door.as_("reporter", "UN15") as unit:
        lines = await unit.post(
            BATCH, content=b"{}\n" * 20_000, headers={"Content-Type": "application/x-ndjson"}
        )
    for answer, code in ((none, "too-short"), (many, "too-long"), (lines, "too-long")):
        assert answer.status_code == 422
        assert [one["code"] for one in answer.json()["errors"]] == [code]


async def test_as_many_statements_however_many_rows(door: Door) -> None:
    """What grows with the rows is their arrays, not the number of statements."""

    async def made(amount: int) -> None:
        assert counts(await sent(door, rows(amount), draft=True)) == {"created": amount}

    few, many = partial(made, 2), partial(made, 60)
    assert await fewest(door, few, few) == await fewest(door, many, many)


async def test_two_batches_of_the_same_places_at_once_write_each_place_once(door: Door) -> None:
    items = rows(40)
    first, second = await asyncio.gather(sent(door, items), sent(door, items[::-1]))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["created"] + second.json()["created"] == 40
    assert first.json()["unchanged"] + second.json()["unchanged"] == 40
    ids = {row["id"] for row in first.json()["items"]}
    assert ids == {row["id"] for row in second.json()["items"]}
    assert len(await events_of(door, *ids)) == 40


async def test_the_office_reports_on_behalf_of_units_and_a_unit_for_itself_alone(
    door: Door,
) -> None:
    behalf = await sent(door, rows(1, on_behalf_of=True), as_=("office", None))
    pretended = await sent(door, rows(1, on_behalf_of="UN15"))
    async with await door.as_("leader") as leader:
        reading = await leader.post(BATCH, json={"items": rows(1)})
    assert counts(behalf) == {"created": 1}
    assert codes(pretended) == [["office-only"]]
    assert (reading.status_code, reading.json()["code"]) == (403, "forbidden")
