"""Networks of a key: how they are read, what is in them, and which hold others."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.identity.networks import (
    beyond,
    is_within,
    network_shown,
    networks_of,
    read_network,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("10.20.0.0/16", "10.20.0.0/16"),
        ("10.20.0.7", "10.20.0.7/32"),
        ("10.20.0.0/255.255.0.0", "10.20.0.0/16"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_network_is_kept_in_its_usual_form(written: str, read: str) -> None:
    assert str(read_network(written)) == read


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("10.20.0.7/16", "10.20.0.0/16"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("intranet", "10.20.0.0/16, 2001:db8::/32"),
        ("10.20", "10.20.0.0/16, 2001:db8::/32"),
        ("10.20.0.0/33", "10.20.0.0/16, 2001:db8::/32"),
        ("010.20.0.0/16", "10.20.0.0/16, 2001:db8::/32"),
        ("", "10.20.0.0/16, 2001:db8::/32"),
    ],
)
def test_what_is_no_network_is_refused_with_what_to_write(written: str, instead: str) -> None:
    with pytest.raises(ValueError, match=r"[0-9a-f]") as refused:
        read_network(written)
    assert str(refused.value) == instead


NETWORKS = networks_of(["10.20.0.0/16", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.20.255.255", True),
        ("10.21.0.0", False),
        ("::ffff:10.20.3.4", True),
        ("::ffff:10.21.3.4", False),
        ("2001:db8:ffff::1", True),
        ("2001:db9::1", False),
        ("2001:db8::1%eth0", True),
        ("localhost", False),
        ("", False),
        (None, False),
    ],
)
def test_an_address_is_within_or_not_however_it_is_written(
    address: str | None, *, inside: bool
) -> None:
    assert is_within(address, NETWORKS) is inside


def test_an_address_is_kept_of_a_use_as_its_network() -> None:
    assert network_shown("203.0.113.77") == "203.0.113.0/24"
    assert network_shown("::ffff:203.0.113.77") == "203.0.113.0/24"
    assert network_shown("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert network_shown("testclient") is network_shown(None) is None


_BLOCKS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
).map(lambda one: str(ip_network(one, strict=False)))


@given(asked=st.lists(_BLOCKS, max_size=4), held=st.lists(_BLOCKS, max_size=4))
def test_no_address_is_in_a_network_that_is_held_and_not_in_who_holds_it(
    asked: list[str], held: list[str]
) -> None:
    outside = set(beyond(asked, held))
    assert outside <= set(asked)
    for one in asked:
        ends = (ip_network(one)[0], ip_network(one)[-1])
        inside = [str(ip_address(int(end)) if end.version == 4 else end) for end in ends]
        if one not in outside and "::ffff" not in one:
            wide = [each for each in networks_of(held) if each.version == ends[0].version]
            assert all(any(ip_address(end) in each for each in wide) for end in inside)
    assert beyond(asked, [*asked, *held]) == []
