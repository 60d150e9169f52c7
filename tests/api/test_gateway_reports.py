"""What a partner is told of its own writes, whatever members of the data it may have."""

import json

from services.core.gateways.signing import Call
from tests.support.api import XINMI, Door, a_submission
from tests.support.batches import rows
from tests.support.gateways import a_partner, called, sent
from tests.support.reported import a_period

FIELDS = ["indicator_code", "period", "value"]


async def test_what_became_of_each_row_is_told_to_a_partner_that_sees_few_members(
    door: Door,
) -> None:
    partner = await a_partner(door, output_fields=FIELDS)
    items = [*rows(1), {"indicator_code": "U08", "colour": "red"}]
    code, data, _ = await called(door, partner, "write_batch", plan=XINMI, items=items)
    assert (code, data["created"], data["rejected"]) == (200, 1, 1)
    assert [one.keys() for one in data["items"]] == [{"index", "outcome", "errors"}] * 2
    assert [one["outcome"] for one in data["items"]] == ["created", "rejected"]
    assert {one["code"] for one in data["items"][1]["errors"]} == {"missing", "extra-forbidden"}
    code, data, _ = await called(
        door, partner, "write_batch", plan=XINMI, items=[*rows(1), items[1]], atomic=True
    )
    assert (code, data["problem"], data["skipped"]) == (422, "batch-rejected", 1)
    assert [one["outcome"] for one in data["items"]] == ["skipped", "rejected"]
    assert [one.keys() for one in data["items"]] == [{"index", "outcome", "errors"}] * 2
    _, data, _ = await called(door, partner, "list_submissions", plan=XINMI, page=1)
    assert {frozenset(one) for one in data["items"]} == {frozenset(FIELDS)}


async def test_a_refusal_tells_by_the_facade_what_it_tells_by_its_own_path(door: Door) -> None:
    for fields in ([], FIELDS):
        partner = await a_partner(door, output_fields=fields)
        body = dict(a_submission(period=a_period()))
        code, made, _ = await called(door, partner, "create_submission", plan=XINMI, **body)
        assert code == 200, made
        code, data, _ = await called(door, partner, "create_submission", plan=XINMI, **body)
        assert (code, data["problem"]) == (409, "submission-exists")
        async with await door.as_("office") as office:
            kept = await office.get(f"/submissions/{data['submission_id']}")
        assert (kept.status_code, kept.json()["period"]) == (200, body["period"])
        assert data.keys() == {"problem", "errors", "submission_id"}


async def test_a_form_holds_lists_and_truths_as_json(door: Door) -> None:
    partner = await a_partner(door, "zzd")
    (item,) = rows(1)
    form = {"plan": XINMI, "items": json.dumps([item]), "draft": "true", "atomic": "false"}
    code, data, _ = await called(door, partner, "write_batch", **form)
    assert (code, data["created"], data["items"][0]["state"]) == (200, 1, "draft")
    body = {**a_submission(period=a_period()), "draft": "true", "note": "true"}
    code, data, _ = await called(door, partner, "create_submission", plan=XINMI, **body)
    assert (code, data["state"], data["note"]) == (200, "draft", "true")
    code, data, _ = await called(door, partner, "write_batch", **{**form, "items": "[{"})
    assert (code, data["errors"][0]["pointer"]) == (422, "/items")


async def test_what_is_no_json_is_told_so_and_not_as_another_shape(door: Door) -> None:
    partner = await a_partner(door)
    told = {}
    for body in (b'{"plan": ', b'{"plan": "a", "plan": "b"}', b"[]", b'"x"'):
        call = Call(
            "POST", "/gw/v1/list_indicators", {"content-type": "application/json"}, "", body
        )
        answer = (await sent(door, partner.sign(call, "list_indicators"))).json()
        told[body] = answer["data"]["problem"]
    assert list(told.values()) == ["malformed-body"] * 2 + ["invalid-input"] * 2
