"""Decides which addresses and URLs a webhook may go to. Pure.

A host name is judged here only by its text. The sender resolves it, calls `forbidden` for every
answer, and connects to an address that passed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from services.core.identity.networks import Network

IpAddress = IPv4Address | IPv6Address

AddressReason = Literal[
    "unspecified",
    "loopback",
    "link-local",
    "multicast",
    "metadata",
    "own-server",
    "not-public",
    "port",
    "insecure",
]
"""Why an address is not called. An allow-list overrides `not-public` and `insecure` only."""

ROBOT_HOSTS: Mapping[str, str] = {
    "dingtalk": "oapi.dingtalk.com",
    "wecom": "qyapi.weixin.qq.com",
    "feishu": "open.feishu.cn",
}
"""The only host of each robot."""

ROBOT_PATHS: Mapping[str, re.Pattern[str]] = {
    "dingtalk": re.compile(r"/robot/send\?access_token=[A-Za-z0-9_-]+"),
    "wecom": re.compile(r"/cgi-bin/webhook/send\?key=[A-Za-z0-9_-]+"),
    "feishu": re.compile(r"/open-apis/bot/v2/hook/[A-Za-z0-9_-]+"),
}
"""The path and query of each robot's address: its token, and nothing else."""

_SIGNED = re.compile(r"[?&](timestamp|sign)=")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The addresses that a deployment allows beyond public https.

    `allow_loopback` is for demonstrations and tests; even then never one of `own_ports`.
    `own_addresses` and `own_hosts` are the service's own servers. `robot_hosts` are `host` or
    `host:port` by format.
    """

    allow_loopback: bool = False
    allow_networks: tuple[Network, ...] = ()
    own_addresses: frozenset[IpAddress] = frozenset()
    own_hosts: frozenset[str] = frozenset()
    own_ports: frozenset[int] = frozenset()
    robot_hosts: Mapping[str, str] = field(default_factory=lambda: ROBOT_HOSTS)

    def allows(self, address: IpAddress) -> bool:
        """Return whether the allow-list contains an address."""
        return any(
            address.version == network.version and address in network
            for network in self.allow_networks
        )


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_LOOPBACK = _networks("127.0.0.0/8", "::1/128")

_NEVER: tuple[tuple[AddressReason, tuple[Network, ...]], ...] = (
    (
        "metadata",
        _networks(
            "169.254.169.254/32",
            "100.100.100.200/32",
            "168.63.129.16/32",
            "192.0.0.192/32",
            "fd00:ec2::254/128",
            "fd20:ce::254/128",
        ),
    ),
    ("unspecified", _networks("0.0.0.0/8", "::/128")),
    ("link-local", _networks("169.254.0.0/16", "fe80::/10")),
    ("multicast", _networks("224.0.0.0/3", "ff00::/8")),
    ("loopback", _LOOPBACK),
)

_NOT_PUBLIC = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
)
"""Special-purpose ranges of IANA's two registries, except those of the never-list."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")

_SAME_AS_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
_NAT64_OF_A_SITE = IPv6Network("64:ff9b:1::/48")

_LOW_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024
_LAST_PORT = 65535
_NEVER_PORTS = frozenset(
    {1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5900, 6379, 6443, 9200, 9300}
    | {10250, 11211, 27017}
)
"""Ports of databases, remote desktops and infrastructure, where an HTTP request could do harm."""


def forbidden(
    address: IpAddress, policy: AddressPolicy, *, port: int = 443, secure: bool = True
) -> AddressReason | None:
    """Return why an address must not be called at `port`; None: it may be called.

    `secure` means https. An address that embeds another (such as IPv4 in IPv6) is judged by both.
    """
    called, *carried = _meant(address)
    if _in(called, _LOOPBACK):
        return _of_loopback(policy, port)
    for one in (called, *carried):
        reason = _never(one, policy)
        if reason is not None:
            return reason
    if not _fit_port(port):
        return "port"
    if policy.allows(called):
        return None
    if not all(_public(one) for one in (called, *carried)):
        return "not-public"
    return None if secure else "insecure"


