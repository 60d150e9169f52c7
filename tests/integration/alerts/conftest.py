"""A plan under watch on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.database import connect
from tests.integration.alerts.watch import Watch


@pytest.fixture
async def watch(database_url: str) -> AsyncIterator[Watch]:
    async with connect(database_url, size=6) as database:
        yield await Watch.over(database)
