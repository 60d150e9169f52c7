"""Documents of other servers are read through the guard, within bounds, and never from inside."""

from collections.abc import AsyncIterator

import pytest

from services.core.webhooks.addresses import AddressPolicy
from services.outgoing.guard import system_lookup
from services.worker.fetching import MOST_BYTES, CannotFetch, open_fetch
from tests.support.receiver import Receiver, a_receiver, answer, endless, in_turn, reset
from tests.worker.sending import LOOPBACK_ALLOWED


@pytest.fixture
async def canary() -> AsyncIterator[Receiver]:
    """A listener on loopback that nobody may come to."""
    async with a_receiver() as receiver:
        yield receiver
        assert receiver.connections == 0


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "2130706433"],
)
async def test_a_document_that_stands_inside_is_not_read(canary: Receiver, host: str) -> None:
    async with (
        system_lookup() as lookup,
        open_fetch(AddressPolicy(), lookup=lookup) as fetch,
    ):
        for scheme in ("http", "https"):
            with pytest.raises(CannotFetch):
                await fetch(f"{scheme}://{host}:{canary.port}/jwks.json")


async def test_a_document_is_read_within_bounds_and_no_redirect_is_followed() -> None:
    said = in_turn(
        answer(200, b'{"keys": []}'),
        answer(200, b"x" * (MOST_BYTES + 1)),
        answer(302, b"", Location="/elsewhere"),
        endless,
        reset,
    )
    async with (
        a_receiver(said) as receiver,
        system_lookup() as lookup,
        open_fetch(LOOPBACK_ALLOWED, lookup=lookup) as fetch,
    ):
        url = f"http://127.0.0.1:{receiver.port}/jwks.json"
        assert await fetch(url) == b'{"keys": []}'
        for why in ("longer", "302", "longer", "no answer"):
            with pytest.raises(CannotFetch, match=why):
                await fetch(url)
