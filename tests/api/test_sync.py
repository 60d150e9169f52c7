"""A device that wrote without a network hands it in, once, and hears what changed."""

from decimal import Decimal
from typing import Any

import pytest

from services.core.calendars.queries import working_calendar
from services.core.identity.actor import operator
from services.core.kit.ids import new_id
from services.core.milestones.action_context import MilestoneDesk
from services.core.plan.slots import Slot
from services.core.sync.service import take_in
from services.core.sync.writes import Sent, Write
from tests.support.api import XINMI, Door, a_submission, xinmi
from tests.support.device import Device, a_creation, a_write, conflict_path, drafted
from tests.support.reported import PATH, a_period


async def test_what_was_written_without_a_network_comes_in_once_and_in_order(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)
        made = a_creation(draft=True)
        subject = made["submission_id"]
        writes = [
            made,
            a_write("submission.edit", subject, data={"value": "41.5", "note": "复核"}),
            a_write("submission.submit", subject),
        ]
        first = await device.sync(*writes)
        again = await device.sync(*writes)
        read = (await unit.get(f"/submissions/{subject}")).json()
        history = (await unit.get(f"/submissions/{subject}/history")).json()["items"]
    assert [one["outcome"] for one in first["results"]] == ["applied"] * 3
    assert [one["version"] for one in first["results"]] == [1, 2, 3]
    assert [one["repeated"] for one in again["results"]] == [True] * 3
    assert [one["version"] for one in again["results"]] == [1, 2, 3]
    assert (read["id"], read["value"], read["state"]) == (subject, "41.5", "submitted")
    assert [one["action"] for one in history] == ["created", "changed", "submitted"]


async def test_a_part_of_a_call_that_was_lost_goes_on_from_what_came_in(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)
        made = a_creation(draft=True, note="旧")
        subject = made["submission_id"]
        edited = a_write("submission.edit", subject, data={"note": "新"})
        await device.sync(made, edited)
        # The answer was lost: the phone knows no version, sends all of it again and one more.
        more = a_write("submission.edit", subject, data={"note": "更新"})
        told = await device.sync(made, edited, more)
        read = (await unit.get(f"/submissions/{subject}")).json()
    assert [one["outcome"] for one in told["results"]] == ["applied"] * 3
    assert (read["note"], read["etag"].rsplit(".", 1)[1]) == ("更新", '3"')


