"""No connection goes to an address that is not allowed, however it is written or arrived at."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address, ip_network

import pytest

from services.core.webhooks.addresses import AddressPolicy
from services.outgoing import guard
from services.outgoing.guard import system_lookup
from services.outgoing.own_servers import OwnServers
from tests.support.receiver import Receiver, a_receiver
from tests.worker.sending import LOOPBACK_ALLOWED, Names, a_sender, to

EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))
NOBODY = AddressPolicy()
ALL_LISTED = AddressPolicy(allow_networks=EVERYTHING)


@pytest.fixture
async def canary() -> AsyncIterator[Receiver]:
    """A listener on loopback that nobody may come to."""
    async with a_receiver() as receiver:
        yield receiver
        assert receiver.connections == 0


@pytest.mark.parametrize("policy", [NOBODY, ALL_LISTED], ids=["default", "all-allow-listed"])
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",  # noqa: S104 (nobody listens there)
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "224.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0",
        "017700000001",
    ],
)
async def test_an_address_of_the_never_list_is_not_connected_to(
    canary: Receiver, policy: AddressPolicy, host: str
) -> None:
    # Written where it cannot have come from: whoever registers such a URL is refused before.
    names = Names({name: ["127.0.0.1"] for name in ("2130706433", "0x7f.1", "127.1", "0")})
    async with a_sender(policy, names=names, seconds=2) as sender:
        outcome = await sender.send(to(f"http://{host}:{canary.port}/hook"))
    assert outcome.kind == "blocked_address", outcome
    assert outcome.status_code is None


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["::1"],
        ["169.254.169.254"],
        ["10.0.0.8"],
        ["fe80::1%eth0"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["2606:2800:220:1::1", "::ffff:127.0.0.1"],
    ],
)
async def test_one_forbidden_answer_refuses_a_name(canary: Receiver, answers: list[str]) -> None:
    names = Names({"receiver.test": answers})
    async with a_sender(NOBODY, names=names, seconds=2) as sender:
        for scheme in ("http", "https"):
            url = f"{scheme}://receiver.test:{canary.port}/hook"
            assert (await sender.send(to(url))).kind == "blocked_address"


async def test_a_name_that_moves_inside_is_refused_whenever_it_does(
    canary: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_NAMES_KEPT_SECONDS", 0)
    names = Names({"receiver.test": ["192.0.2.1"]})
    allowed = AddressPolicy(allow_networks=(ip_network("192.0.2.0/24"),))
    async with a_sender(allowed, names=names, seconds=0.2) as sender:
        url = f"http://receiver.test:{canary.port}/hook"
        assert (await sender.send(to(url))).kind in {"timeout", "connect"}
        for inside in (["127.0.0.1"], ["169.254.169.254"], ["192.0.2.1", "127.0.0.1"]) * 3:
            names.known["receiver.test"] = inside
            assert (await sender.send(to(url))).kind == "blocked_address"


async def test_names_are_asked_for_by_us_alone_and_the_connection_goes_where_was_checked() -> None:
    names = Names({"receiver.test": ["127.0.0.1"]})
    async with a_receiver() as receiver, a_sender(names=names) as sender:
        outcome = await sender.send(to(receiver.url(host="receiver.test")))
        assert outcome.kind == "delivered"
        assert names.asked == ["receiver.test"]
        assert receiver.heard[0].headers["host"] == f"receiver.test:{receiver.port}"


async def test_loopback_is_allowed_by_the_switch_and_then_never_on_a_port_of_ours(
    canary: Receiver,
) -> None:
    ours = AddressPolicy(allow_loopback=True, own_ports=frozenset({canary.port}))
    names = Names({"receiver.test": ["127.0.0.1"]})
    async with a_receiver() as receiver, a_sender(ours, names=names) as sender:
        assert (await sender.send(to(receiver.url()))).kind == "delivered"
        for host in ("127.0.0.1", "127.0.0.2", "receiver.test"):
            assert (await sender.send(to(canary.url(host=host)))).kind == "blocked_address"


async def test_the_allow_list_opens_what_it_holds_and_nothing_beside_it() -> None:
    allowed = AddressPolicy(allow_networks=(ip_network("10.20.0.0/16"),))
    servers = OwnServers(allowed, Names().lookup)
    refuse = servers.refusal(secure=False)
    assert refuse(ip_address("10.20.3.4"), 8080) is None
    assert refuse(ip_address("10.21.3.4"), 8080) == "not-public"
    assert refuse(ip_address("127.0.0.1"), 8080) == "loopback"


async def test_our_own_servers_are_refused_where_their_names_lead_now() -> None:
    names = Names({"postgres": ["10.20.0.5"], "valkey": ["10.20.0.6", "::1"]})
    allowed = AddressPolicy(
        allow_networks=(ip_network("10.20.0.0/16"),),
        own_hosts=frozenset({"postgres", "valkey"}),
        own_addresses=frozenset({ip_address("10.20.0.9")}),
    )
    servers = OwnServers(allowed, names.lookup)
    refuse = servers.refusal(secure=False)
    await servers.find()
    for last in (5, 6, 9):
        assert refuse(ip_address(f"10.20.0.{last}"), 8080) == "own-server"
    names.known = {"postgres": ["10.20.0.7"]}
    await servers.find()
    assert refuse(ip_address("10.20.0.5"), 8080) is None, "it has moved"
    assert refuse(ip_address("10.20.0.6"), 8080) == "own-server", "nobody said that it has moved"
    assert refuse(ip_address("10.20.0.7"), 8080) == "own-server"


async def test_our_ports_are_refused_on_every_address_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = "192.0.2.7"
    allowed = AddressPolicy(allow_networks=EVERYTHING, own_ports=frozenset({8000}))
    servers = OwnServers(allowed, Names().lookup)
    refuse = servers.refusal(secure=False)
    assert refuse(ip_address(outside), 8000) is None
    monkeypatch.setattr("services.outgoing.own_servers._is_this_machine", lambda _address: True)
    assert refuse(ip_address(outside), 8000) == "own-server"
    assert refuse(ip_address(outside), 8080) is None


async def test_the_systems_resolver_answers_beside_a_lookup_that_hangs() -> None:
    async with system_lookup() as lookup:
        assert "127.0.0.1" in await lookup("localhost", 80)
        with pytest.raises(OSError, match=r"not known|resolution"):
            await asyncio.wait_for(lookup("no-such-host.invalid", 80), 20)


async def test_a_connection_is_used_again_for_the_same_receiver() -> None:
    async with a_receiver() as receiver, a_sender(LOOPBACK_ALLOWED) as sender:
        for _ in range(5):
            assert (await sender.send(to(receiver.url()))).kind == "delivered"
        assert receiver.connections == 1
