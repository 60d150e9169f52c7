"""What a device made before a due date and sent after it: marked, and judged as the plan says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from tests.support.api import XINMI, Door, open_door, xinmi
from tests.support.clock import at
from tests.support.device import Device, a_creation

PLAN = f"/plans/{XINMI}"
DUE = "2026-01-31"


@asynccontextmanager
async def january(database_url: str, grace: int) -> AsyncIterator[Door]:
    """The API in January 2026, with 2025 opened, and a plan with so many days of grace."""
    async with open_door(database_url) as door:
        at(door, "2026-01-12")
        plan = xinmi()
        rules = plan.supervision.model_copy(update={"offline_grace_days": grace})
        await door.load(plan.model_copy(update={"supervision": rules}))
        async with await door.as_("office") as office:
            opened = await office.post(f"{PLAN}/periods/2025/open")
            assert opened.json()["due_date"] == DUE, opened.text
        yield door


async def synced(door: Door, claimed_at: str) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """Return the result of a report that claims this instant, its history, and what it met."""
    claim = datetime.fromisoformat(f"{claimed_at}+08:00")
    async with await door.as_("reporter", "UN15") as unit:
        write = a_creation(period="2025", claimed_at=claim)
        (result,) = (await Device(unit).sync(write))["results"]
        history = await unit.get(f"/submissions/{result['subject_id']}/history")
        owed = (await unit.get(f"{PLAN}/obligations?indicator_code=U08&period=2025")).json()
    return result, history.json()["items"], owed["items"][0]


@pytest.mark.parametrize(
    ("grace", "arrived", "claimed", "made_in_time", "status"),
    [
        (0, "2026-02-02", "2026-01-30T18:00:00", True, "late"),
        (3, "2026-02-02", "2026-01-31T23:59:59", True, "met"),
        (3, "2026-02-03", "2026-01-30T18:00:00", True, "met"),
        (3, "2026-02-04", "2026-01-30T18:00:00", True, "late"),
        (3, "2026-02-02", "2026-02-01T00:00:00", False, "late"),
        (3, "2026-01-31", "2026-01-30T18:00:00", False, "met"),
    ],
)
async def test_a_claim_is_kept_and_counts_as_the_plan_says(
    database_url: str, grace: int, arrived: str, claimed: str, *, made_in_time: bool, status: str
) -> None:
    async with january(database_url, grace) as door:
        at(door, arrived, "23:59:59")
        result, history, owed = await synced(door, claimed)
    assert result["outcome"] == "applied"
    assert result["made_in_time"] is made_in_time
    assert owed["status"] == status
    assert history[-1]["action"] == "submitted"
    kept = datetime.fromisoformat(history[-1]["claimed_at"])
    assert kept == datetime.fromisoformat(f"{claimed}+08:00")
    counted = history[-1]["counts_from"] is not None
    assert counted == (made_in_time and status == "met")
