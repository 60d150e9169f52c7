"""Two installations, each with a database of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.support.packages import Gap, gap_between
from tests.support.servers import Addresses


@pytest.fixture
async def gap(addresses: Addresses) -> AsyncIterator[Gap]:
    async with gap_between(addresses) as found:
        yield found
