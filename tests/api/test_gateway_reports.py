"""What a partner is told of its own writes, whatever members of the data it may have."""

from tests.api.test_batches import rows
from tests.support.api import XINMI, Door, a_submission
from tests.support.gateways import a_partner, called
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
