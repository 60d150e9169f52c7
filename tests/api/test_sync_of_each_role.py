"""A device of each role hears of a submission, whatever state it is in."""

import pytest

from tests.support.api import XINMI, Door, a_submission
from tests.support.device import Device
from tests.support.reported import PATH, a_period

STEPS = ("submit", "approve", "reopen", "submit", "return", "submit", "approve", "falsify")
ROLES = [
    ("office", None),
    ("lead", "UN15"),
    ("reporter", "UN15"),
    ("superior", None),
    ("leader", None),
]


@pytest.mark.parametrize(("role", "unit"), ROLES)
async def test_a_device_goes_on_whatever_a_submission_is_doing(
    door: Door, role: str, unit: str | None
) -> None:
    async with (
        await door.as_(role, unit) as caller,
        await door.as_("office") as office,
        await door.as_("reporter", "UN15") as clerk,
    ):
        device = Device(caller)
        await device.sync()
        begun = device.position
        body = a_submission(period=a_period(), draft=True)
        made = await clerk.post(PATH, json=body)
        assert made.status_code == 201, made.text
        path = f"/submissions/{made.json()['id']}"
        approved: set[str] = set()
        for step in STEPS:
            by = clerk if step == "submit" else office
            said = None if step in {"submit", "approve"} else {"reason": "数值有误"}
            done = await by.post(f"{path}/{step}", json=said)
            assert done.status_code == 200, (step, done.text)
            approved |= {"approved"} if step == "approve" else set()
            await door.react()
            device.position = begun
            told = await device.sync()
            read = await caller.get("/sync", params={"plan": XINMI, "position": str(begun)})
            assert read.status_code == 200, (step, read.text)
            heard = [one for one in told["submissions"] if one["id"] == made.json()["id"]]
            shown = (await caller.get(path)).json()
            if role != "superior" or approved:
                assert [one["state"] for one in heard] == [shown["state"]], step
            else:
                assert heard == []
