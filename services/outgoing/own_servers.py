"""The deployment's address policy, kept up to date on where the service's own servers are."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_address

from services.core.webhooks.addresses import AddressPolicy, AddressReason, IpAddress, forbidden
from services.outgoing.guard import Lookup, Refusal

_AGAIN_AFTER_SECONDS = 60.0


class OwnServers:
    """Decides which addresses may be called; resolves our own servers' names now and then."""

    def __init__(self, policy: AddressPolicy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup
        self._said = policy.own_addresses
        self._found: dict[str, frozenset[IpAddress]] = {}

    def refusal(self, *, secure: bool) -> Refusal:
        """Return the check of addresses for calls by https, or by http."""
        return partial(self._refuse, secure)

    async def find(self) -> None:
        """Resolve our servers' names; one that cannot be resolved now keeps its addresses."""
        for host in self._policy.own_hosts:
            with suppress(OSError):
                answers = map(ip_address, await self._lookup(host, 0))
                self._found[host] = frozenset(each for each in answers if not each.is_loopback)
        self._policy = replace(self._policy, own_addresses=self._said.union(*self._found.values()))

    async def keep_finding(self) -> None:
        """Resolve the names again every minute, because a failover changes a server's address."""
        while True:
            await asyncio.sleep(_AGAIN_AFTER_SECONDS)
            await self.find()

    def _refuse(self, secure: bool, address: IpAddress, port: int) -> AddressReason | None:
        reason = forbidden(address, self._policy, port=port, secure=secure)
        # Other ports of this machine may be receivers if that is allowed; ours never are.
        if reason is None and port in self._policy.own_ports and _is_this_machine(address):
            return "own-server"
        return reason


def _is_this_machine(address: IpAddress) -> bool:
    """Return whether an address belongs to this machine: packets to it would come from it.

    Connecting a datagram socket sends nothing; it only queries the routing table.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False
        source = str(probe.getsockname()[0])
    return ip_address(source.partition("%")[0]) == address
