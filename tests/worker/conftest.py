"""A ledger whose day is today, deliveries and reports beside it, and a Valkey of one's own."""

from collections.abc import AsyncIterator

import pytest

from services.core.kit.clock import Clock
from services.core.kit.database import connect
from services.worker.sender import Sender
from tests.integration.scoring.ledger import Ledger
from tests.support.planted import Planted
from tests.support.reports import Reports, reports_of
from tests.worker.running import OwnValkey, own_valkey
from tests.worker.sending import a_sender


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with connect(database_url, size=8) as database:
        yield Ledger(database, Clock())


@pytest.fixture
async def planted(database_url: str) -> AsyncIterator[Planted]:
    async with connect(database_url, size=8) as database:
        yield Planted(database)


@pytest.fixture
async def valkey() -> AsyncIterator[OwnValkey]:
    async with own_valkey() as own:
        yield own


@pytest.fixture
async def reports(database_url: str) -> AsyncIterator[Reports]:
    async with connect(database_url, size=8) as database, reports_of(database) as found:
        yield found


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with a_sender(seconds=2) as made:
        yield made
