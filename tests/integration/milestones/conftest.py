"""A city on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.database import connect
from tests.integration.milestones.city import City


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    async with connect(database_url, size=8) as database:
        opened = City(database)
        await opened.load()
        yield opened
