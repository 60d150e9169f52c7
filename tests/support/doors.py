"""The API as several modules of tests want it: each on a database of one test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import XINMI, Door, open_door
from tests.support.clock import at


@pytest.fixture
async def with_2025_open(database_url: str) -> AsyncIterator[Door]:
    """The API with an empty ledger, whose year 2025 is open."""
    async with open_door(database_url) as door:
        async with await door.as_("office") as office:
            due = {"due_date": door.held.clock.today("Asia/Shanghai").isoformat()}
            opened = await office.post(f"/plans/{XINMI}/periods/2025/open", json=due)
            assert opened.status_code == 200, opened.text
        await door.react()
        yield door


@pytest.fixture
async def own_door(database_url: str) -> AsyncIterator[Door]:
    """The API on a database of the test's own."""
    async with open_door(database_url) as opened:
        yield opened


@pytest.fixture
async def after_2031(database_url: str) -> AsyncIterator[Door]:
    """The API on a morning of January 2032, when the year 2031 is being reported."""
    async with open_door(database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        yield opened
