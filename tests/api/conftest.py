"""The API with Xinmi's plan, one for each test module."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api import Door, open_door
from tests.support.reported import begin_anew
from tests.support.shapes import recorded_misfits


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API at work on the module's database; what it records must be what the contract says."""
    begin_anew()
    async with open_door(module_database_url) as opened:
        yield opened
        assert await recorded_misfits(opened.held.database) == []
