"""Milestones in families, lists and pages, as callers of the API see them."""

from typing import Any

import httpx

from services.core.kit.city_scope import in_city
from tests.support.api import Door
from tests.support.milestones import (
    BODIES,
    LEAD,
    PATH,
    SHARING,
    a_milestone,
    a_milestone_in,
    assigned,
    done,
)


async def family(door: Door) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a lead's milestone with three branches, one of them cancelled."""
    async with await door.as_("lead", LEAD) as lead:
        parent = (await lead.post(PATH, json=a_milestone(weight=2))).json()
        branches = [
            (
                await lead.post(
                    PATH,
                    json=a_milestone(
                        organization_code=unit, parent_id=parent["id"], weight="0.5", due_date=due
                    ),
                )
            ).json()
            for unit, due in (
                (SHARING, "2026-12-30"),
                ("410183104", "2026-12-29"),
                ("410183104", "2026-12-28"),
            )
        ]
        await lead.post(f"/milestones/{branches[2]['id']}/cancel", json=BODIES["cancel"])
    for one, percent in ((parent, 10), (branches[0], "33.333"), (branches[1], 80)):
        accepted = (await done(door, one, "accept")).json()
        async with await door.as_("reporter", accepted["organization_code"]) as unit:
            await unit.post(f"/milestones/{one['id']}/progress", json={"percent": percent})
    return parent, branches


async def test_a_lead_sees_its_milestone_with_its_branches_merged(door: Door) -> None:
    parent, branches = await family(door)
    path = f"/milestones/{parent['id']}"
    async with (
        await door.as_("lead", LEAD) as lead,
        await door.as_("reporter", LEAD) as clerk,
        await door.as_("reporter", SHARING) as sharing,
    ):
        whole, own = (await lead.get(path)).json(), (await clerk.get(path)).json()
        hidden = await sharing.get(path)
        branch = (await sharing.get(f"/milestones/{branches[0]['id']}")).json()
        listed = (await lead.get(PATH, params={"parent_id": parent["id"]})).json()["items"]
    # (2 × 10 + 0.5 × 33.333 + 0.5 × 80) ÷ 3; what was cancelled does not count.
    assert (whole["percent"], whole["merged_percent"]) == ("10", "25.5555")
    assert whole["branch_count"] == 2
    assert [one["id"] for one in whole["branches"]] == [one["id"] for one in branches[::-1]]
    assert [one["state"] for one in whole["branches"]] == [
        "cancelled", "in_progress", "in_progress",
    ]  # fmt: skip
    assert (own["percent"], own["merged_percent"], own["branches"]) == ("10", None, [])
    assert own["branch_count"] == 0
    assert hidden.status_code == 404
    assert (branch["parent_id"], branch["merged_percent"]) == (parent["id"], "33.333")
    assert [one["id"] for one in listed] == [one["id"] for one in branches[::-1]]


async def test_a_branch_has_no_branches_and_is_of_one_measure_with_its_lead(door: Door) -> None:
    parent, branches = await family(door)
    other = (await assigned(door, organization_code="UN05", measure_code="16.1")).json()
    shared = (await assigned(door, organization_code=SHARING)).json()
    closed = (await a_milestone_in(door, "closed")).json()
    refused = {
        branches[0]["id"]: ["parent-not-of-lead", "parent-is-branch"],
        other["id"]: ["parent-of-another-measure"],
        shared["id"]: ["parent-not-of-lead"],
        closed["id"]: ["parent-done"],
    }
    async with await door.as_("office") as office:
        for parent_id, codes in refused.items():
            answer = await office.post(PATH, json=a_milestone(parent_id=parent_id))
            assert [fault["code"] for fault in answer.json()["errors"]] == codes
        moved = await office.patch(
            f"/milestones/{parent['id']}",
            json={"parent_id": branches[0]["id"]},
            headers={"If-Match": "*"},
        )
    assert [fault["code"] for fault in moved.json()["errors"]] == ["extra-forbidden"]


