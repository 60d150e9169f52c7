"""A device takes a value back and reports it anew, and others write the same place meanwhile."""

from typing import Any
from uuid import UUID

import pytest

from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door, a_submission
from tests.support.device import Device, Write, a_creation, a_write
from tests.support.reported import PATH, a_period
from tests.support.statements_counted import fewest
from tests.support.waiting import all_wait


def a_value(period: str, **changes: Any) -> Write:
    """Return a write that makes a submission of a period, by an id of its own."""
    return a_write("submission.create", str(new_id()), data=a_submission(period=period, **changes))


def taken_back(made: Write, **more: Any) -> Write:
    """Return the withdrawal of what a write of the same device makes."""
    return a_write("submission.withdraw", made["submission_id"], **more)


def outcomes(told: dict[str, Any]) -> list[str]:
    return [(one["refusal"] or {}).get("code", one["outcome"]) for one in told["results"]]


async def standing(door: Door, period: str) -> list[tuple[str, str]]:
    """Return id and value of what stands for the unit's indicator in a period."""
    async with await door.as_("reporter", "UN15") as unit:
        found = (await unit.get(PATH, params={"period": period})).json()["items"]
    return [(one["id"], one["value"]) for one in found if one["state"] != "withdrawn"]


@pytest.mark.parametrize("draft", [True, False])
async def test_what_a_device_takes_back_it_reports_anew_in_the_same_call(
    door: Door, draft: bool
) -> None:
    period = a_period()
    first, second, third = (a_value(period, draft=draft, value=value) for value in ("1", "2", "3"))
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)
        told = await device.sync(first, taken_back(first), second, taken_back(second), third)
        history = await unit.get(f"/submissions/{second['submission_id']}/history")
        await door.react()
        changed = await device.sync()
    assert outcomes(told) == ["applied"] * 5
    assert [one["version"] for one in told["results"]] == [1, 2, 1, 2, 1]
    assert await standing(door, period) == [(third["submission_id"], "3")]
    actions = [one["action"] for one in history.json()["items"]]
    assert actions == ["created" if draft else "submitted", "withdrawn"]
    assert third["submission_id"] in {one["id"] for one in changed["submissions"]}
    async with await door.as_("office") as office:
        events = (await office.get("/events", params={"plan": XINMI, "limit": 500})).json()
    of_place = {one["submission_id"] for one in (first, second, third)}
    order = [one["subject"]["id"] for one in events["items"] if one["subject"]["id"] in of_place]
    ids = [one["submission_id"] for one in (first, first, second, second, third)]
    assert order == ids, "the log tells what happened in the order in which it did"


async def test_what_stood_there_before_the_call_leaves_its_place_first(door: Door) -> None:
    period = a_period()
    async with await door.as_("reporter", "UN15") as unit:
        made = (await unit.post(PATH, json=a_submission(period=period))).json()
        anew = a_value(period, value="7")
        back = a_write("submission.withdraw", made["id"], base_version=1)
        told = await Device(unit).sync(back, anew)
    assert outcomes(told) == ["applied", "applied"]
    assert await standing(door, period) == [(anew["submission_id"], "7")]


async def test_an_id_that_the_call_used_already_is_refused_alone(door: Door) -> None:
    one, other, last = (a_creation(draft=True) for _ in range(3))
    other["submission_id"] = one["submission_id"]
    async with await door.as_("reporter", "UN15") as unit:
        told = await Device(unit).sync(one, other, last)
        withdrawn = a_creation(draft=True)
        again = {**withdrawn, "id": str(new_id())}
        back = await Device(unit).sync(withdrawn, taken_back(withdrawn), again)
    assert outcomes(told) == ["applied", "submission-exists", "applied"]
    assert outcomes(back) == ["applied", "applied", "submission-exists"]


async def test_what_stood_for_a_new_one_is_taken_back_and_the_new_one_comes_after_it(
    door: Door,
) -> None:
    period = a_period()
    async with await door.as_("reporter", "UN15") as unit:
        there = (await unit.post(PATH, json=a_submission(period=period, draft=True))).json()
        same = a_value(period, draft=True)
        again = {**same, "id": str(new_id())}
        edit = a_write("submission.edit", same["submission_id"], data={"value": "8"})
        told = await Device(unit).sync(same, taken_back(same), again, edit)
    assert outcomes(told) == ["unchanged", "applied", "applied", "applied"]
    assert told["results"][1]["subject_id"] == there["id"]
    assert await standing(door, period) == [(same["submission_id"], "8")]


