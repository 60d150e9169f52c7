"""Text is trimmed on its way in; a blank reason is no reason, a blank remark is none."""

import pytest

from tests.support.api import XINMI, Door, a_submission
from tests.support.milestones import a_milestone_in

PATH = f"/plans/{XINMI}/submissions"
BLANKS = ("", "   ", "\u3000", "\u200b", "\ufeff")


@pytest.mark.parametrize("blank", BLANKS)
async def test_a_blank_reason_is_to_be_filled_in(door: Door, blank: str) -> None:
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        body = a_submission(period=f"2024-{BLANKS.index(blank) + 1:02}")
        made = (await unit.post(PATH, json=body)).json()
        zh = {"Accept-Language": "zh-CN"}
        answer = await office.post(
            f"/submissions/{made['id']}/return", json={"reason": blank}, headers=zh
        )
    assert answer.status_code == 422
    assert [(one["pointer"], one["detail"]) for one in answer.json()["errors"]] == [
        ("/reason", "请填写")
    ]


async def test_a_blank_note_is_null_and_text_is_trimmed(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        body = a_submission(period="2023", note="\u3000\u200b", source=" 年报\u3000")
        made = await unit.post(PATH, json={**body, "organization_code": " UN15 "})
    assert made.status_code == 201, made.text
    assert (made.json()["note"], made.json()["source"]) == (None, "年报")


async def test_a_blank_clears_what_may_be_cleared_and_nothing_else(door: Door) -> None:
    made = await a_milestone_in(door, "assigned")
    path = f"/milestones/{made.json()['id']}"
    async with await door.as_("office") as office:
        cleared = await office.patch(path, json={"deliverable": " "}, headers={"If-Match": "*"})
        refused = await office.patch(path, json={"title": "\u3000"}, headers={"If-Match": "*"})
    assert (cleared.status_code, cleared.json()["deliverable"]) == (200, None)
    assert refused.json()["errors"][0]["detail"] == "Fill it in"


async def test_a_blank_is_no_required_narrative(door: Door) -> None:
    made = await a_milestone_in(door, "accepted")
    async with await door.as_("reporter", made.json()["organization_code"]) as unit:
        answer = await unit.post(
            f"/milestones/{made.json()['id']}/complete", json={"narrative": "\u3000\u200b "}
        )
    assert answer.status_code == 422
    assert "/narrative" in {one["pointer"] for one in answer.json()["errors"]}