async def test_a_list_is_read_page_by_page_soonest_due_first(door: Door) -> None:
    days = ["2027-03-05", "2027-03-01", "2027-03-03", "2027-03-03", "2027-03-04"]
    for day in days:
        await assigned(door, organization_code="UN24", due_date=day)
    query: dict[str, Any] = {"organization_code": "UN24", "page_size": 2}
    async with await door.as_("leader") as leader:
        found: list[str] = []
        while True:
            page = (await leader.get(PATH, params=query)).json()
            found += [item["due_date"] for item in page["items"]]
            if page["next_page_token"] is None:
                break
            query["page_token"] = page["next_page_token"]
        wrong = await leader.get(PATH, params={**query, "organization_code": "UN12"})
        before = await leader.get(
            PATH, params={"organization_code": "UN24", "due_before": "2027-03-04"}
        )
        states = await leader.get(PATH, params={"organization_code": "UN24", "state": "closed"})
    assert found == sorted(days)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad-page-token")
    assert len(before.json()["items"]) == 3
    assert states.json()["items"] == []


async def test_an_item_of_a_list_is_the_item_itself(door: Door) -> None:
    parent, _ = await family(door)
    async with await door.as_("lead", LEAD) as lead:
        item = (await lead.get(f"/milestones/{parent['id']}")).json()
        page = (await lead.get(PATH, params={"page_size": 500})).json()["items"]
    del item["branches"]
    assert item in page


async def test_what_changed_since_a_position_is_listed_with_tombstones(door: Door) -> None:
    await door.react()
    async with await door.as_("office") as office:
        position = 0
        while True:
            query = {"changed_after": position, "page_size": 500}
            start = (await office.get(PATH, params=query)).json()
            position = start["position"]
            if not start["has_more"]:
                break
        working = (await a_milestone_in(door, "accepted")).json()
        gone = (await a_milestone_in(door, "cancelled")).json()
        await door.react()
        delta = (await office.get(PATH, params={"changed_after": position})).json()
        await done(door, working, "extensions")
        await door.react()
        query = {"changed_after": delta["position"]}
        asked = (await office.get(PATH, params=query)).json()
        mixed = await office.get(PATH, params={**query, "page_token": "zzz"})
    assert [item["id"] for item in delta["items"]] == [working["id"]]
    assert [stone["id"] for stone in delta["tombstones"]] == [gone["id"]]
    assert [item["id"] for item in asked["items"]] == [working["id"]]
    assert asked["items"][0]["extensions"][0]["state"] == "requested"
    assert mixed.status_code == 400


async def test_history_pages_join_without_a_seam(door: Door) -> None:
    body = (await a_milestone_in(door, "closed")).json()
    path = f"/milestones/{body['id']}/history"
    async with await door.as_("office") as office:
        first = (await office.get(path, params={"page_size": 2})).json()
        query = {"page_size": 3, "page_token": first["next_page_token"]}
        second = (await office.get(path, params=query)).json()
    assert [change["version"] for change in first["items"]] == [1, 2]
    assert [change["version"] for change in second["items"]] == [3, 4, 5]
    assert second["items"][0]["before"] == first["items"][1]["after"]
    assert second["next_page_token"] is None


async def test_the_plan_itself_promises_one_for_every_measure_and_its_lead_takes_it_up(
    door: Door,
) -> None:
    await door.react()
    async with await door.as_("office") as office, await door.as_("reporter", "UN07") as unit:
        query: dict[str, Any] = {"measure_code": "21.1", "page_size": 500}
        (seed,) = (await office.get(PATH, params=query)).json()["items"]
        assert (seed["from_plan"], seed["organization_code"]) == (True, "UN07")
        assert (seed["due_date"], seed["sign_by"]) == ("2025-12-31", None)
        assert seed["assigned_by"]["kind"] == "system"
        dated = await office.patch(
            f"/milestones/{seed['id']}",
            json={"due_date": "2027-06-30", "reason": "纳入年度计划"},
            headers={"If-Match": "*"},
        )
        accepted = await unit.post(f"/milestones/{seed['id']}/accept")
    assert dated.json()["sign_by"] is not None
    assert (dated.json()["epoch"], dated.json()["original_due_date"]) == (2, "2025-12-31")
    assert accepted.json()["state"] == "accepted"


async def test_a_city_knows_nothing_of_anothers(door: Door) -> None:
    body = (await assigned(door)).json()
    with in_city("410184"):
        add = "INSERT INTO city VALUES ($1, '新郑市')"
        await door.held.database.pool.execute(add, "410184")
    stranger = await door.new_key("office", city_code="410184")
    async with door.client(stranger) as client:
        answers: list[httpx.Response] = [
            await client.get(PATH),
            await client.get(f"/milestones/{body['id']}"),
            await client.post(f"/milestones/{body['id']}/cancel", json=BODIES["cancel"]),
        ]
    assert {answer.status_code for answer in answers} == {404}
