"""A small city on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.database import connect
from tests.integration.obligations.duties import Duties


@pytest.fixture
async def duties(database_url: str) -> AsyncIterator[Duties]:
    async with connect(database_url, size=4) as database:
        yield Duties(database)
