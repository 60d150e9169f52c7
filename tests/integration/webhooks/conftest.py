"""What deliveries are planted into."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.database import connect
from tests.support.planted import Planted


@pytest.fixture
async def planted(database_url: str) -> AsyncIterator[Planted]:
    async with connect(database_url, size=8) as database:
        yield Planted(database)
