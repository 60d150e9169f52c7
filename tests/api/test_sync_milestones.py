"""What a device wrote of milestones without a network: merged by field, or a conflict with both."""

from datetime import timedelta
from typing import Any

import httpx

from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door
from tests.support.device import Device, a_milestone_conflict, a_write, conflict_path
from tests.support.milestones import BODIES, LEAD, a_milestone_in, done

DUE = (Clock.true_now() + timedelta(days=90)).date().isoformat()
LISTED = f"/plans/{XINMI}/milestone-conflicts"


async def promised(door: Door, state: str = "accepted", **changes: Any) -> dict[str, Any]:
    """Return a milestone that the unit works on."""
    made: dict[str, Any] = (await a_milestone_in(door, state, due_date=DUE, **changes)).json()
    return made


async def reported(client: httpx.AsyncClient, milestone: str, **said: Any) -> dict[str, Any]:
    """Let a colleague report at a desk."""
    answer = await client.post(f"/milestones/{milestone}/progress", json=said)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def progress(of: dict[str, Any], **said: Any) -> dict[str, Any]:
    """Return what a phone writes that saw a milestone as it was."""
    return a_write("milestone.progress", of["id"], base_version=of["version"], data=said)


def completion(of: dict[str, Any], **said: Any) -> dict[str, Any]:
    """Return the request for closure of a phone that saw a milestone as it was."""
    body = {**BODIES["complete"], **said}
    return a_write("milestone.complete", of["id"], base_version=of["version"], data=body)


async def decide(
    client: httpx.AsyncClient, conflict: str, take: str, **more: Any
) -> httpx.Response:
    body = {"take": take, "reason": "以现场为准"}
    return await client.post(f"/milestone-conflicts/{conflict}/decide", json=body, **more)


async def test_different_fields_both_stand_and_the_same_is_one_conflict_with_both(
    door: Door,
) -> None:
    base = await promised(door)
    async with await door.as_("reporter", LEAD) as unit:
        await reported(unit, base["id"], percent="30", problems="缺车")
        device = Device(unit)
        told = await device.sync(
            progress(base, percent="0", next_steps="下周建第三处"),
            progress(base, percent="55", next_steps="下周建第三处", narrative="两处已建"),
        )
        merged, disputed = told["results"]
        now = (await unit.get(f"/milestones/{base['id']}")).json()
        assert (disputed["conflict"]["kind"], merged["conflict"]) == ("milestone", None)
        conflict = (await unit.get(conflict_path(disputed))).json()
        (listed,) = (await unit.get(LISTED, params={"milestone_id": base["id"]})).json()["items"]
        nothing = await device.send()
    assert [merged["outcome"], disputed["outcome"]] == ["merged", "conflict"], merged["refusal"]
    said = {name: now[name] for name in ("percent", "problems", "next_steps", "narrative")}
    assert said == {
        "percent": "30",
        "problems": "缺车",
        "next_steps": "下周建第三处",
        "narrative": "两处已建",
    }, "what nobody else changed is taken"
    assert (conflict["verb"], conflict["reason"], conflict["fields"]) == (
        "progress",
        "both-changed",
        ["percent"],
    )
    assert [conflict[side]["percent"] for side in ("base", "ledger", "device")] == ["0", "30", "55"]
    assert (conflict["title"], conflict["measure_code"], conflict["may_decide"]) == (
        "建成农膜回收网点",
        "14.1",
        True,
    )
    assert listed == conflict == told["milestone_conflicts"]["items"][0]
    assert nothing.json()["milestone_conflicts"] is None, "the device knows the list"
    assert len(nothing.content) < 300


