"""Scoreboards of Xinmi's plan, and the reports that they come from."""

from collections.abc import Mapping
from typing import Any

from tests.support.api import XINMI, Door, a_submission

PLAN = f"/plans/{XINMI}"


async def approved(door: Door, **changes: object) -> str:
    """Report for a unit, approve it, let the worker follow, and return the submission's id."""
    async with await door.as_("office") as office, await door.as_("leader") as other:
        assert (await other.get("/me")).status_code == 200
        unit = str(changes.get("organization_code", "UN15"))
        async with await door.as_("reporter", unit) as clerk:
            made = await clerk.post(f"{PLAN}/submissions", json=a_submission(**changes))
        assert made.status_code == 201, made.text
        done = await office.post(f"/submissions/{made.json()['id']}/approve")
        assert done.status_code == 200, done.text
    await door.react()
    return str(made.json()["id"])


async def board(door: Door, period: str, **query: str) -> dict[str, Any]:
    """Return a scoreboard as the leader reads it."""
    async with await door.as_("leader") as leader:
        answer = await leader.get(f"{PLAN}/scoreboard", params={"period": period, **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def row_of(scoreboard: Mapping[str, Any], code: str) -> dict[str, Any]:
    """Return an indicator's row."""
    row: dict[str, Any] = next(one for one in scoreboard["indicators"] if one["code"] == code)
    return row
