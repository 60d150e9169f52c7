"""Calendars to subscribe to, for tests."""

from typing import Any

from tests.support.api import XINMI, Door


async def a_calendar_token(door: Door) -> dict[str, Any]:
    """Return the token of a new calendar of the whole plan, as the office is told of it once."""
    async with await door.as_("office") as office:
        asked = {"name": "示例", "scope": "plan"}
        made = await office.post(f"/plans/{XINMI}/calendar-tokens", json=asked)
    return dict(made.json())
