"""Papers as the tests have them made."""

from typing import Any

from services.worker.papering import Papering
from tests.support.api import XINMI, Door, a_submission


def papering(door: Door) -> Papering:
    """Return what makes papers on the door's database."""
    held = door.held
    return Papering(held.database, held.clock, held.files, seal=held.seal)


async def ended(door: Door, **wish: Any) -> dict[str, Any]:
    """Ask for a paper as the office and have it made; return how its operation ended."""
    async with await door.as_("office") as office:
        begun = await office.post(f"/plans/{XINMI}/papers", json={"kind": "bulletin", **wish})
        assert begun.status_code == 202, begun.text
        await papering(door).work_off()
        answer = await office.get(begun.headers["Location"].removeprefix("/v1"))
    found: dict[str, Any] = answer.json()
    return found


async def a_paper(door: Door, **wish: Any) -> str:
    """Return the id of a bulletin that was made, of a value that is there for it if none was."""
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        made = await unit.post(f"/plans/{XINMI}/submissions", json=a_submission(period="2021"))
        if made.status_code == 201:
            await office.post(f"/submissions/{made.json()['id']}/approve")
    await door.react()
    found = await ended(door, **{"period": "2021", **wish})
    assert found["state"] == "succeeded", found
    return str(found["result"]["paper_id"])
