"""A ledger on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.database import connect
from tests.integration.scoring.ledger import Ledger


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with connect(database_url, size=4) as database:
        yield Ledger(database)
