"""Archives of evidence as they are asked for."""

from typing import Any

from tests.support.api import XINMI, Door

PATH = f"/plans/{XINMI}/evidence-archives"


async def begun(door: Door, **wish: Any) -> tuple[str, str]:
    """Ask for an archive; return its id and where its operation is."""
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json=wish)
    assert answer.status_code == 202, answer.text
    return answer.json()["request"]["archive_id"], answer.headers["Location"].removeprefix("/v1")


async def told(door: Door, location: str) -> Any:
    async with await door.as_("office") as office:
        return (await office.get(location)).json()