async def test_the_devices_version_is_taken_by_the_verb_it_wanted(door: Door) -> None:
    async with await door.as_("reporter", LEAD) as unit:
        conflict = await a_milestone_conflict(door)
        device = Device(unit)
        before = await device.sync()
        await door.react()
        milestone = before["milestone_conflicts"]["items"][0]["milestone_id"]
        await reported(unit, milestone, percent="40", problems="缺人")
        stale = await decide(unit, conflict, "device", headers={"If-Match": '"old"'})
        taken = await decide(unit, conflict, "device")
        again = await decide(unit, conflict, "ledger")
        now = (await unit.get(f"/milestones/{milestone}")).json()
        history = (await unit.get(f"/milestones/{milestone}/history")).json()["items"]
        await door.react()
        delta = await device.sync()
        found = (await unit.get("/events", params={"types": _TYPES, "plan": XINMI})).json()
    assert (stale.status_code, taken.status_code, again.status_code) == (412, 200, 409)
    assert again.json()["code"] == "transition-refused"
    assert (taken.json()["state"], taken.json()["taken"]) == ("decided", "device")
    assert (now["percent"], now["problems"]) == ("55", "缺人"), "the other fields are the ledger's"
    assert [one["action"] for one in history][-3:] == ["progressed"] * 3
    assert milestone in {one["id"] for one in delta["milestones"]}
    (decided,) = [one for one in delta["milestone_conflicts"]["items"] if one["id"] == conflict]
    assert decided["state"] == "decided"
    types = [one["type"] for one in found["items"] if one["subject"]["id"] == conflict]
    assert types == ["milestone_conflict.raised", "milestone_conflict.decided"]


_TYPES = "milestone_conflict.raised,milestone_conflict.decided"


async def test_what_the_ledger_says_is_kept_and_the_milestone_has_no_new_version(
    door: Door,
) -> None:
    conflict = await a_milestone_conflict(door)
    async with await door.as_("reporter", LEAD) as unit:
        told = (await unit.get(f"/milestone-conflicts/{conflict}")).json()
        path = f"/milestones/{told['milestone_id']}"
        before = await unit.get(path)
        taken = await decide(unit, conflict, "ledger")
        after = await unit.get(path)
    assert (taken.status_code, taken.json()["decision_reason"]) == (200, "以现场为准")
    assert before.headers["ETag"] == after.headers["ETag"]


async def test_a_phone_that_lost_the_answer_stands_on_its_own_report(door: Door) -> None:
    base = await promised(door)
    first = progress(base, percent="20", narrative="一处")
    async with await door.as_("reporter", LEAD) as unit:
        await Device(unit).sync(first)
        # It knows no newer version, sends the first again and goes on from what it said itself.
        more = progress(base, percent="35", narrative="一处")
        results = (await Device(unit).sync(first, more))["results"]
        now = (await unit.get(f"/milestones/{base['id']}")).json()
    assert [(one["outcome"], one["repeated"]) for one in results] == [
        ("applied", True),
        ("applied", False),
    ]
    assert now["percent"] == "35"


async def test_later_writes_of_a_call_belong_to_its_conflict_or_wait_for_it(door: Door) -> None:
    base = await promised(door)
    async with await door.as_("reporter", LEAD) as unit:
        await reported(unit, base["id"], percent="30")
        results = (
            await Device(unit).sync(
                progress(base, percent="50"),
                progress(base, percent="60", narrative="三处"),
                completion(base),
            )
        )["results"]
        conflict = (await unit.get(f"/milestone-conflicts/{results[0]['conflict_id']}")).json()
        now = (await unit.get(f"/milestones/{base['id']}")).json()
    assert [one["outcome"] for one in results] == ["conflict", "conflict", "refused"]
    assert results[1]["conflict_id"] == results[0]["conflict_id"]
    assert results[2]["refusal"]["code"] == "conflict-waits"
    assert (conflict["device"], conflict["ledger"]) == ({"percent": "60"}, {"percent": "30"})
    assert (now["percent"], now["narrative"], now["state"]) == ("30", "三处", "in_progress")


