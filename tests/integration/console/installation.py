"""An installation with two cities or one."""

from collections.abc import AsyncIterator

import pytest

from tests.support.packages import HERE, THERE, Installation, an_installation
from tests.support.servers import Addresses


@pytest.fixture
async def at(addresses: Addresses) -> AsyncIterator[Installation]:
    async with addresses.clone() as url, an_installation(url, HERE, THERE) as here:
        yield here
