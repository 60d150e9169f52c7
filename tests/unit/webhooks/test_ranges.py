"""Each range of the guard by its first and last address, and by what lies just outside of it."""

from ipaddress import ip_address, ip_network

import pytest

from services.core.webhooks.addresses import AddressPolicy, forbidden

STRICT = AddressPolicy()
EVERYTHING = AddressPolicy(allow_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
_F = "ffff:ffff:ffff:ffff"


@pytest.mark.parametrize(
    ("first", "last", "before", "after"),
    [
        ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
        ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
        ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
        ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
        ("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"),
        ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
        ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
        ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
        ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
        ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
        ("2001::", f"2001:1ff:ffff:ffff:{_F}", f"2000:ffff:ffff:ffff:{_F}", "2001:200::"),
        ("2001:db8::", f"2001:db8:ffff:ffff:{_F}", f"2001:db7:ffff:ffff:{_F}", "2001:db9::"),
        ("2002::", f"2002:ffff:ffff:ffff:{_F}", f"2001:ffff:ffff:ffff:{_F}", "2003::"),
        ("3fff::", f"3fff:fff:ffff:ffff:{_F}", f"3ffe:ffff:ffff:ffff:{_F}", "3fff:1000::"),
    ],
)
def test_what_is_not_public_ends_where_its_registry_says(
    first: str, last: str, before: str, after: str
) -> None:
    for inside in (first, last):
        assert forbidden(ip_address(inside), STRICT) is not None, inside
    for outside in (before, after):
        assert forbidden(ip_address(outside), STRICT) is None, outside


def test_global_ipv6_is_one_eighth_and_nothing_beside_it() -> None:
    for public in ("2000::", f"3fff:ffff:ffff:ffff:{_F}"):
        assert forbidden(ip_address(public), STRICT) is None
    for other in (f"1fff:ffff:ffff:ffff:{_F}", "4000::", "fc00::", f"fdff:ffff:ffff:ffff:{_F}"):
        assert forbidden(ip_address(other), STRICT) == "not-public", other
        assert forbidden(ip_address(other), EVERYTHING) is None, "an intranet may allow it"


@pytest.mark.parametrize(
    ("first", "last", "outside", "reason"),
    [
        ("127.0.0.0", "127.255.255.255", ("126.255.255.255", "128.0.0.0"), "loopback"),
        ("::1", "::1", (), "loopback"),
        ("0.0.0.0", "0.255.255.255", ("1.0.0.0",), "unspecified"),  # noqa: S104 (no socket)
        ("169.254.0.0", "169.254.255.255", ("169.253.255.255", "169.255.0.0"), "link-local"),
        ("fe80::", f"febf:ffff:ffff:ffff:{_F}", ("fec0::",), "link-local"),
        ("224.0.0.0", "255.255.255.255", ("223.255.255.255",), "multicast"),
        ("ff00::", f"ffff:ffff:ffff:ffff:{_F}", (f"feff:ffff:ffff:ffff:{_F}",), "multicast"),
        ("169.254.169.254", "169.254.169.254", (), "metadata"),
        (*("100.100.100.200",) * 2, ("100.100.100.199", "100.100.100.201"), "metadata"),
        (*("168.63.129.16",) * 2, ("168.63.129.15", "168.63.129.17"), "metadata"),
        (*("192.0.0.192",) * 2, ("192.0.0.191", "192.0.0.193"), "metadata"),
        (*("fd00:ec2::254",) * 2, ("fd00:ec2::253", "fd00:ec2::255"), "metadata"),
        (*("fd20:ce::254",) * 2, ("fd20:ce::253", "fd20:ce::255"), "metadata"),
    ],
)
def test_what_nothing_overrides_begins_and_ends_there(
    first: str, last: str, outside: tuple[str, ...], reason: str
) -> None:
    for inside in (first, last):
        assert forbidden(ip_address(inside), EVERYTHING) == reason, inside
    for beside in outside:
        assert forbidden(ip_address(beside), EVERYTHING) is None, beside


@pytest.mark.parametrize(
    ("carrying", "outside"),
    [
        ("::ffff:255.255.255.255", "::fffe:ffff:ffff"),
        ("::255.255.255.255", "::1:ffff:ffff"),
        ("64:ff9b::255.255.255.255", "64:ff9b::1:ffff:ffff"),
        ("64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::ffff:ffff"),
        ("64:ff9b:1::ffff:ffff", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_ranges_that_carry_ipv4_do_so_to_their_last_address(carrying: str, outside: str) -> None:
    assert forbidden(ip_address(carrying), EVERYTHING) == "multicast"
    assert forbidden(ip_address(outside), EVERYTHING) is None


def test_ports_below_1024_are_those_of_the_web_and_databases_have_none() -> None:
    address = ip_address("8.8.8.8")
    allowed = {port for port in range(1, 1025) if forbidden(address, STRICT, port=port) is None}
    assert allowed == {80, 443, 1024}
    never = {1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5900, 6379, 6443, 9200, 9300}
    never |= {10250, 11211, 27017}
    refused = {
        port for port in range(1024, 65536) if forbidden(address, EVERYTHING, port=port) == "port"
    }
    assert refused == never