async def test_the_same_said_twice_is_no_conflict_and_writes_nothing(door: Door) -> None:
    base = await promised(door)
    async with await door.as_("reporter", LEAD) as unit:
        theirs = await reported(unit, base["id"], percent="30", narrative="过半")
        (same,) = (await Device(unit).sync(progress(base, percent="30", narrative="过半")))[
            "results"
        ]
        still = progress(theirs, percent="30", narrative="过半")
        (again,) = (await Device(unit).sync(still))["results"]
    assert (same["outcome"], same["version"]) == ("unchanged", theirs["version"])
    assert (again["outcome"], again["version"]) == ("applied", theirs["version"] + 1), (
        "who saw it and reports that it is so still has reported"
    )


async def test_closure_is_asked_for_beside_what_others_reported(door: Door) -> None:
    base = await promised(door)
    async with await door.as_("reporter", LEAD) as unit:
        await reported(unit, base["id"], percent="90", problems="缺车")
        (result,) = (await Device(unit).sync(completion(base)))["results"]
        now = (await unit.get(f"/milestones/{base['id']}")).json()
    assert (result["outcome"], now["state"]) == ("merged", "completed"), result["refusal"]
    assert (now["percent"], now["problems"], now["narrative"]) == ("90", "缺车", "已建成")


async def test_two_who_ask_for_closure_in_other_words_are_a_conflict_and_alike_are_none(
    door: Door,
) -> None:
    base = await promised(door)
    async with await door.as_("reporter", LEAD) as unit:
        answer = await unit.post(f"/milestones/{base['id']}/complete", json=BODIES["complete"])
        assert answer.status_code == 200, answer.text
        device = Device(unit)
        alike, other, late = (
            await device.sync(
                completion(base),
                completion(base, narrative="另有说明"),
                progress(base, percent="99"),
            )
        )["results"]
        conflict = (await unit.get(f"/milestone-conflicts/{other['conflict_id']}")).json()
        too_soon = await decide(unit, other["conflict_id"], "device")
        await done(door, answer.json(), "return")
        taken = await decide(unit, other["conflict_id"], "device")
        now = (await unit.get(f"/milestones/{base['id']}")).json()
        known = completion(now)
        (refused,) = (await Device(unit).sync(known))["results"]
    assert [alike["outcome"], other["outcome"], late["outcome"]] == [
        "unchanged",
        "conflict",
        "refused",
    ]
    assert late["refusal"]["code"] == "conflict-waits"
    assert (conflict["verb"], conflict["reason"], conflict["fields"]) == (
        "complete",
        "moved-on",
        ["narrative"],
    )
    assert (too_soon.status_code, too_soon.json()["code"]) == (409, "transition-refused")
    assert (taken.status_code, now["state"], now["narrative"]) == (200, "completed", "另有说明")
    assert [one["name"] for one in now["evidence"]] == ["验收表.pdf"]
    assert refused["refusal"]["code"] == "transition-refused", "the device saw the state"


async def test_what_came_after_the_milestone_was_closed_is_kept(door: Door) -> None:
    base = await promised(door)
    closing = base
    for verb in ("progress", "complete", "close"):
        closing = (await done(door, closing, verb)).json()
    async with await door.as_("reporter", LEAD) as unit:
        device = Device(unit)
        late = progress(base, percent="40", problems="设备故障")
        first, more = (await device.sync(late, progress(base, percent="45", problems="设备故障")))[
            "results"
        ]
        (again,) = (await device.sync(late))["results"]
        conflict = (await unit.get(f"/milestone-conflicts/{first['conflict_id']}")).json()
        refused = await decide(unit, first["conflict_id"], "device")
        kept = await decide(unit, first["conflict_id"], "ledger")
    assert (first["outcome"], again["repeated"]) == ("conflict", True)
    assert more["conflict_id"] == again["conflict_id"] == first["conflict_id"]
    assert (conflict["reason"], conflict["device"]) == (
        "moved-on",
        {"percent": "45", "problems": "设备故障"},
    )
    assert (refused.status_code, kept.status_code) == (409, 200)


