"""What is there of a milestone: as it is read, and in how many rows."""

from collections.abc import Mapping
from typing import Any

from tests.support.api import Door


async def read(door: Door, milestone: Mapping[str, Any], role: str = "office") -> dict[str, Any]:
    async with await door.as_(role) as client:
        answer = await client.get(f"/milestones/{milestone['id']}")
    body: dict[str, Any] = answer.json()
    return body


async def written(door: Door) -> list[int]:
    """How many rows there are of all that a milestone writes."""
    return [
        await door.held.database.pool.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("milestone", "milestone_history", "extension", "event", "stored_reply")
    ]
