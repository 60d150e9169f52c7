"""Four eyes: whoever wrote something or handed it in does not approve it, whoever pressed last."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx

from tests.support.api import XINMI, Door, a_submission
from tests.support.device import Device, a_write
from tests.support.milestones import BODIES, SHARING, a_milestone_in
from tests.support.observed import conflicts_of, load_sources, observed
from tests.support.reported import reported

PATH = f"/plans/{XINMI}/submissions"
REPORTS = ["submissions:read", "submissions:write", "submissions:review"]
WORKS = ["milestones:read", "milestones:write"]
_DECISIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("approve", {}),
    ("return", {"reason": "请核"}),
)
_months: Iterator[int] = count(1)


async def drafted(client: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    """Return a draft in a place of its own."""
    body = a_submission(period=f"2022-{next(_months):02}", draft=True, **changes)
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_what_a_clerk_wrote_and_the_office_handed_in_its_own_lead_does_not_approve(
    door: Door,
) -> None:
    other_office = door.client(await door.new_key("office"))
    async with (
        await door.as_("reporter", "UN15") as clerk,
        await door.as_("lead", "UN15") as lead,
        await door.as_("office") as office,
        other_office,
    ):
        path = f"/submissions/{(await drafted(clerk))['id']}"
        handed_in = await office.post(f"{path}/submit")
        refused = [await one.post(f"{path}/approve") for one in (lead, office)]
        returned = await lead.post(f"{path}/return", json={"reason": "请核"})
        offered = (await lead.get(path)).json()["allowed_actions"]
        approved = await other_office.post(f"{path}/approve")
    assert handed_in.json()["on_behalf_of"] == "UN15"
    assert {(one.status_code, one.json()["code"]) for one in (*refused, returned)} == {
        (403, "own-report")
    }
    assert offered == ["withdraw"]
    assert approved.json()["state"] == "approved"


async def test_what_the_office_changed_and_a_clerk_handed_in_the_office_does_not_approve(
    door: Door,
) -> None:
    async with (
        await door.as_("reporter", SHARING) as clerk,
        await door.as_("lead", "UN15") as lead,
        await door.as_("office") as office,
    ):
        made = await drafted(clerk, organization_code=SHARING)
        path = f"/submissions/{made['id']}"
        changed = await office.patch(path, json={"value": "41"}, headers={"If-Match": "*"})
        handed_in = await clerk.post(f"{path}/submit")
        refused = await office.post(f"{path}/approve")
        approved = await lead.post(f"{path}/approve")
    assert changed.status_code == 200
    assert handed_in.json()["on_behalf_of"] == SHARING, "shown as what it is"
    assert (refused.status_code, refused.json()["code"]) == (403, "own-report")
    assert (approved.json()["state"], approved.json()["value"]) == ("approved", "41")


async def test_a_correction_is_judged_by_who_did_not_make_it(door: Door) -> None:
    async with (
        await door.as_("reporter", "UN15") as clerk,
        await door.as_("lead", "UN15") as lead,
        await door.as_("office") as office,
    ):
        path = f"/submissions/{(await drafted(clerk))['id']}"
        await clerk.post(f"{path}/submit")
        assert (await office.post(f"{path}/approve")).status_code == 200
        assert (await lead.post(f"{path}/reopen", json={"reason": "漏报"})).status_code == 200
        await office.patch(path, json={"value": "42"}, headers={"If-Match": "*"})
        await office.post(f"{path}/submit")
        own = await office.post(f"{path}/approve")
        approved = await lead.post(f"{path}/approve")
    assert own.status_code == 403
    assert (approved.status_code, approved.json()["approved_revision"]) == (200, 2)


async def test_who_wrote_what_a_correction_carries_over_does_not_approve_it(door: Door) -> None:
    other_office = door.client(await door.new_key("office"))
    async with (
        await door.as_("office") as office,
        await door.as_("reporter", SHARING) as clerk,
        await door.as_("lead", "UN15") as lead,
        other_office,
    ):
        made = await drafted(office, organization_code=SHARING, note="口径见附表")
        path = f"/submissions/{made['id']}"
        await office.post(f"{path}/submit")
        assert (await lead.post(f"{path}/approve")).status_code == 200
        reopened = await lead.post(f"{path}/reopen", json={"reason": "复核"})
        await clerk.post(f"{path}/submit")
        refused = [await office.post(f"{path}/{verb}", json=body) for verb, body in _DECISIONS]
        offered = (await office.get(path)).json()["allowed_actions"]
        await other_office.post(f"{path}/return", json={"reason": "数值有误"})
        await clerk.patch(path, json={"value": "41"}, headers={"If-Match": "*"})
        await clerk.post(f"{path}/submit")
        still_its_note = await office.post(f"{path}/approve")
        await other_office.post(f"{path}/return", json={"reason": "说明有误"})
        await clerk.patch(path, json={"note": "按新口径"}, headers={"If-Match": "*"})
        await clerk.post(f"{path}/submit")
        approved = await office.post(f"{path}/approve")
    assert reopened.status_code == 200
    assert {(one.status_code, one.json()["code"]) for one in (*refused, still_its_note)} == {
        (403, "own-report")
    }
    assert "approve" not in offered
    assert (approved.status_code, approved.json()["approved_revision"]) == (200, 2)


async def test_a_correction_of_a_leads_own_words_waits_for_the_office(door: Door) -> None:
    async with (
        await door.as_("reporter", "UN15") as clerk,
        await door.as_("lead", "UN15") as lead,
        await door.as_("office") as office,
    ):
        made = await drafted(clerk)
        path = f"/submissions/{made['id']}"
        await clerk.post(f"{path}/submit")
        assert (await office.post(f"{path}/approve")).status_code == 200
        await office.post(f"{path}/reopen", json={"reason": "复核"})
        await office.post(f"{path}/submit")
        refused = await lead.post(f"{path}/approve")
        for_lead, for_office = await _reviews(lead), await _reviews(office)
    assert (refused.status_code, refused.json()["code"]) == (403, "own-report")
    assert made["id"] not in for_lead
    assert made["id"] in for_office


async def test_two_systems_of_one_unit_are_one_author(door: Door) -> None:
    first, second = [await door.new_key("integrator", "UN15", scopes=REPORTS) for _ in range(2)]
    async with door.client(first) as writer, door.client(second) as reviewer:
        path = f"/submissions/{(await drafted(writer))['id']}"
        await writer.post(f"{path}/submit")
        refused = await reviewer.post(f"{path}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "own-report")


async def _reviews(client: httpx.AsyncClient) -> list[str]:
    listed = (await client.get("/me/todo", params={"page_size": 500})).json()["items"]
    return [one["subject"]["id"] for one in listed if one["kind"] == "review"]


async def test_what_a_lead_may_not_review_waits_for_the_office_and_not_for_the_lead(
    door: Door,
) -> None:
    async with (
        await door.as_("reporter", "UN15") as clerk,
        await door.as_("reporter", SHARING) as town,
        await door.as_("lead", "UN15") as lead,
        await door.as_("office") as office,
    ):
        ours = await drafted(clerk)
        theirs = await drafted(town, organization_code=SHARING)
        for made in (ours, theirs):
            await office.post(f"/submissions/{made['id']}/submit")
        for_lead, for_office = await _reviews(lead), await _reviews(office)
    assert theirs["id"] in for_lead
    assert ours["id"] not in for_lead
    assert ours["id"] in for_office
    assert theirs["id"] not in for_office


async def test_a_system_that_reported_on_a_milestone_does_not_close_it(door: Door) -> None:
    made = await a_milestone_in(door, "accepted", organization_code=SHARING)
    path = f"/milestones/{made.json()['id']}"
    first, second = [await door.new_key("integrator", scopes=WORKS) for _ in range(2)]
    async with (
        door.client(first) as system,
        door.client(second) as other,
        await door.as_("reporter", SHARING) as clerk,
    ):
        assert (await system.post(f"{path}/progress", json=BODIES["progress"])).status_code == 200
        assert (await clerk.post(f"{path}/complete", json=BODIES["complete"])).status_code == 200
        refused = [
            await system.post(f"{path}/{verb}", json=BODIES[verb]) for verb in ("close", "return")
        ]
        offered = (await system.get(path)).json()["allowed_actions"]
        closed = await other.post(f"{path}/close", json=BODIES["close"])
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(403, "own-milestone")}
    assert not {"close", "return"} & set(offered)
    assert closed.json()["state"] == "closed"


async def test_who_asked_for_more_time_and_their_unit_do_not_decide_on_it(door: Door) -> None:
    made = await a_milestone_in(door, "accepted", organization_code=SHARING)
    path = f"/milestones/{made.json()['id']}/extensions"
    secret = await door.new_key("integrator", scopes=WORKS)
    async with (
        door.client(secret) as system,
        await door.as_("lead", SHARING) as of_unit,
        await door.as_("office") as office,
    ):
        asked = (await system.post(path, json=BODIES["extensions"])).json()
        refused = [
            await one.post(f"/extensions/{asked['id']}/approve") for one in (system, of_unit)
        ]
        granted = await office.post(f"/extensions/{asked['id']}/approve")
    assert {one.status_code for one in refused} == {403}
    assert granted.status_code == 200


async def test_who_wrote_on_a_device_does_not_approve_what_somebody_took_of_it(door: Door) -> None:
    first, second = [await door.new_key("office") for _ in range(2)]
    async with (
        door.client(first) as phone,
        door.client(second) as other,
        await door.as_("reporter", "UN15") as clerk,
    ):
        made = await drafted(clerk)
        path = f"/submissions/{made['id']}"
        said = {"json": {"value": "1"}, "headers": {"If-Match": "*"}}
        assert (await clerk.patch(path, **said)).status_code == 200  # type: ignore[arg-type]
        write = a_write("submission.edit", made["id"], base_version=1, data={"value": "2"})
        (result,) = (await Device(phone).sync(write))["results"]
        decide = f"/conflicts/{result['conflict_id']}/decide"
        assert (await clerk.post(decide, json={"take": "device"})).status_code == 200
        assert (await clerk.post(f"{path}/submit")).json()["value"] == "2"
        refused = await phone.post(f"{path}/approve")
        approved = await other.post(f"{path}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "own-report")
    assert approved.status_code == 200, approved.text


async def test_who_added_a_file_approves_no_correction_that_still_has_it(door: Door) -> None:
    one, other = (
        door.client(await door.new_key("office")),
        door.client(await door.new_key("office")),
    )
    async with one, other, await door.as_("reporter", "UN15") as clerk:
        path = f"/submissions/{(await drafted(clerk))['id']}"
        added = await one.post(
            f"{path}/evidence",
            params={"file_name": "a.txt"},
            content="监测报告".encode(),
            headers={"Content-Type": "text/plain"},
        )
        await clerk.post(f"{path}/submit")
        at_first = await one.post(f"{path}/approve")
        await other.post(f"{path}/approve")
        await other.post(f"{path}/reopen", json={"reason": "请核"})
        await clerk.post(f"{path}/submit")
        offered = (await one.get(path)).json()["allowed_actions"]
        again = await one.post(f"{path}/approve")
        approved = await other.post(f"{path}/approve")
    assert added.status_code == 201, added.text
    assert [(answer.status_code, answer.json()["code"]) for answer in (at_first, again)] == [
        (403, "own-report")
    ] * 2
    assert "approve" not in offered
    assert approved.json()["state"] == "approved"


async def test_who_recorded_what_another_source_says_approves_no_correction_to_it(
    door: Door,
) -> None:
    await load_sources(door)
    submission = await reported(door)
    path = f"/submissions/{submission['id']}"
    one, other = (
        door.client(await door.new_key("office")),
        door.client(await door.new_key("office")),
    )
    third = door.client(await door.new_key("office"))
    async with one, other, third:
        await other.post(f"{path}/approve")
        await observed(one, period=submission["period"])
        await door.react()
        (conflict,) = await conflicts_of(other, submission["period"])
        decided = await other.post(
            f"/conflicts/{conflict['id']}/decide",
            json={"take": "observation", "reason": "年鉴为准"},
        )
        refused = [await client.post(f"{path}/approve") for client in (one, other)]
        approved = await third.post(f"{path}/approve")
    assert decided.status_code == 200, decided.text
    assert "recorded_by" not in decided.text
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {
        (403, "own-report")
    }
    assert approved.json()["state"] == "approved"
