"""A deployment's settings about webhook addresses, validated before anything starts. Pure."""

from ipaddress import ip_network

from services.core.webhooks.addresses import policy_of


def checked_cidrs(text: str) -> str:
    """Return the setting of allowed networks unchanged.

    Raises:
        ValueError: one of them is no CIDR.
    """
    policy_of(allow_loopback=False, allow_cidrs=text)
    return text


def checked_proxies(text: str) -> str:
    """Return the setting of proxies, addresses and networks separated by commas, unchanged.

    Raises:
        ValueError: one of them is neither.
    """
    for one in text.split(","):
        if one.strip():
            ip_network(one.strip())
    return text


def checked_robot_hosts(text: str) -> str:
    """Return the setting of stand-ins for robots' hosts unchanged.

    Raises:
        ValueError: it is not `format=host:port,…`.
    """
    policy_of(allow_loopback=False, allow_cidrs="", robot_hosts=text)
    return text
