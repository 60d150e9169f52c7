"""What tests of sending start: a sender behind its guard, and names that a test decides about."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.core.kit.clock import Clock
from services.core.webhooks.addresses import AddressPolicy
from services.core.webhooks.sending import Message
from services.outgoing.own_servers import OwnServers
from services.worker.delivering import Delivering, Terms
from services.worker.sender import Sender, open_sender
from tests.support.planted import SEAL, Planted

LOOPBACK_ALLOWED = AddressPolicy(allow_loopback=True)


@dataclass
class Names:
    """A stand-in for DNS: what a name leads to now, and who was asked for."""

    known: dict[str, Sequence[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def lookup(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.known[host]


@asynccontextmanager
async def a_sender(
    policy: AddressPolicy = LOOPBACK_ALLOWED,
    *,
    names: Names | None = None,
    seconds: float = 5,
    ca_file: Path | None = None,
) -> AsyncIterator[Sender]:
    """Yield a sender that asks `names`, and nobody else, what a name leads to."""
    lookup = (names or Names()).lookup
    servers = OwnServers(policy, lookup)
    await servers.find()
    async with open_sender(servers, lookup=lookup, seconds=seconds, ca_file=ca_file) as sender:
        yield sender


def to(url: str, body: bytes = b"{}") -> Message:
    """A message for an address."""
    return Message(url, {"Content-Type": "application/json", "webhook-id": "msg_1"}, body)


@asynccontextmanager
async def delivering(
    planted: Planted,
    *,
    names: Names | None = None,
    policy: AddressPolicy = LOOPBACK_ALLOWED,
    seconds: float = 5,
    **terms: Any,
) -> AsyncIterator[Delivering]:
    """Run what delivers beside the test; it may not end by itself."""
    async with a_sender(policy, names=names, seconds=seconds) as sender:
        deliverer = Delivering(
            planted.database, Clock(), seal=SEAL, sender=sender, terms=Terms(**terms)
        )
        running = asyncio.create_task(deliverer.run())
        try:
            yield deliverer
            assert not running.done()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def has(planted: Planted, **states: int) -> Callable[[], Awaitable[bool]]:
    """Whether so many deliveries are in these states, and none in another."""

    async def reached() -> bool:
        return await planted.states() == states

    return reached
