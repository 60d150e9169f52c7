"""A database with receivers in it."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.database import connect
from tests.integration.webhooks.receivers import Receivers


@pytest.fixture
async def receivers(database_url: str) -> AsyncIterator[Receivers]:
    async with connect(database_url, size=12) as database:
        found = Receivers(database)
        await found.found_city()
        yield found