async def test_a_device_is_in_no_conflict_with_what_it_wrote_itself(door: Door) -> None:
    base = await promised(door)
    async with await door.as_("reporter", LEAD) as unit:
        device, asked = Device(unit), completion(base)
        done_, late = (await device.sync(asked, progress(base, percent="40")))["results"]
        again, later = (await device.sync(asked, progress(base, percent="50")))["results"]
        listed = await unit.get(LISTED, params={"milestone_id": base["id"]})
    assert [done_["outcome"], late["outcome"], later["outcome"]] == [
        "applied",
        "refused",
        "refused",
    ]
    assert (again["repeated"], late["refusal"]["code"]) == (True, "transition-refused")
    assert listed.json()["items"] == []


async def test_what_came_after_the_milestone_was_cancelled_is_refused(door: Door) -> None:
    base = await promised(door)
    await done(door, base, "cancel")
    async with await door.as_("reporter", LEAD) as unit:
        (late,) = (await Device(unit).sync(progress(base, percent="40")))["results"]
        listed = await unit.get(LISTED, params={"milestone_id": base["id"]})
    assert (late["outcome"], late["refusal"]["code"]) == ("refused", "transition-refused")
    assert listed.json()["items"] == []


async def test_who_sees_it_and_who_decides(door: Door) -> None:
    conflict = await a_milestone_conflict(door)
    seen = {}
    for role, unit in (
        ("reporter", LEAD),
        ("reporter", "UN15"),
        ("office", None),
        ("leader", None),
        ("superior", None),
    ):
        async with await door.as_(role, unit) as caller:
            one = await caller.get(f"/milestone-conflicts/{conflict}")
            listed = await caller.get(LISTED, params={"state": "open", "page_size": "500"})
            preview = await caller.post(
                f"/milestone-conflicts/{conflict}/decide?validate_only=true",
                json={"take": "ledger"},
            )
            told = conflict in {item["id"] for item in listed.json()["items"]}
            seen[role, unit] = (one.status_code, told, preview.status_code)
    assert seen == {
        ("reporter", LEAD): (200, True, 200),
        ("reporter", "UN15"): (404, False, 404),
        ("office", None): (200, True, 403),
        ("leader", None): (200, True, 403),
        ("superior", None): (404, False, 403),
    }


_WORKS = ["plan:read", "submissions:read", "milestones:read", "milestones:write"]


async def test_who_wrote_on_the_device_does_not_judge_what_was_taken_of_it(door: Door) -> None:
    base = await promised(door)
    async with (
        await door.as_("reporter", LEAD) as unit,
        door.client(await door.new_key("integrator", scopes=_WORKS)) as phone,
    ):
        await reported(unit, base["id"], percent="30")
        (result,) = (await Device(phone).sync(progress(base, percent="60")))["results"]
        assert result["outcome"] == "conflict", result
        taken = await decide(unit, result["conflict_id"], "device")
        assert taken.status_code == 200, taken.text
        asked = await unit.post(f"/milestones/{base['id']}/complete", json=BODIES["complete"])
        assert asked.status_code == 200, asked.text
        own = await phone.post(f"/milestones/{base['id']}/close", json=BODIES["close"])
    assert (own.status_code, own.json()["code"]) == (403, "own-milestone")


async def test_an_unknown_version_a_wrong_day_and_another_plans_milestone_are_refused(
    door: Door,
) -> None:
    base = await promised(door)
    async with await door.as_("reporter", LEAD) as unit:
        await reported(unit, base["id"], percent="30")
        results = (
            await Device(unit).sync(
                progress({**base, "version": 99}, percent="50"),
                progress(base, percent="0", expected_date="2999-01-01", narrative="x"),
                progress({**base, "id": str(new_id())}, percent="50"),
            )
        )["results"]
        now = (await unit.get(f"/milestones/{base['id']}")).json()
    assert [one["refusal"]["code"] for one in results] == [
        "base-version-unknown",
        "invalid-input",
        "milestone-not-found",
    ]
    assert (now["percent"], now["narrative"]) == ("30", None)
