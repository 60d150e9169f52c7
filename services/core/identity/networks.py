"""The networks that a key may be used from: CIDR blocks, parsed and matched. Pure.

An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) counts as the IPv4 address.
"""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)

Network = IPv4Network | IPv6Network

MOST_NETWORKS = 50
"""Most networks of one key."""

_SHOWN_BITS = {4: 24, 6: 64}
"""Bits of an address that are kept of a key's use: they show the network and not the machine."""


def read_network(written: str) -> Network:
    """Return the network of a CIDR block or of a single address.

    Raises:
        ValueError: it is neither, or has host bits set; the message says what to write.
    """
    try:
        found = ip_interface(written)
    except ValueError:
        raise ValueError("10.20.0.0/16, 2001:db8::/32") from None
    if "%" in written:
        raise ValueError(str(found.network.network_address).partition("%")[0])
    if isinstance(found, IPv6Interface) and found.ip.ipv4_mapped is not None:
        raise ValueError(str(found.ip.ipv4_mapped))
    if found.ip != found.network.network_address:
        raise ValueError(str(found.network))
    return found.network


def networks_of(written: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of a key in their parsed form."""
    return tuple(ip_network(one) for one in written)


def is_within(address: str | None, networks: Sequence[Network]) -> bool:
    """Return whether a caller's address is in one of the networks; an unknown address is not."""
    read = _address(address)
    if read is None:
        return False
    return any(read.version == one.version and read in one for one in networks)


def beyond(asked: Iterable[str], given: Sequence[str]) -> list[str]:
    """Return the networks of `asked` that no network of `given` contains."""
    held = networks_of(given)
    return [one for one in asked if not any(_holds(wide, ip_network(one)) for wide in held)]


def network_shown(address: str | None) -> str | None:
    """Return the network of an address as a key's use stores it: a /24 of IPv4, a /64 of IPv6.

    None if the caller has no address, as on a Unix socket.
    """
    read = _address(address)
    if read is None:
        return None
    return str(ip_network((read, _SHOWN_BITS[read.version]), strict=False))


def _holds(wide: Network, narrow: Network) -> bool:
    if isinstance(wide, IPv4Network):
        return isinstance(narrow, IPv4Network) and narrow.subnet_of(wide)
    return isinstance(narrow, IPv6Network) and narrow.subnet_of(wide)


def _address(written: str | None) -> IPv4Address | IPv6Address | None:
    if written is None:
        return None
    try:
        read = ip_address(written)
    except ValueError:
        return None
    mapped = read.ipv4_mapped if isinstance(read, IPv6Address) else None
    return mapped or read
