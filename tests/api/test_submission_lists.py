"""Submissions in lists, pages, previews and periods, as callers of the API see them."""

from typing import Any

import pytest

from tests.support.api import IN_TIME, NEIGHBOUR, XINMI, Door, a_submission, neighbour
from tests.support.reported import PATH, a_period, reported


async def test_history_pages_join_without_a_seam(door: Door) -> None:
    made = await reported(door)
    path = f"/submissions/{made['id']}"
    async with await door.as_("office") as office:
        await office.post(f"{path}/approve")
        await office.post(f"{path}/reopen", json={"reason": "再核"})
        first = (await office.get(f"{path}/history", params={"page_size": 2})).json()
        token = first["next_page_token"]
        second = (
            await office.get(f"{path}/history", params={"page_size": 2, "page_token": token})
        ).json()
    assert [change["version"] for change in first["items"]] == [1, 2]
    assert [change["version"] for change in second["items"]] == [3]
    assert second["items"][0]["before"] == first["items"][1]["after"]
    assert second["next_page_token"] is None


async def test_a_draft_may_lack_its_value_and_cannot_be_handed_in_without(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        made = await unit.post(PATH, json=a_submission(period=a_period(), value=None, draft=True))
        refused = await unit.post(f"/submissions/{made.json()['id']}/submit")
    assert made.json()["state"] == "draft"
    assert made.json()["allowed_actions"] == ["edit", "submit", "withdraw"]
    assert refused.json()["errors"][0]["code"] == "value-missing"


async def test_a_preview_answers_as_the_real_thing_and_writes_nothing(door: Door) -> None:
    body, preview = a_submission(period=a_period()), {"validate_only": "true"}
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        tried = await unit.post(PATH, json=body, params=preview)
        made = await unit.post(PATH, json=body)
        path = f"/submissions/{made.json()['id']}"
        approved = await office.post(f"{path}/approve", params=preview)
        read = await office.get(path)
        again = await unit.post(PATH, json=body, params=preview)
    assert tried.status_code == 201
    assert made.status_code == 201
    assert approved.json()["state"] == "approved"
    assert read.json()["state"] == "submitted"
    assert again.status_code == 409


async def test_a_list_is_read_page_by_page_and_its_token_fits_no_other(door: Door) -> None:
    made = {(await reported(door, indicator_code="U07"))["id"] for _ in range(5)}
    async with await door.as_("leader") as leader:
        found: list[str] = []
        query: dict[str, Any] = {"indicator_code": "U07", "page_size": 2}
        while True:
            page = (await leader.get(PATH, params=query)).json()
            found += [item["id"] for item in page["items"]]
            if page["next_page_token"] is None:
                break
            query["page_token"] = page["next_page_token"]
        wrong = await leader.get(PATH, params={**query, "indicator_code": "U08"})
        nonsense = await leader.get(PATH, params={"page_token": "zzz"})
        none = await leader.get(PATH, params={"period": "2025-13"})
    assert len(found) == 5
    assert set(found) == made
    assert (none.status_code, none.json()["errors"][0]["pointer"]) == (422, "/query/period")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad-page-token")
    assert nonsense.status_code == 400


async def test_what_changed_since_a_position_is_listed_with_tombstones(door: Door) -> None:
    await door.react()
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        start = (await office.get(PATH, params={"changed_after": 0, "page_size": 500})).json()
        kept, gone = await reported(door), await reported(door)
        await unit.post(f"/submissions/{gone['id']}/withdraw")
        await office.post(f"/submissions/{kept['id']}/approve")
        await door.react()
        delta = (await office.get(PATH, params={"changed_after": start["position"]})).json()
        end = (await office.get(PATH, params={"changed_after": delta["position"]})).json()
    assert [item["id"] for item in delta["items"]] == [kept["id"]]
    assert [stone["id"] for stone in delta["tombstones"]] == [gone["id"]]
    assert end["items"] == []
    assert not end["has_more"]


async def test_a_closed_period_takes_no_values_and_a_review_can_still_end(door: Door) -> None:
    period = a_period()
    made = await reported(door, period=period)
    base = f"/plans/{XINMI}/periods/{period}"
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        early = await office.post(f"{base}/close")
        await office.post(f"{base}/open", json=IN_TIME)
        closed = await office.post(f"{base}/close")
        late = await unit.post(PATH, json=a_submission(period=period, indicator_code="U07"))
        taken = await unit.post(f"/submissions/{made['id']}/withdraw")
        approved = await office.post(f"/submissions/{made['id']}/approve")
        published = await office.post(f"{base}/publish")
        reopen = await office.post(f"/submissions/{made['id']}/reopen", json={"reason": "x"})
        unsaid = await office.post(f"{base}/reopen")
        opened = await office.post(f"{base}/reopen", json={"reason": "更正一项数据"})
        after = await unit.post(PATH, json=a_submission(period=period, indicator_code="U07"))
    assert (early.status_code, early.json()["allowed_actions"]) == (409, ["open"])
    assert closed.json()["state"] == "closed"
    assert (late.status_code, late.json()["code"]) == (409, "period-closed")
    assert taken.json()["code"] == "period-closed"
    assert approved.status_code == 200
    assert published.json()["publication_number"] == 1
    assert reopen.json()["code"] == "period-closed"
    assert unsaid.status_code == 422
    assert [one["pointer"] for one in unsaid.json()["errors"]] == ["/reason"]
    assert opened.json()["state"] == "open"
    assert after.status_code == 201


async def test_what_left_a_list_of_one_state_is_a_tombstone_there(door: Door) -> None:
    made = await reported(door)
    await door.react()
    async with await door.as_("office") as office:
        params: dict[str, str | int] = {"state": "submitted", "page_size": 500}
        start = (await office.get(PATH, params={**params, "changed_after": 0})).json()
        await office.post(f"/submissions/{made['id']}/approve")
        await door.react()
        params["changed_after"] = start["position"]
        delta = (await office.get(PATH, params=params)).json()
    assert made["id"] in [item["id"] for item in start["items"]]
    assert delta["items"] == []
    assert [stone["id"] for stone in delta["tombstones"]] == [made["id"]]


@pytest.mark.parametrize("state_too", [False, True])
async def test_what_changed_is_told_of_what_a_list_is_narrowed_to(
    door: Door, *, state_too: bool
) -> None:
    one_period, other_period = a_period(), a_period()
    async with await door.as_("office") as office:
        await door.react()
        start = (await office.get(PATH, params={"changed_after": 0, "page_size": 500})).json()
        made = {}
        places = {
            "mine": ("U08", "UN15", one_period),
            "period": ("U08", "UN15", other_period),
            "unit": ("U08", "UN10", one_period),
            "indicator": ("U09", "UN15", one_period),
        }
        for name, place in places.items():
            changes = dict(
                zip(("indicator_code", "organization_code", "period"), place, strict=True)
            )
            answer = await office.post(PATH, json=a_submission(**changes))
            assert answer.status_code == 201, answer.text
            made[name] = answer.json()["id"]
        await door.react()
        narrowed = {
            "indicator_code": {"mine", "period", "unit"},
            "organization_code": {"mine", "period", "indicator"},
            "period": {"mine", "unit", "indicator"},
        }
        values = {"indicator_code": "U08", "organization_code": "UN15", "period": one_period}
        for name, expected in narrowed.items():
            asked = {name: values[name], **({"state": "submitted"} if state_too else {})}
            since = {"changed_after": start["position"], "page_size": 500, **asked}
            delta = (await office.get(PATH, params=since)).json()
            whole = (await office.get(PATH, params={"page_size": 500, **asked})).json()
            assert {item["id"] for item in delta["items"]} == {made[one] for one in expected}, name
            told = {item["id"] for item in whole["items"]} & set(made.values())
            assert told == {made[one] for one in expected}, name


async def test_a_period_closed_in_another_plan_or_another_period_closes_nothing(
    door: Door,
) -> None:
    await door.load(neighbour())
    period = a_period()
    shut = """
        INSERT INTO plan_period (city_code, plan_code, period, state, due_date, opened_at, version)
        VALUES ('410183', $1, $2, 'closed', '2031-12-31', now(), 1)
    """
    await door.held.database.pool.execute(shut, NEIGHBOUR, period)
    await door.held.database.pool.execute(shut, XINMI, a_period())
    made = await reported(door, period=period)
    async with await door.as_("office") as office:
        there = await office.get(f"/plans/{NEIGHBOUR}/submissions")
        changed = await office.get(f"/plans/{NEIGHBOUR}/submissions", params={"changed_after": 0})
    assert there.json()["items"] == []
    assert made["id"] not in {item["id"] for item in changed.json()["items"]}