async def test_two_who_change_different_fields_both_stand(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        subject = await drafted(device)
        edit = await office.patch(
            f"/submissions/{subject}", json={"note": "办公室的说明"}, headers={"If-Match": "*"}
        )
        assert edit.status_code == 200, edit.text
        write = a_write("submission.edit", subject, base_version=1, data={"value": "50"})
        (result,) = (await device.sync(write))["results"]
        read = (await unit.get(f"/submissions/{subject}")).json()
    assert (result["outcome"], result["version"]) == ("merged", 3)
    assert (read["note"], read["value"]) == ("办公室的说明", "50")


async def test_each_write_of_a_call_stands_on_the_version_that_it_names(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        subject = await drafted(device)
        edit = await office.patch(
            f"/submissions/{subject}", json={"note": "办公室的说明"}, headers={"If-Match": "*"}
        )
        assert edit.status_code == 200, edit.text
        newer = a_write("submission.edit", subject, base_version=2, data={"value": "50"})
        older = a_write("submission.edit", subject, base_version=1, data={"note": "手机的说明"})
        results = (await device.sync(newer, older))["results"]
        read = (await unit.get(f"/submissions/{subject}")).json()
    assert [one["outcome"] for one in results] == ["applied", "conflict"]
    assert (read["note"], read["value"]) == ("办公室的说明", "50")


async def test_two_who_change_the_same_field_leave_one_conflict_with_both(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        subject = await drafted(device)
        await office.patch(
            f"/submissions/{subject}", json={"value": "60"}, headers={"If-Match": "*"}
        )
        write = a_write(
            "submission.edit",
            subject,
            base_version=1,
            data={"value": None, "numerator": "1", "denominator": "4", "note": "单位的说明"},
        )
        told = await device.sync(write)
        (result,) = told["results"]
        again = (await device.sync(write))["results"][0]
        read = (await unit.get(f"/submissions/{subject}")).json()
        assert result["conflict"]["href"] == f"/v1/conflicts/{result['conflict_id']}"
        conflict = (await unit.get(conflict_path(result))).json()
        listed = (await office.get(f"{PATH.rsplit('/', 1)[0]}/conflicts?state=open")).json()
        taken = await unit.post(f"{conflict_path(result)}/decide", json={"take": "device"})
        twice = await unit.post(
            f"/conflicts/{result['conflict_id']}/decide", json={"take": "ledger"}
        )
        after = (await unit.get(f"/submissions/{subject}")).json()
    assert (result["outcome"], again["conflict_id"]) == ("conflict", result["conflict_id"])
    assert again["conflict"] == result["conflict"], "a repeat tells the path, too"
    assert (read["value"], read["note"]) == ("60", "单位的说明"), (
        "what nobody else changed is taken"
    )
    assert (conflict["reason"], conflict["fields"]) == ("both-changed", ["form"])
    assert (conflict["ledger"]["value"], conflict["device"]["value"]) == ("60", "25")
    assert conflict["base"]["value"] == "40.65"
    assert [one["id"] for one in listed["items"]].count(conflict["id"]) == 1
    assert told["conflicts"]["items"][0]["id"] == conflict["id"]
    assert (taken.status_code, taken.json()["state"]) == (200, "decided"), taken.text
    assert (twice.status_code, twice.json()["code"]) == (409, "transition-refused")
    assert (after["value"], after["numerator"], after["denominator"]) == ("25", "1", "4")


async def test_a_place_that_was_taken_meanwhile_is_a_conflict_and_the_same_is_none(
    door: Door,
) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        period = a_period()
        there = (await office.post(PATH, json=a_submission(period=period, draft=True))).json()
        device = Device(unit)
        same, other = (
            a_creation(period=period, draft=True),
            a_creation(period=period, draft=True, value="7"),
        )
        edit = a_write("submission.edit", other["submission_id"], data={"note": "后来"})
        results = (await device.sync(same, other, edit))["results"]
        conflict = (await unit.get(f"/conflicts/{results[1]['conflict_id']}")).json()
    assert (results[0]["outcome"], results[0]["subject_id"]) == ("unchanged", there["id"])
    assert (results[1]["outcome"], results[1]["subject_id"]) == ("conflict", there["id"])
    assert results[2]["conflict_id"] == results[1]["conflict_id"], "a later edit belongs to it"
    assert (conflict["reason"], conflict["base"]) == ("place-taken", None)
    assert (conflict["device"]["value"], conflict["device"]["note"]) == ("7", "后来")


async def test_a_change_that_mends_a_refused_one_is_taken_and_nothing_of_it_is_lost(
    door: Door,
) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)
        subject = await drafted(device)

        def edit(**data: str | None) -> dict[str, Any]:
            return a_write("submission.edit", subject, base_version=1, data=data)

        wrong = edit(value=None, numerator="1", denominator="0")
        again = edit(value=None, numerator="1", denominator="0", note="复核")
        first = (await device.sync(wrong, again))["results"]
        mended = edit(value=None, numerator="1", denominator="10")
        later = (await device.sync(wrong, mended))["results"]
        read = (await unit.get(f"/submissions/{subject}")).json()
    assert [one["outcome"] for one in first] == ["refused", "refused"], (
        "what was refused once is refused as often as it is said, not passed over"
    )
    assert [(one["outcome"], one["repeated"]) for one in later] == [
        ("refused", True),
        ("applied", False),
    ]
    assert (read["value"], read["numerator"], read["note"]) == ("10", "1", "起初")


async def test_several_new_ones_for_a_taken_place_are_one_conflict_that_can_be_read(
    door: Door,
) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        period, device = a_period(), Device(unit)
        made = [
            a_creation(period=period, draft=True, value=value, note=note)
            for value, note in (("5", "一"), ("6", "二"), ("7", "一"))
        ]
        results = (await device.sync(*made))["results"]
        conflict = await unit.get(f"/conflicts/{results[1]['conflict_id']}")
    assert [one["outcome"] for one in results] == ["applied", "conflict", "conflict"]
    assert results[1]["conflict_id"] == results[2]["conflict_id"]
    assert conflict.status_code == 200, conflict.text
    assert (conflict.json()["device"]["value"], conflict.json()["device"]["note"]) == ("7", "一")


@pytest.mark.parametrize(
    "claim", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "2026-01-29T16:12:00", 0]
)
async def test_a_claim_that_is_no_instant_is_refused_by_itself(door: Door, claim: object) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        wild = {**a_creation(), "claimed_at": claim}
        wild_result, sound = (await Device(unit).sync(wild, a_creation()))["results"]
    assert (wild_result["outcome"], sound["outcome"]) == ("refused", "applied")
    assert [one["pointer"] for one in wild_result["refusal"]["errors"]] == ["/claimed_at"]


async def test_what_moved_on_keeps_what_the_device_said(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        subject = await drafted(device)
        assert (await unit.post(f"/submissions/{subject}/submit")).status_code == 200
        assert (await office.post(f"/submissions/{subject}/approve")).status_code == 200
        late = a_write("submission.edit", subject, base_version=1, data={"value": "99"})
        known = a_write("submission.edit", subject, base_version=3, data={"value": "98"})
        first, second = (await device.sync(late, known))["results"]
        (alone,) = (await Device(unit).sync({**known, "id": str(new_id())}))["results"]
        more = a_write("submission.edit", subject, base_version=1, data={"note": "后来"})
        wider = (await Device(unit).sync({**late, "id": str(new_id())}, more))["results"][1]
        conflict = (await unit.get(f"/conflicts/{wider['conflict_id']}")).json()
        read = (await unit.get(f"/submissions/{subject}")).json()
    assert (conflict["base"]["value"], conflict["base"]["note"]) == ("40.65", "起初")
    assert (conflict["device"]["value"], conflict["device"]["note"]) == ("99", "后来")
    assert (first["outcome"], read["value"]) == ("conflict", "40.65")
    assert second["conflict_id"] == first["conflict_id"]
    assert (alone["outcome"], alone["refusal"]["code"]) == ("refused", "transition-refused")


async def test_each_write_is_judged_as_its_own_path_would(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        others = (
            await office.post(
                PATH, json=a_submission(organization_code="410183107", period=a_period())
            )
        ).json()
        device = Device(unit)
        writes = [
            a_write("submission.edit", others["id"], base_version=1, data={"note": "x"}),
            a_creation(organization_code="410183107"),
            a_creation(indicator_code="NOPE", value="1"),
            a_creation(on_behalf_of=True),
            a_write("submission.submit", str(new_id()), base_version=1),
            {**a_creation(), "submission_id": others["id"]},
            a_write("submission.edit", str(new_id()), base_version=1, data={"colour": "red"}),
            a_write("milestone.complete", str(new_id()), base_version=1, data={}),
        ]
        told = await device.sync(*writes)
        listed = await Device(unit).sync()
    refused = [one["refusal"]["code"] for one in told["results"]]
    assert {one["outcome"] for one in told["results"]} == {"refused"}
    assert refused == [
        "submission-not-found",
        "not-your-organization",
        "invalid-input",
        "invalid-input",
        "submission-not-found",
        "submission-exists",
        "invalid-input",
        "milestone-not-found",
    ]
    assert told["results"][6]["refusal"]["errors"][0]["pointer"] == "/data/colour"
    assert told["results"][1]["refusal"]["status"] == 403
    ids = {one["id"] for one in listed["refused"]["items"]}
    assert {one["id"] for one in writes} <= ids, "what was refused is told until it is old"


async def test_a_write_without_a_readable_id_refuses_the_call(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)
        odd = {**a_creation(), "id": "17"}
        twice = a_creation()
        answer = await device.send(odd, {**twice, "id": "019aafc0-0000-4000-8000-000000000000"})
        same = await device.send(twice, a_creation() | {"id": twice["id"]})
        changed = await device.sync(twice)
        reused = await device.sync(a_creation() | {"id": twice["id"]})
    assert answer.status_code == same.status_code == 422
    assert {one["pointer"] for one in answer.json()["errors"]} == {"/writes/0/id", "/writes/1/id"}
    assert same.json()["errors"][0]["code"] == "write-twice"
    assert changed["results"][0]["outcome"] == "applied"
    assert reused["results"][0]["refusal"]["code"] == "write-id-reused"


async def test_a_device_hears_what_changed_and_nothing_twice(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        await door.react()
        await device.sync()
        kept, gone = await drafted(device), await drafted(device)
        assert (await office.post(f"/submissions/{gone}/withdraw")).status_code == 200
        await door.react()
        told = await device.sync()
        nothing = await device.send()
    assert [one["id"] for one in told["submissions"]] == [kept]
    assert told["tombstones"][0]["id"] == gone
    assert nothing.json()["position"] == told["position"]
    assert len(nothing.content) < 300, nothing.text


async def test_an_unknown_version_and_a_withdrawal_of_what_was_changed_are_refused(
    door: Door,
) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        subject = await drafted(device)
        await office.patch(
            f"/submissions/{subject}", json={"note": "别删"}, headers={"If-Match": "*"}
        )
        writes = [
            a_write("submission.edit", subject, base_version=7, data={"note": "x"}),
            a_write("submission.edit", subject, data={"note": "x"}),
            a_write("submission.withdraw", subject, base_version=1),
        ]
        results = (await device.sync(*writes))["results"]
        seen = await device.sync(a_write("submission.withdraw", subject, base_version=2))
    assert [one["refusal"]["code"] for one in results] == [
        "base-version-unknown",
        "base-version-unknown",
        "stale-version",
    ]
    assert seen["results"][0]["outcome"] == "applied"


async def test_who_decides_a_conflict_is_who_reports_for_its_unit(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        subject = await drafted(device)
        path, said = f"/submissions/{subject}", {"value": "60"}
        await office.patch(path, json=said, headers={"If-Match": "*"})
        write = a_write("submission.edit", subject, base_version=1, data={"value": "61"})
        conflict = (await device.sync(write))["results"][0]["conflict_id"]
    decide, body = f"/conflicts/{conflict}/decide", {"take": "ledger", "reason": "以台账为准"}
    async with await door.as_("reporter", "410183107") as stranger:
        hidden = await stranger.post(decide, json=body)
        unseen = await stranger.get(f"/conflicts/{conflict}")
    async with await door.as_("leader") as leader:
        barred = await leader.post(decide, json=body)
    async with await door.as_("superior") as superior:
        above = await superior.get(f"/conflicts/{conflict}")
    async with await door.as_("office") as office:
        stale = await office.post(decide, json=body, headers={"If-Match": '"old"'})
        done = await office.post(decide, json=body)
        await door.react()
        events = (await office.get(f"/events?plan={XINMI}&types=conflict.decided")).json()["items"]
    assert (hidden.status_code, unseen.status_code, above.status_code) == (404, 404, 404)
    assert (barred.status_code, stale.status_code, done.status_code) == (403, 412, 200)
    assert done.json()["decided_by"]["role"] == "office"
    assert events[-1]["data"]["taken"] == "ledger"


async def test_writes_are_judged_by_the_plan_in_force_and_not_by_the_one_that_is_kept(
    door: Door,
) -> None:
    async with await door.as_("reporter", "UN15"):
        kept = await door.held.plans.of_city("410183", XINMI)
    plan = xinmi()
    without = [one for one in plan.indicators if one.code != "U08"]
    await door.load(plan.model_copy(update={"indicators": tuple(without)}))
    actor = operator("410183")
    write = Write(
        index=0,
        id=new_id(),
        kind="submission.create",
        subject_id=new_id(),
        digest=b"",
        slot=Slot("U08", "UN15", "2025"),
        said={"value": Decimal(1)},
    )
    now = door.held.clock.now()
    async with door.held.database.transaction() as session:
        calendar = await working_calendar(session, "410183", "CN")
        desk = MilestoneDesk(kept, calendar, actor, now)
        (taken,) = await take_in(
            session, [Sent(write, "{}")], plan=kept, actor=actor, desk=desk, now=now
        )
    assert taken.result["refusal"]["errors"][0]["code"] == "unknown-indicator"
