"""Of an indicator that the plan dropped nothing is offered that nobody could carry through."""

from typing import Any

import httpx

from services.core.plan.document import PlanDocument
from tests.support.api import Door, a_submission, xinmi
from tests.support.reported import PATH, a_period, reported


def without_u08() -> PlanDocument:
    plan = xinmi()
    left = tuple(one for one in plan.indicators if one.code != "U08")
    return plan.model_copy(update={"indicators": left})


async def dropped(door: Door) -> None:
    await door.load(without_u08())
    await door.react()
    await door.forget_everything()


async def offered(client: httpx.AsyncClient, one: dict[str, Any]) -> list[str]:
    actions: list[str] = (await client.get(f"/submissions/{one['id']}")).json()["allowed_actions"]
    return actions


def refused(answer: httpx.Response) -> tuple[int, str, list[str]]:
    body = answer.json()
    assert "indicator" in body["detail"]
    return answer.status_code, body["code"], body["allowed_actions"]


async def test_an_approved_value_is_not_reopened(door: Door) -> None:
    await door.load(xinmi())
    await door.forget_everything()
    value = await reported(door, period=a_period())
    async with await door.as_("office") as office:
        assert (await office.post(f"/submissions/{value['id']}/approve")).status_code == 200
        assert "reopen" in await offered(office, value)
        await dropped(door)
        assert await offered(office, value) == ["falsify"]
        path, reason = f"/submissions/{value['id']}/reopen", {"reason": "漏报"}
        assert refused(await office.post(path, json=reason)) == (
            409, "transition-refused", ["falsify"],
        )  # fmt: skip
        assert (await office.get(f"/submissions/{value['id']}")).json()["state"] == "approved"
        await door.load(xinmi())
        await door.react()
        await door.forget_everything()
        assert "reopen" in await offered(office, value), "where the plan has it again"


async def test_what_was_never_approved_is_taken_back_or_decided(door: Door) -> None:
    await door.load(xinmi())
    await door.forget_everything()
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        draft, sent, back = [
            (await unit.post(PATH, json=a_submission(period=a_period(), draft=is_draft))).json()
            for is_draft in (True, False, False)
        ]
        await office.post(f"/submissions/{back['id']}/return", json={"reason": "核"})
        corrected = (await unit.post(PATH, json=a_submission(period=a_period()))).json()
        await office.post(f"/submissions/{corrected['id']}/approve")
        await office.post(f"/submissions/{corrected['id']}/reopen", json={"reason": "漏报"})
        await unit.post(f"/submissions/{corrected['id']}/submit")
        await dropped(door)
        assert [await offered(unit, one) for one in (draft, sent, back)] == [["withdraw"]] * 3
        assert await offered(office, sent) == ["withdraw", "approve", "return"]
        assert await offered(office, corrected) == ["approve"]
        edit = await unit.patch(
            f"/submissions/{back['id']}", json={"note": "x"}, headers={"If-Match": "*"}
        )
        submit = await unit.post(f"/submissions/{back['id']}/submit")
        again = await office.post(f"/submissions/{corrected['id']}/return", json={"reason": "核"})
        assert refused(edit) == refused(submit) == (409, "transition-refused", ["withdraw"])
        assert refused(again) == (409, "transition-refused", ["approve"])
        for one in (draft, back):
            assert (await unit.post(f"/submissions/{one['id']}/withdraw")).status_code == 200
        assert (await office.post(f"/submissions/{corrected['id']}/approve")).status_code == 200
    await door.load(xinmi())
    await door.forget_everything()
