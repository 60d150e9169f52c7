"""More time for a milestone: asked for, granted in whole or in part, denied, taken back."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.milestones import (
    BODIES,
    LEAD,
    SHARING,
    STRANGER,
    a_milestone_in,
    an_extension,
    done,
)

LISTED = f"/plans/{XINMI}/extensions"


async def milestone_of(door: Door, extension: dict[str, Any]) -> dict[str, Any]:
    async with await door.as_("office") as office:
        answer = await office.get(f"/milestones/{extension['subject_id']}")
    body: dict[str, Any] = answer.json()
    return body


async def decided(
    door: Door, extension: dict[str, Any], verb: str, **body: object
) -> httpx.Response:
    async with await door.as_("office") as office:
        return await office.post(f"/extensions/{extension['id']}/{verb}", json=body)


async def test_what_is_asked_for_stands_beside_the_present_date_until_it_is_granted(
    door: Door,
) -> None:
    asked = (await an_extension(door)).json()
    before = await milestone_of(door, asked)
    granted = (await decided(door, asked, "approve")).json()
    after = await milestone_of(door, asked)
    assert (asked["state"], asked["number"], asked["decide_by"] > "2026-01-01") == (
        "requested", 1, True,
    )  # fmt: skip
    assert (before["due_date"], before["epoch"], before["extensions_granted"]) == (
        "2026-12-31", 1, 0,
    )  # fmt: skip
    assert before["extensions"][0]["allowed_actions"] == ["approve", "deny"]
    assert (granted["state"], granted["granted_date"], granted["partly"]) == (
        "approved", "2027-03-31", False,
    )  # fmt: skip
    assert (after["due_date"], after["original_due_date"], after["epoch"]) == (
        "2027-03-31", "2026-12-31", 2,
    )  # fmt: skip
    assert after["extensions_granted"] == 1
    assert after["extensions"] == [granted]


async def test_a_grant_and_the_new_due_date_are_told_together(door: Door) -> None:
    asked = (await an_extension(door)).json()
    await decided(door, asked, "approve", granted_date="2027-02-01", reason="延至2月")
    rows = await door.held.database.pool.fetch(
        "SELECT type, data::jsonb->>'state' AS state FROM event"
        " WHERE subject_id = ANY($1::text[]) ORDER BY id",
        [asked["id"], asked["subject_id"]],
    )
    assert [row["type"] for row in rows][-3:] == [
        "extension.requested", "extension.decided", "milestone.rescheduled",
    ]  # fmt: skip
    assert rows[-2]["state"] == "approved"
    async with await door.as_("office") as office:
        history = (await office.get(f"/milestones/{asked['subject_id']}/history")).json()["items"]
    assert (history[-1]["action"], history[-1]["reason"]) == ("extended", "延至2月")


async def test_an_earlier_date_grants_a_part(door: Door) -> None:
    asked = (await an_extension(door)).json()
    for day, code in (
        ("2026-12-31", "not-later"),
        ("2027-04-01", "later-than-proposed"),
    ):
        refused = await decided(door, asked, "approve", granted_date=day)
        assert [fault["code"] for fault in refused.json()["errors"]] == [code]
    granted = (await decided(door, asked, "approve", granted_date="2027-01-31")).json()
    assert (granted["granted_date"], granted["partly"]) == ("2027-01-31", True)
    assert (await milestone_of(door, asked))["due_date"] == "2027-01-31"


async def test_denied_or_taken_back_the_present_date_stands_and_more_may_be_asked_for(
    door: Door,
) -> None:
    asked = (await an_extension(door)).json()
    silent = await decided(door, asked, "deny")
    denied = (await decided(door, asked, "deny", reason="应按期完成")).json()
    milestone = await milestone_of(door, asked)
    again = (await done(door, milestone, "extensions")).json()
    async with await door.as_("reporter", LEAD) as unit:
        withdrawn = (await unit.post(f"/extensions/{again['id']}/withdraw")).json()
    third = (await done(door, milestone, "extensions")).json()
    assert [fault["pointer"] for fault in silent.json()["errors"]] == ["/reason"]
    assert (denied["state"], denied["decision_reason"]) == ("denied", "应按期完成")
    assert denied["decided_by"]["role"] == "office"
    assert (withdrawn["state"], withdrawn["decided_by"]["role"]) == ("withdrawn", "reporter")
    assert (milestone["due_date"], milestone["epoch"]) == ("2026-12-31", 1)
    assert [one["number"] for one in (asked, again, third)] == [1, 2, 3]
    numbers = [one["number"] for one in (await milestone_of(door, asked))["extensions"]]
    assert numbers == [3, 2, 1]


async def test_one_request_waits_at_a_time(door: Door) -> None:
    asked = (await an_extension(door)).json()
    async with await door.as_("reporter", LEAD) as unit:
        again = await unit.post(
            f"/milestones/{asked['subject_id']}/extensions", json=BODIES["extensions"]
        )
    assert (again.status_code, again.json()["code"]) == (409, "extension-waiting")
    assert again.json()["extension_id"] == asked["id"]


async def test_of_ten_who_ask_at_once_one_waits(door: Door) -> None:
    working = (await a_milestone_in(door, "accepted")).json()
    async with await door.as_("reporter", LEAD) as unit:
        answers = await asyncio.gather(
            *(
                unit.post(f"/milestones/{working['id']}/extensions", json=BODIES["extensions"])
                for _ in range(10)
            )
        )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}


async def test_of_many_who_decide_at_once_one_does(door: Door) -> None:
    asked = (await an_extension(door)).json()
    answers = await asyncio.gather(
        *(decided(door, asked, "approve") for _ in range(6)),
        *(decided(door, asked, "deny", reason="不同意") for _ in range(6)),
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 11}
    state = next(answer.json()["state"] for answer in answers if answer.status_code == 200)
    late = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (late["code"], late["state"], late["allowed_actions"]) == (
        "transition-refused", state, [],
    )  # fmt: skip
    milestone = await milestone_of(door, asked)
    assert milestone["extensions_granted"] == (state == "approved")


async def test_the_plan_limits_how_many_are_granted(door: Door) -> None:
    asked = (await an_extension(door)).json()
    await decided(door, asked, "approve", granted_date="2027-01-31")
    milestone = await milestone_of(door, asked)
    second = (await done(door, milestone, "extensions")).json()
    await decided(door, second, "approve", granted_date="2027-02-28")
    async with await door.as_("reporter", LEAD) as unit:
        third = await unit.post(
            f"/milestones/{milestone['id']}/extensions", json=BODIES["extensions"]
        )
    assert (third.status_code, third.json()["code"]) == (409, "extension-limit-reached")
    assert (await milestone_of(door, asked))["original_due_date"] == "2026-12-31"


@pytest.mark.parametrize("day", ["2026-12-31", "2026-12-30", "2020-01-01"])
async def test_what_is_not_later_is_not_more_time(door: Door, day: str) -> None:
    working = (await a_milestone_in(door, "accepted")).json()
    async with await door.as_("reporter", LEAD) as unit:
        answer = await unit.post(
            f"/milestones/{working['id']}/extensions",
            json={"proposed_date": day, "reason": "汛期停工"},
        )
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
        ("/proposed_date", "not-later")
    ]


@pytest.mark.parametrize("state", ["assigned", "declined", "completed", "closed", "cancelled"])
async def test_more_time_is_for_what_is_worked_on(door: Door, state: str) -> None:
    body = (await a_milestone_in(door, state)).json()
    async with await door.as_("reporter", LEAD) as unit:
        answer = await unit.post(f"/milestones/{body['id']}/extensions", json=BODIES["extensions"])
    assert (answer.status_code, answer.json()["code"]) == (409, "transition-refused")


@pytest.mark.parametrize("ending", [("complete", "close"), ("cancel",)])
async def test_a_request_for_what_is_done_with_lapses(door: Door, ending: tuple[str, ...]) -> None:
    asked = (await an_extension(door)).json()
    milestone = await milestone_of(door, asked)
    for verb in ending:
        milestone = (await done(door, milestone, verb)).json()
    assert [one["state"] for one in milestone["extensions"]] == ["withdrawn"]
    late = await decided(door, asked, "approve")
    assert (late.status_code, late.json()["code"]) == (409, "transition-refused")


async def test_one_that_a_new_due_date_has_overtaken_can_only_be_denied(door: Door) -> None:
    asked = (await an_extension(door)).json()
    async with await door.as_("office") as office:
        await office.patch(
            f"/milestones/{asked['subject_id']}",
            json={"due_date": "2027-06-30", "reason": "统筹安排"},
            headers={"If-Match": "*"},
        )
    overtaken = await decided(door, asked, "approve")
    denied = await decided(door, asked, "deny", reason="已另行调整")
    assert (overtaken.status_code, overtaken.json()["code"]) == (409, "extension-not-possible")
    assert denied.json()["state"] == "denied"


CALLERS = [
    ("reporter", SHARING, 403, 200),
    ("lead", SHARING, 403, 200),
    ("lead", LEAD, 200, 403),
    ("reporter", LEAD, 404, 404),
    ("lead", STRANGER, 404, 404),
    ("office", None, 200, 403),
    ("leader", None, 403, 403),
    ("superior", None, 403, 403),
    ("system_admin", None, 403, 403),
]


@pytest.mark.parametrize(("role", "unit", "deciding", "withdrawing"), CALLERS)
async def test_who_decides_and_who_takes_back(
    door: Door, role: str, unit: str | None, deciding: int, withdrawing: int
) -> None:
    asked = (await an_extension(door, organization_code=SHARING)).json()
    path, preview = f"/extensions/{asked['id']}", {"validate_only": "true"}
    async with await door.as_(role, unit) as client:
        approved = await client.post(f"{path}/approve", params=preview)
        denied = await client.post(f"{path}/deny", json={"reason": "不同意"}, params=preview)
        withdrawn = await client.post(f"{path}/withdraw", params=preview)
        shown = await client.get(path)
    assert (approved.status_code, denied.status_code) == (deciding, deciding)
    assert withdrawn.status_code == withdrawing
    if shown.status_code == 200:
        offered = shown.json()["allowed_actions"]
        assert ("approve" in offered, "deny" in offered) == ((deciding == 200,) * 2)
        assert ("withdraw" in offered) is (withdrawing == 200)
    assert (await milestone_of(door, asked))["due_date"] == "2026-12-31"


async def test_nobody_decides_on_what_their_own_unit_asked_for(door: Door) -> None:
    asked = (await an_extension(door)).json()
    async with await door.as_("lead", LEAD) as lead:
        own = await lead.post(f"/extensions/{asked['id']}/approve")
    system = await door.new_key(
        "integrator", scopes=["plan:read", "milestones:read", "milestones:write"]
    )
    working = (await a_milestone_in(door, "accepted")).json()
    async with door.client(system) as client:
        mine = await client.post(
            f"/milestones/{working['id']}/extensions", json=BODIES["extensions"]
        )
        itself = await client.post(f"/extensions/{mine.json()['id']}/approve")
        others = await client.post(f"/extensions/{asked['id']}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "own-extension")
    assert (itself.status_code, itself.json()["code"]) == (403, "own-extension")
    assert others.status_code == 200


async def test_what_waits_is_listed_newest_first_for_whom_it_concerns(door: Door) -> None:
    asked = [(await an_extension(door, organization_code=SHARING)).json() for _ in range(3)]
    other = (await an_extension(door, organization_code=STRANGER)).json()
    ids = {one["id"] for one in (*asked, other)}

    async def waiting(role: str, unit: str | None = None) -> list[str]:
        found: list[str] = []
        query: dict[str, Any] = {"state": "requested", "page_size": 2}
        async with await door.as_(role, unit) as client:
            while True:
                page = (await client.get(LISTED, params=query)).json()
                found += [item["id"] for item in page["items"]]
                if page["next_page_token"] is None:
                    return [one for one in found if one in ids]
                query["page_token"] = page["next_page_token"]

    newest_first = [one["id"] for one in asked[::-1]]
    assert await waiting("office") == [other["id"], *newest_first]
    # It leads the measure of both.
    assert await waiting("lead", LEAD) == [other["id"], *newest_first]
    assert await waiting("reporter", SHARING) == newest_first
    assert await waiting("lead", "UN05") == []
    assert await waiting("superior") == []
    async with await door.as_("office") as office:
        decided_ones = (await office.get(LISTED, params={"state": "denied"})).json()["items"]
        wrong = await office.get(LISTED, params={"page_token": "zzz"})
    assert ids.isdisjoint(one["id"] for one in decided_ones)
    assert wrong.status_code == 400


async def test_an_extension_has_a_version(door: Door) -> None:
    made = await an_extension(door)
    path, etag = f"/extensions/{made.json()['id']}", made.headers["ETag"]
    async with await door.as_("office") as office:
        shown = await office.get(path)
        again = await office.get(path, headers={"If-None-Match": shown.headers["ETag"]})
        granted = await office.post(f"{path}/approve", headers={"If-Match": etag})
        stale = await office.post(
            f"{path}/deny", json={"reason": "不同意"}, headers={"If-Match": etag}
        )
    assert made.headers["Location"] == f"/v1{path}"
    assert again.status_code == 304
    assert granted.status_code == 200
    assert (stale.status_code, stale.json()["current"]["state"]) == (412, "approved")