def _of_loopback(policy: AddressPolicy, port: int) -> AddressReason | None:
    if not policy.allow_loopback:
        return "loopback"
    return "own-server" if port in policy.own_ports else None


def _never(address: IpAddress, policy: AddressPolicy) -> AddressReason | None:
    for reason, networks in _NEVER:
        if _in(address, networks):
            return reason
    return "own-server" if address in policy.own_addresses else None


def _meant(address: IpAddress) -> Iterator[IpAddress]:
    """Yield the address that is really called first, then every other that it embeds."""
    if isinstance(address, IPv4Address):
        yield address
        return
    low = IPv4Address(address.packed[-4:])
    if any(address in network for network in _SAME_AS_IPV4) and int(address) > 1:
        yield low
        return
    yield address
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64_OF_A_SITE:
        yield low


def _public(address: IpAddress) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not _in(address, _NOT_PUBLIC)


def _in(address: IpAddress, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _fit_port(port: int) -> bool:
    if port < _FIRST_FREE_PORT:
        return port in _LOW_PORTS
    return port not in _NEVER_PORTS


Misfit = Literal[
    "url-invalid",
    "url-scheme",
    "url-userinfo",
    "url-encoded-address",
    "url-port",
    "url-address",
    "url-insecure",
    "url-robot-host",
    "url-robot-form",
    "url-robot-signed",
]
"""The fault of a URL, as a caller sees it."""


@dataclass(frozen=True, slots=True)
class TargetUrl:
    """A parsed URL. `address` is set if the host is written as an IP address."""

    url: str
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    address: IpAddress | None

    @property
    def secure(self) -> bool:
        """Whether it is https."""
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """The origin: scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def shown(self) -> str:
        """The URL without possible secrets: no query, no long part of the path."""
        path, query, _ = self.path.partition("?")
        parts = ["…" if len(part) >= _TOKEN_LENGTH else part for part in path.split("/")]
        return f"{self.origin}{'/'.join(parts)}{query and '?…'}"


_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
_SERVER_PORTS: Mapping[str, int] = {"postgresql": 5432, "postgres": 5432, "redis": 6379}
_TOKEN_LENGTH = 20
_LONGEST_HOST = 253

# Rejects everything that two URL parsers could understand differently.
_WRITTEN = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!$&'()*+,;=:@%A-Za-z0-9._~/-]*)?(?P<query>\?[!$&'()*+,;=:@%A-Za-z0-9._~/?-]*)?",
    re.IGNORECASE,
)
_NUMERIC_END = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_LOOPBACK_NAME = re.compile(r"(.*\.)?(localhost|localdomain|localhost[46]|ip6-loopback)")
_METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "instance-data", "metadata.tencentyun.com"}
)


def read_url(url: str) -> TargetUrl | Misfit:
    """Return a parsed URL, or why no policy allows it for a webhook."""
    named, separator, rest = url.partition("://")
    if not separator:
        return "url-invalid"
    if named.lower() not in _PORTS:
        return "url-scheme"
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        return "url-userinfo"
    written = _WRITTEN.fullmatch(url)
    return "url-invalid" if written is None else _taken_apart(written)


def _taken_apart(written: re.Match[str]) -> TargetUrl | Misfit:
    scheme: Literal["http", "https"] = "https" if written["scheme"].lower() == "https" else "http"
    port = int(written["port"] or _PORTS[scheme])
    host = written["host"].lower().strip("[]")
    address = _literal(host)
    if not 0 < port <= _LAST_PORT:
        return "url-port"
    if address is None and ":" not in host and _NUMERIC_END.search(host):
        return "url-encoded-address"
    if address is None and not _is_name(host):
        return "url-invalid"
    path = (written["path"] or "/") + (written["query"] or "")
    return TargetUrl(written[0], scheme, host, port, path, address)


def check_url(url: str, policy: AddressPolicy, *, format_: str = "standard") -> TargetUrl | Misfit:
    """Return the target of a URL that may be called, or its fault.

    A host name is judged only by its text: over http only where the policy allows receivers that
    are not public. After resolving it, the sender judges the address again.
    """
    target = read_url(url)
    if not isinstance(target, TargetUrl):
        return target
    if format_ in policy.robot_hosts:
        return _of_robot(target, format_, policy.robot_hosts[format_])
    if target.address is not None:
        reason = forbidden(target.address, policy, port=target.port, secure=target.secure)
        return target if reason is None else _MISFIT_OF.get(reason, "url-address")
    return _of_name(target, policy)


_MISFIT_OF: Mapping[AddressReason, Misfit] = {"port": "url-port", "insecure": "url-insecure"}


def _of_robot(target: TargetUrl, format_: str, host: str) -> TargetUrl | Misfit:
    """Return the target of a robot's URL; a test's stand-in is named with its port, http allowed.

    A signature in a copied URL is that of the moment of copying, and expires after an hour.
    """
    is_stand_in = host == f"{target.host}:{target.port}"
    if not is_stand_in and not (
        target.secure and target.host == host and target.port == _PORTS["https"]
    ):
        return "url-robot-host"
    if _SIGNED.search(target.path):
        return "url-robot-signed"
    return target if ROBOT_PATHS[format_].fullmatch(target.path) else "url-robot-form"


def _of_name(target: TargetUrl, policy: AddressPolicy) -> TargetUrl | Misfit:
    host = target.host.rstrip(".")
    if host in _METADATA_NAMES or host in policy.own_hosts:
        return "url-address"
    if _LOOPBACK_NAME.fullmatch(host):
        return target if _of_loopback(policy, target.port) is None else "url-address"
    if not _fit_port(target.port):
        return "url-port"
    if not target.secure and not (policy.allow_networks or policy.allow_loopback):
        return "url-insecure"
    return target


def _literal(host: str) -> IpAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)


def _servers_of(url: str) -> Iterator[SplitResult]:
    """Yield a server's URL once for each of its hosts, `host:port` separated by commas."""
    whole = urlsplit(url)
    user, at, hosts = whole.netloc.rpartition("@")
    for host in hosts.split(","):
        yield whole._replace(netloc=f"{user}{at}{host}")


def policy_of(
    *,
    allow_loopback: bool,
    allow_cidrs: str,
    servers: Iterable[str | None] = (),
    own_ports: Iterable[int] = (),
    robot_hosts: str = "",
) -> AddressPolicy:
    """Return the policy from a process's settings.

    `allow_cidrs` is separated by commas; `servers` are the URLs of the service's own servers;
    `robot_hosts` is `format=host:port,…`, for tests.

    Raises:
        ValueError: a CIDR is none, or a format is unknown.
    """
    reached = [one for url in servers if url for one in _servers_of(url)]
    hosts = frozenset(one.hostname for one in reached if one.hostname)
    said = (pair.partition("=") for pair in robot_hosts.split(",") if pair.strip())
    robots = {name.strip(): host.strip() for name, _, host in said}
    if not robots.keys() <= ROBOT_HOSTS.keys():
        raise ValueError("robot hosts are given for dingtalk, wecom and feishu")
    return AddressPolicy(
        allow_loopback=allow_loopback,
        allow_networks=_networks(*(one.strip() for one in allow_cidrs.split(",") if one.strip())),
        own_addresses=frozenset(
            address
            for address in map(_literal, hosts)
            if address is not None and not _in(address, _LOOPBACK)
        ),
        own_hosts=frozenset(
            host for host in hosts if _literal(host) is None and not _LOOPBACK_NAME.fullmatch(host)
        ),
        own_ports=frozenset(
            {*own_ports, *(one.port or _SERVER_PORTS.get(one.scheme, 0) for one in reached)}
        ),
        robot_hosts={**ROBOT_HOSTS, **robots},
    )
