"""What a `replace` takes back beside its rows, and when it cannot know what that is."""

import json
from collections.abc import Mapping

import httpx
import pytest

from tests.support.api import Door, a_submission
from tests.support.batches import BATCH, codes, counts, sent
from tests.support.reported import a_period

LINES = {"Content-Type": "application/x-ndjson"}


async def _standing(door: Door) -> tuple[str, list[Mapping[str, object]]]:
    """Return a period that nothing else uses, and what is reported of it."""
    period = a_period()
    both = [
        a_submission(period=period),
        a_submission(period=period, indicator_code="U07", value="96"),
    ]
    assert counts(await sent(door, both)) == {"created": 2}
    return period, both


async def _by_lines(door: Door, content: bytes, **params: str) -> httpx.Response:
    async with await door.as_("reporter", "UN15") as unit:
        return await unit.post(
            BATCH, content=content, headers=LINES, params={"strategy": "replace", **params}
        )


async def _still_there(door: Door, period: str) -> int:
    async with await door.as_("reporter", "UN15") as unit:
        listed = await unit.get("/plans/410183-2025/submissions", params={"period": period})
    return len([one for one in listed.json()["items"] if one["state"] == "submitted"])


@pytest.mark.parametrize(
    "meant",
    [
        {"indicator_code": "U0"},
        {"indicator_code": 7},
        {"organization_code": "UN51"},
        {"period": "2025-14"},
        {"period": None},
        {"period": ""},
    ],
    ids=str,
)
async def test_a_row_that_names_no_place_may_mean_any_and_nothing_is_taken_back(
    door: Door, meant: Mapping[str, object]
) -> None:
    period, both = await _standing(door)
    items = [both[0], {**both[1], **meant}]
    answer = await sent(door, items, strategy="replace", scope={"period": period})
    assert counts(answer) == {"unchanged": 1, "rejected": 2}
    (kept,) = answer.json()["items"][2:]
    assert (kept["index"], kept["outcome"], kept["state"]) == (None, "rejected", "submitted")
    assert [(one["code"], one["value"]) for one in kept["errors"]] == [("rows-unplaced", [1])]
    assert await _still_there(door, period) == 2
    whole = await sent(door, items, strategy="replace", scope={"period": period}, atomic=True)
    assert (whole.status_code, whole.json()["code"]) == (422, "batch-rejected")


async def test_lines_that_were_cut_off_take_nothing_back(door: Door) -> None:
    period, both = await _standing(door)
    told = json.dumps(both[0]).encode()
    for content in (told[:-9], told + b"\n" + json.dumps(both[1]).encode()[:-9], b"{}", b"null"):
        answer = await _by_lines(door, content, period=period)
        assert answer.status_code == 200, answer.text
        assert answer.json()["deleted"] == 0
        assert codes(answer)[-1] == ["rows-unplaced"]
    assert await _still_there(door, period) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\r\n "], ids=repr)
async def test_no_line_at_all_is_too_few_whatever_else_is_sent(door: Door, content: bytes) -> None:
    period, _ = await _standing(door)
    answer = await _by_lines(door, content, period=period)
    async with await door.as_("reporter", "UN15") as unit:
        keyed = await unit.post(
            BATCH,
            content=content,
            headers={**LINES, "Idempotency-Key": f"lines-{period}-{len(content)}"},
            params={"strategy": "replace", "period": period},
        )
    for one in (answer, keyed):
        assert one.status_code == 422, one.text
        assert [fault["code"] for fault in one.json()["errors"]] == ["too-short"]
    assert await _still_there(door, period) == 2


async def test_rows_of_another_scope_alone_do_not_empty_this_one(door: Door) -> None:
    period, both = await _standing(door)
    other = a_submission(period=a_period())
    answer = await sent(door, [other], strategy="replace", scope={"period": period})
    assert counts(answer) == {"rejected": 3}
    assert codes(answer) == [["outside-scope"], ["scope-without-rows"], ["scope-without-rows"]]
    assert await _still_there(door, period) == len(both)


async def test_a_row_whose_value_is_wrong_names_its_place_all_the_same(door: Door) -> None:
    period, both = await _standing(door)
    items = [{**both[0], "value": "much"}]
    answer = await sent(door, items, strategy="replace", scope={"period": period})
    assert counts(answer) == {"rejected": 1, "deleted": 1}
    assert (codes(answer)[0], await _still_there(door, period)) == (["decimal"], 1)


async def test_what_is_approved_is_not_said_to_differ_where_it_was_to_be_taken_back(
    door: Door,
) -> None:
    period, both = await _standing(door)
    async with await door.as_("office") as office:
        listed = await office.get("/plans/410183-2025/submissions", params={"period": period})
        for one in listed.json()["items"]:
            assert (await office.post(f"/submissions/{one['id']}/approve")).status_code == 200
    replaced = await sent(door, both[:1], strategy="replace", scope={"period": period})
    assert counts(replaced) == {"unchanged": 1, "rejected": 1}
    place = {name: both[1][name] for name in ("indicator_code", "organization_code", "period")}
    deleted = await sent(door, [place], strategy="delete")
    for answer in (replaced, deleted):
        (fault,) = answer.json()["items"][-1]["errors"]
        assert fault["code"] == "transition-refused"
        assert "cannot be withdrawn" in fault["detail"]
        assert "reopen" in fault["detail"]
        assert "another content" not in fault["detail"]
