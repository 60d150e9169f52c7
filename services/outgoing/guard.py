"""The guarded HTTP client: it connects to checked addresses only, and limits what it reads.

A name is resolved once, every answer is checked, and the connection goes to a checked address, so
that no second look-up can change it (DNS rebinding). Host, SNI and the certificate stay those of
the name.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from errno import EACCES
from ipaddress import ip_address
from pathlib import Path

from aiohttp import (
    AddrInfoType,
    ClientRequest,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from services.core.webhooks.addresses import IpAddress
from services.core.webhooks.sending import KEPT_BYTES

logger = logging.getLogger("wufei.outgoing")

Refusal = Callable[[IpAddress, int], str | None]
"""Returns why nothing may be sent to an address and port; None: it may."""

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns all addresses of a name, in numeric form."""

_NUMBERS = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_LOOKUPS_AT_ONCE = 32
# Servers close an idle connection after two seconds or more. We close ours earlier, so that no
# message is written to a connection that the other end is just closing.
_IDLE_SECONDS = 1.5
_NAMES_KEPT_SECONDS = 10
_HEADER_LINE_BYTES = 4 * 1024
_HEADER_LINES = 10_240


class AddressRefused(OSError):
    """A name or address leads to a place where nothing may be sent."""


class CheckedResolver(AbstractResolver):
    """Resolves names for aiohttp; refuses a name if any of its addresses is refused."""

    def __init__(self, lookup: Lookup, refusal: Refusal) -> None:
        self._lookup = lookup
        self._refusal = refusal

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the checked addresses of a name.

        Raises:
            AddressRefused: one of them is refused.
            OSError: the name cannot be resolved.
        """
        found = await self._lookup(host, port)
        for address in found:
            check(address, port, self._refusal, name=host)
        return [_as_result(host, address, port) for address in found]

    @override
    async def close(self) -> None:
        """Do nothing: no resource is held."""


def check(address: str, port: int, refusal: Refusal, *, name: str) -> None:
    """Refuse an address; only our own log names it, not the answer to whoever chose the name.

    Raises:
        AddressRefused: nothing may be sent there.
    """
    # After a `%` comes the scope: an interface of this machine, and no part of the address.
    reason = refusal(ip_address(address.partition("%")[0]), port)
    if reason is not None:
        logger.warning(
            "address refused",
            extra={
                "host": name,
                "address": address,
                "port": port,
                "cause": reason,
                "next": "nothing is sent; the attempt counts as failed",
            },
        )
        raise AddressRefused(EACCES, reason)


def _as_result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=_NUMBERS,
    )


def _checked_socket(refusal: Refusal) -> Callable[[AddrInfoType], socket.socket]:
    """Return the factory of all sockets: it also checks IP addresses in URLs, never resolved."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = info
        check(str(where[0]), int(where[1]), refusal, name="an address")
        return socket.socket(family, kind, protocol)

    return make


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context, 1.2 or later, that trusts the system's CAs and those of a file."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


@asynccontextmanager
async def system_lookup() -> AsyncIterator[Lookup]:
    """Yield the system's resolver, in threads of its own.

    A name that no server answers for blocks a thread for seconds, and the shared thread pool is
    small.
    """
    threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="lookup")

    def ask(host: str, port: int) -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(where[0]) for *_, where in found))

    async def lookup(host: str, port: int) -> list[str]:
        return await asyncio.get_running_loop().run_in_executor(threads, ask, host, port)

    try:
        yield lookup
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


@asynccontextmanager
async def guarded_session(
    refusal: Refusal,
    *,
    lookup: Lookup,
    ca_file: Path | None = None,
    request_class: type[ClientRequest] = ClientRequest,
) -> AsyncIterator[ClientSession]:
    """Yield an HTTP client that connects to nothing that `refusal` refuses.

    It uses no proxy, keeps no cookies, does not decompress, and limits an answer's headers. It has
    no timeout of its own: the caller sets one round the whole request. Its requests are of
    `request_class`.
    """
    connector = TCPConnector(
        resolver=CheckedResolver(lookup, refusal),
        socket_factory=_checked_socket(refusal),
        ssl=trusting(ca_file),
        limit=0,
        keepalive_timeout=_IDLE_SECONDS,
        ttl_dns_cache=_NAMES_KEPT_SECONDS,
    )
    async with ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(),
        auto_decompress=False,
        trust_env=False,
        requote_redirect_url=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        read_bufsize=KEPT_BYTES,
        max_line_size=_HEADER_LINE_BYTES,
        max_field_size=_HEADER_LINE_BYTES,
        max_headers=_HEADER_LINES,
        request_class=request_class,
    ) as session:
        yield session
