"""A database with receivers in it, and one that deliveries are planted into."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.database import connect
from tests.integration.webhooks.receivers import Receivers
from tests.support.planted import Planted


@pytest.fixture
async def receivers(database_url: str) -> AsyncIterator[Receivers]:
    async with connect(database_url, size=12) as database:
        found = Receivers(database)
        await found.found_city()
        yield found


@pytest.fixture
async def planted(database_url: str) -> AsyncIterator[Planted]:
    async with connect(database_url, size=8) as database:
        yield Planted(database)
