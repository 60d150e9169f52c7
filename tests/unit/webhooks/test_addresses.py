"""Where a webhook may go: every way to write an inner address, and the laws of the judgement."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.webhooks.addresses import (
    AddressPolicy,
    TargetUrl,
    check_url,
    forbidden,
    policy_of,
    read_url,
)

STRICT = AddressPolicy()
EVERYTHING = AddressPolicy(allow_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
INTRANET = AddressPolicy(allow_networks=(ip_network("10.20.0.0/16"),))
DEMO = AddressPolicy(allow_loopback=True, own_ports=frozenset({8000, 5432}))


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://127.0.0.1/", "url-address"),
        ("https://127.0.0.1/", "url-address"),
        ("https://127.255.0.9/", "url-address"),
        ("https://localhost/", "url-address"),
        ("https://LOCALHOST./", "url-address"),
        ("https://a.localhost/", "url-address"),
        ("https://2130706433/", "url-encoded-address"),
        ("https://0x7f.1/", "url-encoded-address"),
        ("https://0x7f000001/", "url-encoded-address"),
        ("https://0177.0.0.1/", "url-encoded-address"),
        ("https://127.1/", "url-encoded-address"),
        ("https://0/", "url-encoded-address"),
        ("https://8.8.8.8./", "url-encoded-address"),
        ("https://0.0.0.0/", "url-address"),
        ("https://[::1]/", "url-address"),
        ("https://[::]/", "url-address"),
        ("https://[::ffff:127.0.0.1]/", "url-address"),
        ("https://[::ffff:7f00:1]/", "url-address"),
        ("https://[::127.0.0.1]/", "url-address"),
        ("https://[64:ff9b::7f00:1]/", "url-address"),
        ("https://[64:ff9b:1::7f00:1]/", "url-address"),
        ("https://[2002:7f00:1::]/", "url-address"),
        ("https://169.254.169.254/latest/meta-data/", "url-address"),
        ("https://metadata.google.internal/", "url-address"),
        ("https://100.100.100.200/", "url-address"),
        ("https://[fd00:ec2::254]/", "url-address"),
        ("https://[fe80::1]/", "url-address"),
        ("https://[fe80::1%25eth0]/", "url-invalid"),
        ("https://224.0.0.1/", "url-address"),
        ("https://255.255.255.255/", "url-address"),
        ("https://10.0.0.1/", "url-address"),
        ("https://172.16.0.1/", "url-address"),
        ("https://192.168.1.1/", "url-address"),
        ("https://100.64.0.1/", "url-address"),
        ("https://[fd12::1]/", "url-address"),
        ("https://user@example.org/", "url-userinfo"),
        ("https://user:password@example.org/", "url-userinfo"),
        ("https://example.org\\@127.0.0.1/", "url-invalid"),
        ("https://example.org#@127.0.0.1/", "url-invalid"),
        ("file:///etc/passwd", "url-scheme"),
        ("ftp://example.org/", "url-scheme"),
        ("gopher://example.org/", "url-scheme"),
        ("javascript:alert(1)", "url-invalid"),
        ("//example.org/", "url-invalid"),
        ("", "url-invalid"),
        ("https://", "url-invalid"),
        ("https:///path", "url-invalid"),
        ("https://example.org:22/", "url-port"),
        ("https://example.org:25/", "url-port"),
        ("https://example.org:6379/", "url-port"),
        ("https://example.org:0/", "url-port"),
        ("https://example.org:65536/", "url-port"),
        ("https://8.8.8.8:22/", "url-port"),
        ("https://example.org/a b", "url-invalid"),
        ("https://example.org/\r\nHost: x", "url-invalid"),
        ("https://exa\u3002mple.org/", "url-invalid"),
        ("https://１２７.0.0.1/", "url-invalid"),
        ("https://-example.org/", "url-invalid"),
        ("https://example..org/", "url-invalid"),
        ("http://example.org/", "url-insecure"),
        ("http://8.8.8.8/", "url-insecure"),
    ],
)
def test_what_no_webhook_may_point_at_by_default(url: str, wrong: str) -> None:
    assert check_url(url, STRICT) == wrong


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "https://example.org/hook?token=abc",
        "https://example.org:8443/hook",
        "https://8.8.8.8/hook",
        "https://[2400:3200::1]/hook",
        "https://xn--fiq228c.cn/",
        "HTTPS://Example.ORG/Hook",
    ],
)
def test_public_https_is_welcome(url: str) -> None:
    target = check_url(url, STRICT)
    assert isinstance(target, TargetUrl)
    assert target.url == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org", "https://example.org/"),
        ("https://Example.org:8443/in/v1?key=abc", "https://example.org:8443/in/v1?…"),
        ("http://10.20.0.1:80/hook", "http://10.20.0.1/hook"),
        ("https://[2400:3200::1]:8443/x", "https://[2400:3200::1]:8443/x"),
        (
            "https://open.feishu.cn/open-apis/bot/v2/hook/6c29c3f0-9d1f-4a0e-8d3f-0d5d9c9e6a11",
            "https://open.feishu.cn/open-apis/bot/v2/hook/…",
        ),
        (
            "https://hooks.example.org/T02ABC/B02DEF/xoxbAbCdEfGhIjKlMnOpQrSt",
            "https://hooks.example.org/T02ABC/B02DEF/…",
        ),
    ],
)
def test_a_url_is_shown_without_what_may_be_a_secret(url: str, shown: str) -> None:
    target = read_url(url)
    assert isinstance(target, TargetUrl)
    assert target.shown == shown


@pytest.mark.parametrize(
    ("address", "secure", "reason"),
    [
        ("10.20.3.4", False, None),
        ("10.21.3.4", True, "not-public"),
        ("8.8.8.8", True, None),
        ("8.8.8.8", False, "insecure"),
        ("127.0.0.1", True, "loopback"),
        ("::ffff:10.20.3.4", False, None),
        ("64:ff9b::8.8.8.8", True, None),
        ("64:ff9b::10.21.3.4", True, "not-public"),
    ],
)
def test_the_allow_list_opens_its_networks_and_no_more(
    address: str, secure: bool, reason: str | None
) -> None:
    assert forbidden(ip_address(address), INTRANET, secure=secure) == reason


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("64:ff9b:1::7f00:1", "loopback"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 (refused, not bound)
        ("::", "unspecified"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("239.1.1.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "multicast"),
        ("169.254.169.254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("64:ff9b::a9fe:a9fe", "metadata"),
        ("2002:a9fe:a9fe::", "metadata"),
    ],
)
def test_the_never_list_is_not_overridden(address: str, reason: str) -> None:
    assert forbidden(ip_address(address), EVERYTHING) == reason


def test_loopback_is_for_demonstrations_and_never_their_own_ports() -> None:
    assert isinstance(check_url("http://127.0.0.1:9999/hook", DEMO), TargetUrl)
    assert isinstance(check_url("http://localhost:9999/hook", DEMO), TargetUrl)
    assert check_url("http://127.0.0.1:8000/v1/me", DEMO) == "url-address"
    assert check_url("http://localhost:5432/", DEMO) == "url-address"
    assert forbidden(ip_address("::1"), DEMO, port=5432) == "own-server"
    assert forbidden(ip_address("10.0.0.1"), DEMO) == "not-public"
    assert forbidden(ip_address("2002:7f00:1::"), DEMO, port=9999) == "loopback"


def test_the_own_servers_are_never_called() -> None:
    policy = policy_of(
        allow_loopback=True,
        allow_cidrs="10.20.0.0/16, 10.30.0.0/16",
        servers=(
            "postgresql://u:p@10.20.0.5/db",
            "redis://:p@valkey:6379/0",
            "redis://[::1]",
            None,
        ),
        own_ports=(8000,),
    )
    assert check_url("https://10.20.0.5/", policy) == "url-address"
    assert check_url("https://valkey/", policy) == "url-address"
    assert check_url("http://[::1]:6379/", policy) == "url-address"
    assert isinstance(check_url("http://10.30.0.5/", policy), TargetUrl)
    assert policy.own_ports == {8000, 5432, 6379}


@pytest.mark.parametrize("user", ["", "u:p@", "u:p@ss@", "u,v:p@"])
def test_each_of_several_servers_in_one_address_is_an_own_one(user: str) -> None:
    hosts = "10.20.0.5:5433,10.20.0.6,standby:5434"
    policy = policy_of(
        allow_loopback=False,
        allow_cidrs="10.20.0.0/16",
        servers=(f"postgresql://{user}{hosts}/db",),
    )
    assert policy.own_addresses == {ip_address("10.20.0.5"), ip_address("10.20.0.6")}
    assert policy.own_hosts == {"standby"}
    assert policy.own_ports == {5432, 5433, 5434}


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("https://a.example/?next=https://b.example/", None),
        ("https://a.example:1/", None),
        ("https://a.example:65535/", None),
        ("https://a.example:0/", "url-port"),
        ("https://a.example:65536/", "url-port"),
        (f"https://{'a.' * 126}a/", None),
        (f"https://{'a.' * 126}ab/", "url-invalid"),
        ("https://[:::1]/", "url-invalid"),
        ("https://[::1.2]/", "url-invalid"),
        ("https://1.2/", "url-encoded-address"),
    ],
)
def test_a_url_is_read_to_the_ends_of_what_may_stand_in_it(url: str, wrong: str | None) -> None:
    read = read_url(url)
    assert (None if isinstance(read, TargetUrl) else read) == wrong


def test_over_http_a_name_is_called_where_receivers_may_be_inner_or_local() -> None:
    url = "http://receiver.example/"
    assert check_url(url, STRICT) == "url-insecure"
    for policy in (INTRANET, AddressPolicy(allow_loopback=True)):
        assert isinstance(check_url(url, policy), TargetUrl)


def test_a_policy_is_what_the_settings_say() -> None:
    policy = policy_of(
        allow_loopback=True,
        allow_cidrs="10.20.0.0/16",
        servers=("amqp://queue",),
        robot_hosts="dingtalk=a:1, wecom=b:2 ,feishu=c=3",
    )
    assert policy.allow_loopback
    assert policy.allow_networks == (ip_network("10.20.0.0/16"),)
    assert policy.robot_hosts == {"dingtalk": "a:1", "wecom": "b:2", "feishu": "c=3"}
    assert policy.own_ports == {0}, "of a server whose port is not known none is taken"
    assert not policy_of(allow_loopback=False, allow_cidrs="").allow_loopback


ROBOT_URLS = {
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=T",
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/6c29c3f0-9d1f",
}


def test_a_robot_has_one_host() -> None:
    url = ROBOT_URLS["dingtalk"]
    assert isinstance(check_url(url, STRICT, format_="dingtalk"), TargetUrl)
    assert check_url(url, STRICT, format_="wecom") == "url-robot-host"
    assert check_url(url.replace("https", "http"), STRICT, format_="dingtalk") == "url-robot-host"
    elsewhere = url.replace(".com/", ".com:8443/")
    assert check_url(elsewhere, STRICT, format_="dingtalk") == "url-robot-host"
    stand_in = policy_of(allow_loopback=True, allow_cidrs="", robot_hosts="dingtalk=127.0.0.1:9000")
    local = "http://127.0.0.1:9000/robot/send"
    assert isinstance(check_url(f"{local}?access_token=T", stand_in, format_="dingtalk"), TargetUrl)
    assert check_url(local, stand_in, format_="dingtalk") == "url-robot-form"
    assert check_url(url, stand_in, format_="dingtalk") == "url-robot-host"


@pytest.mark.parametrize("format_", ROBOT_URLS)
def test_a_robots_address_is_its_token_and_nothing_else(format_: str) -> None:
    url = ROBOT_URLS[format_]
    bare, mark, _ = url.rpartition("/" if format_ == "feishu" else "=")
    more = "?" if format_ == "feishu" else "&"
    assert isinstance(check_url(url, STRICT, format_=format_), TargetUrl)
    for wrong in (
        bare + mark,  # no token
        bare,
        url + more + "debug=1",
        url.replace("send", "receive").replace("/v2/", "/v1/"),
        url + "/" if format_ == "feishu" else url + "&" + url.partition("?")[2],
        "/".join(url.split("/")[:3]),
    ):
        assert check_url(wrong, STRICT, format_=format_) == "url-robot-form", wrong
    for stale in (f"{url}{more}timestamp=1577262236757&sign=a%3D", f"{url}{more}sign=a"):
        assert check_url(stale, STRICT, format_=format_) == "url-robot-signed", stale


@pytest.mark.parametrize(
    "settings",
    [
        {"allow_cidrs": "10.20.0.0/33"},
        {"allow_cidrs": "10.20.0.1/16"},
        {"allow_cidrs": "", "robot_hosts": "slack=1"},
    ],
)
def test_a_setting_that_says_nothing_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (pydantic's and ipaddress's own)
        policy_of(allow_loopback=False, **settings)  # type: ignore[arg-type]


ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address)
ipv6 = st.integers(0, 2**128 - 1).map(IPv6Address)


@given(ipv4 | ipv6)
def test_whoever_is_refused_with_everything_allowed_is_refused_always(
    address: IPv4Address | IPv6Address,
) -> None:
    reason = forbidden(address, EVERYTHING)
    if reason is not None:
        assert forbidden(address, STRICT) == reason
        assert forbidden(address, INTRANET) == reason


@given(ipv4)
def test_an_ipv4_address_is_judged_alike_however_ipv6_wraps_it(address: IPv4Address) -> None:
    plain = forbidden(address, INTRANET)
    for prefix in ("::ffff:", "64:ff9b::"):
        assert forbidden(ip_address(f"{prefix}{address}"), INTRANET) == plain
    if plain is not None:
        packed = address.packed
        sixtofour = IPv6Address(b"\x20\x02" + packed + bytes(10))
        assert forbidden(sixtofour, INTRANET) is not None


@given(ipv4)
def test_only_the_plain_way_to_write_an_ipv4_address_is_read(address: IPv4Address) -> None:
    number = int(address)
    for written in (
        str(number),
        hex(number),
        f"0{number:o}",
        f"{number >> 24}.{number & 0xFFFFFF}",
    ):
        assert socket.inet_aton(written) == address.packed, "a resolver would take it"
        assert read_url(f"https://{written}/") == "url-encoded-address"
    read = read_url(f"https://{address}/")
    assert isinstance(read, TargetUrl)
    assert read.address == address


@given(ipv4)
def test_what_is_public_agrees_with_the_registry(address: IPv4Address) -> None:
    if forbidden(address, STRICT) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.org/{text}", f"https://{text}/"):
        target = check_url(url, STRICT)
        if isinstance(target, TargetUrl):
            assert target.url == url
            assert target.address is None or target.address.is_global
