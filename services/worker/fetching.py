"""Fetches a small document from another server through the guarded HTTP client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientError
from yarl import URL

from services.core.webhooks.addresses import AddressPolicy, TargetUrl, check_url
from services.outgoing.guard import Lookup, guarded_session
from services.outgoing.own_servers import OwnServers

MOST_BYTES = 256 * 1024
_SECONDS = 10.0
_OK = 200

Fetch = Callable[[str], Awaitable[bytes]]
"""Reads the document at a URL."""


class CannotFetch(Exception):
    """A URL could not be read, and why; the text holds no address."""


@asynccontextmanager
async def open_fetch(
    policy: AddressPolicy, *, lookup: Lookup, ca_file: Path | None = None
) -> AsyncIterator[Fetch]:
    """Yield a function that reads documents; it reaches only addresses that webhooks may reach.

    It follows no redirect, and reads at most 256 KiB within 10 s.
    """
    servers = OwnServers(policy, lookup)
    await servers.find()
    async with (
        guarded_session(servers.refusal(secure=True), lookup=lookup, ca_file=ca_file) as secure,
        guarded_session(servers.refusal(secure=False), lookup=lookup, ca_file=ca_file) as plain,
    ):

        async def fetch(url: str) -> bytes:
            target = check_url(url, policy)
            if not isinstance(target, TargetUrl):
                raise CannotFetch(f"the address is not allowed: {target}")
            session = secure if target.secure else plain
            try:
                async with (
                    asyncio.timeout(_SECONDS),
                    session.get(
                        URL(url, encoded=True),
                        allow_redirects=False,
                        headers={"Accept": "application/json", "User-Agent": "wufei"},
                    ) as response,
                ):
                    if response.status != _OK:
                        raise CannotFetch(f"answered {response.status}")
                    return await _bounded(response.content.iter_any())
            except (ClientError, OSError, ValueError) as error:
                raise CannotFetch(f"no answer: {type(error).__name__}") from None

        yield fetch


async def _bounded(pieces: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MOST_BYTES:
            raise CannotFetch(f"longer than {MOST_BYTES} bytes")
    return bytes(body)
