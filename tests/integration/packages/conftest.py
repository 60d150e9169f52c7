"""Two installations, each with a database of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.support.packages import HERE, THERE, Gap, an_installation
from tests.support.servers import Addresses


@pytest.fixture
async def gap(addresses: Addresses) -> AsyncIterator[Gap]:
    async with (
        addresses.clone() as one,
        addresses.clone() as other,
        an_installation(one, HERE, THERE) as here,
        an_installation(other, THERE, HERE) as there,
    ):
        yield Gap(here, there)
