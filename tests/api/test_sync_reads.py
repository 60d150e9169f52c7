"""A device that has nothing to hand in reads what changed."""

from tests.support.api import XINMI, Door
from tests.support.device import Device, drafted


async def test_a_device_with_nothing_to_hand_in_reads_what_changed_and_304_while_nothing_did(
    door: Door,
) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        device = Device(unit)
        await drafted(device)
        await door.react()
        await device.sync()
        known = {f"known_{name}": digest for name, digest in device.known.items()}
        asked = {"plan": XINMI, "position": device.position, **known}
        read = await unit.get("/sync", params=asked)
        tag = {"If-None-Match": read.headers["ETag"]}
        nothing = await unit.get("/sync", params=asked, headers=tag)
        made = await drafted(device)
        await door.react()
        changed = await unit.get("/sync", params=asked, headers=tag)
        handed_in = await device.send()
    assert (read.status_code, read.json()["submissions"]) == (200, [])
    assert len(read.content) < 300, read.text
    assert (nothing.status_code, nothing.content) == (304, b"")
    assert [one["id"] for one in changed.json()["submissions"]] == [made]
    assert {**handed_in.json(), "results": []} == changed.json()