async def test_a_long_chain_takes_as_many_statements_as_a_short_one(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)

        async def chain(length: int) -> None:
            period, writes = a_period(), []
            for number in range(length):
                made = a_value(period, draft=True, value=str(number))
                edit = a_write("submission.edit", made["submission_id"], data={"note": "x"})
                writes += [made, edit, taken_back(made)]
            assert set(outcomes(await device.sync(*writes))) == {"applied"}

        await device.sync()  # the first call of all asks less
        short = await fewest(door, *(lambda: chain(1) for _ in range(3)))
        long = await fewest(door, *(lambda: chain(40) for _ in range(3)))
    assert long == short


_BACK = """
UPDATE submission SET state = 'withdrawn', version = version + 1
WHERE city_code = '410183' AND id = $1
"""


async def test_what_is_withdrawn_while_a_device_waits_for_it_holds_no_place(door: Door) -> None:
    period = a_period()
    async with await door.as_("reporter", "UN15") as unit:
        made = (await unit.post(PATH, json=a_submission(period=period))).json()
        same = a_value(period)
        (answer,) = await all_wait(
            door.held.database.dsn,
            Device(unit).send(same),
            statement=_BACK,
            values=(UUID(made["id"]),),
        )
    assert outcomes(answer.json()) == ["applied"], answer.text
    assert [one for one, _ in await standing(door, period)] == [same["submission_id"]]


async def test_what_a_device_hands_in_is_handed_in_where_its_words_stand_as_a_draft(
    door: Door,
) -> None:
    period = a_period()
    async with await door.as_("office") as office:
        there = (await office.post(PATH, json=a_submission(period=period, draft=True))).json()
        batched = a_period()
        await office.post(PATH, json=a_submission(period=batched, draft=True))
    async with await door.as_("reporter", "UN15") as unit:
        write = a_value(period)
        told = await Device(unit).sync(write)
        again = await Device(unit).sync(write)
        read = (await unit.get(f"/submissions/{there['id']}")).json()
        history = (await unit.get(f"/submissions/{there['id']}/history")).json()["items"]
        await unit.post(f"{PATH}/batch", json={"items": [a_submission(period=batched)]})
        (beside,) = (await unit.get(PATH, params={"period": batched})).json()["items"]
    (result,) = told["results"]
    assert (result["outcome"], result["subject_id"], result["version"]) == (
        "applied",
        there["id"],
        2,
    )
    assert again["results"][0]["repeated"] is True
    assert (read["state"], [one["action"] for one in history]) == (
        "submitted",
        ["created", "submitted"],
    )
    assert read["submitted_at"] is not None
    assert read["on_behalf_of"] == beside["on_behalf_of"], "as a batch hands it in"
    async with await door.as_("office") as office:
        approved = await office.post(f"/submissions/{there['id']}/approve")
    assert approved.status_code == 403, "the office wrote these words"


async def test_a_draft_of_the_same_words_and_what_is_under_review_stay_as_they_are(
    door: Door,
) -> None:
    drafted, submitted = a_period(), a_period()
    async with await door.as_("reporter", "UN15") as unit:
        await unit.post(PATH, json=a_submission(period=drafted, draft=True))
        await unit.post(PATH, json=a_submission(period=submitted))
        told = await Device(unit).sync(
            a_value(drafted, draft=True),
            a_value(submitted, draft=True),
            a_value(submitted),
        )
    assert outcomes(told) == ["unchanged"] * 3
    assert [one["version"] for one in told["results"]] == [1, 1, 1]


@pytest.mark.parametrize("said", [{"value": "99"}, {"not_applicable_reason": "不产生"}])
async def test_what_a_patch_refuses_of_a_ratio_a_device_is_refused_too(
    door: Door, said: dict[str, str]
) -> None:
    made = a_creation(draft=True, value=None, numerator="1", denominator="4")
    subject = made["submission_id"]
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)
        await device.sync(made)
        edit = a_write("submission.edit", subject, base_version=1, data=said)
        (result,) = (await device.sync(edit))["results"]
        patched = await unit.patch(f"/submissions/{subject}", json=said, headers={"If-Match": "*"})
        mended = {**dict.fromkeys(("numerator", "denominator")), **said}
        write = a_write("submission.edit", subject, base_version=1, data=mended)
        taken = await device.sync(write)
        read = (await unit.get(f"/submissions/{subject}")).json()
    assert patched.status_code == 422
    assert [one["code"] for one in result["refusal"]["errors"]] == ["more-than-one-form"]
    assert [one["code"] for one in patched.json()["errors"]] == ["more-than-one-form"]
    assert outcomes(taken) == ["applied"]
    assert {name: read[name] for name in mended} == mended
