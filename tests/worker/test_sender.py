"""One message and its outcome, whatever the receiver does with it."""

import asyncio
import gzip
import resource
from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext

import pytest
from typing_extensions import override

from services.core.webhooks.sending import KEPT_BYTES, Message
from tests.support.certificates import NAME, Authority
from tests.support.receiver import (
    Behaviour,
    a_receiver,
    answer,
    bomb,
    drip_body,
    drip_headers,
    endless,
    gzip_bomb,
    hang,
    many_headers,
    raw,
    reset,
)
from tests.worker.sending import Names, a_sender, to

MEGABYTE = 1024


async def test_the_bytes_given_are_the_bytes_sent_with_the_headers_given() -> None:
    body = b'{"value": "\xe6\x97\xa0\xe5\xba\x9f" }\n'
    headers = {"Content-Type": "application/json; charset=utf-8", "webhook-id": "msg_1", "X-A": "1"}
    async with a_receiver() as receiver, a_sender() as sender:
        message = Message(receiver.url("/a%2Fb?token=x%2By%3D"), headers, body)
        outcome = await sender.send(message)
    (heard,) = receiver.heard
    assert (heard.method, heard.target, heard.body) == ("POST", "/a%2Fb?token=x%2By%3D", body)
    sent = dict(heard.raw_headers)
    assert sent.items() >= headers.items()
    assert set(sent) - set(headers) == {"Host", "Content-Length"}
    assert outcome.kind == "delivered"
    assert outcome.said == "200 Said\nContent-Length: 2\n\nok"
    assert outcome.body == b"ok"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_success(status: int) -> None:
    async with a_receiver(answer(status, b"")) as receiver, a_sender() as sender:
        assert (await sender.send(to(receiver.url()))).kind == "delivered"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 502, 503, 504, 599])
async def test_what_is_no_2xx_is_failure(status: int) -> None:
    behaviour = answer(status, b"why", Retry_After="30")
    async with a_receiver(behaviour) as receiver, a_sender() as sender:
        outcome = await sender.send(to(receiver.url()))
    assert (outcome.kind, outcome.status_code, outcome.retry_after) == ("status", status, "30")
    assert outcome.said is not None
    assert outcome.said.endswith("\n\nwhy")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_failure_and_nobody_goes_there(status: int) -> None:
    async with a_receiver() as inside:
        behaviour = answer(status, b"", Location=inside.url("/inside"))
        async with a_receiver(behaviour) as receiver, a_sender() as sender:
            outcome = await sender.send(to(receiver.url()))
        assert inside.connections == 0
    assert (outcome.kind, outcome.status_code) == ("redirect", status)
    assert outcome.said is not None
    assert f"Location: {inside.url('/inside')}" in outcome.said


@pytest.mark.parametrize("behaviour", [hang, drip_headers, drip_body])
async def test_one_deadline_holds_round_the_whole(behaviour: Behaviour) -> None:
    async with a_receiver(behaviour) as receiver, a_sender(seconds=0.4) as sender:
        outcome = await sender.send(to(receiver.url()))
    assert outcome.kind == "timeout", "what these do has no end of its own"
    assert outcome.duration_ms >= 380


async def test_a_name_that_nobody_answers_for_falls_under_the_deadline_too() -> None:
    class Silent(Names):
        @override
        async def lookup(self, host: str, _port: int) -> list[str]:
            self.asked.append(host)
            await asyncio.get_running_loop().create_future()
            raise AssertionError

    async with a_sender(names=Silent(), seconds=0.2) as sender:
        assert (await sender.send(to("https://receiver.test/hook"))).kind == "timeout"


async def test_the_environments_proxies_and_passwords_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    passwords = tmp_path / "netrc"
    passwords.write_text("machine receiver.test login somebody password secret\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("NETRC", str(passwords))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    names = Names({"receiver.test": ["127.0.0.1"]})
    async with a_receiver() as receiver, a_receiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
            monkeypatch.setenv(name.upper(), proxy.url(""))
        async with a_sender(names=names) as sender:
            outcome = await sender.send(to(receiver.url(host="receiver.test")))
    assert outcome.kind == "delivered"
    assert (len(receiver.heard), proxy.connections) == (1, 0)
    assert "authorization" not in receiver.heard[0].headers


async def test_what_is_compressed_is_kept_as_it_came() -> None:
    squeezed = gzip.compress(b"ok" * 1000)
    behaviour = answer(200, squeezed, Content_Encoding="gzip")
    async with a_receiver(behaviour) as receiver, a_sender() as sender:
        outcome = await sender.send(to(receiver.url()))
    assert (outcome.kind, outcome.body) == ("delivered", squeezed)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def test_a_huge_answer_is_cut_and_its_status_counts() -> None:
    bomb()
    behaviours = (endless, gzip_bomb, many_headers(10_000))
    for behaviour in behaviours:
        async with a_receiver(behaviour) as receiver, a_sender() as sender:
            before = _peak()
            outcomes = await asyncio.gather(*(sender.send(to(receiver.url())) for _ in range(4)))
            assert _peak() - before < 30 * MEGABYTE
        for outcome in outcomes:
            assert (outcome.kind, outcome.status_code) == ("delivered", 200)
            assert outcome.said is not None
            assert outcome.said.endswith("[truncated]")
            assert len(outcome.said.encode()) <= KEPT_BYTES
            assert len(outcome.body) <= KEPT_BYTES


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (reset, "disconnected"),
        (raw(b""), "disconnected"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "disconnected"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "protocol"),
        (raw(b"HTTP/1.1 99999 OK\r\n\r\n"), "protocol"),
        (many_headers(20_000), "too_large"),
        (many_headers(1, size=1 << 20), "too_large"),
        (raw(b"HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "status"),
    ],
)
async def test_what_is_no_answer_is_an_outcome_too(behaviour: Behaviour, kind: str) -> None:
    async with a_receiver(behaviour) as receiver, a_sender(seconds=2) as sender:
        outcome = await sender.send(to(receiver.url()))
    assert outcome.kind == kind, outcome
    assert outcome.said


async def test_nothing_of_a_strangers_answer_can_spoil_what_is_kept() -> None:
    body = b"\x00\xff\xfe" * 6000
    async with a_receiver(answer(500, body, X_Odd="a\xe9\x7fb")) as receiver, a_sender() as sender:
        said = (await sender.send(to(receiver.url()))).said
    assert said is not None
    assert "\0" not in said
    assert len(said.encode()) <= KEPT_BYTES


async def test_nobody_there_and_nobody_of_that_name() -> None:
    async with a_receiver() as receiver:
        gone = receiver.url()
    async with a_sender() as sender:
        assert (await sender.send(to(gone))).kind == "connect"
        assert (await sender.send(to("https://nobody.test/hook"))).kind == "dns"


Bad = Callable[[Authority], SSLContext]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Authority.expired, "expired"),
        (Authority.of_another_host, "mismatch"),
        (Authority.of_nobody, "self-signed|self signed|unable to get"),
        (Authority.old_protocol, ""),
    ],
)
async def test_a_connection_that_cannot_be_trusted_carries_nothing(
    tmp_path: Path, bad: Bad, reason: str
) -> None:
    authority = Authority(tmp_path)
    names = Names({NAME: ["127.0.0.1"]})
    async with (
        a_receiver(tls=bad(authority)) as receiver,
        a_sender(names=names, ca_file=authority.file) as sender,
    ):
        outcome = await sender.send(to(receiver.url(host=NAME)))
    assert outcome.kind == "tls", outcome
    assert outcome.said is not None
    assert any(word in outcome.said for word in reason.split("|")), outcome.said
    assert receiver.heard == []


async def test_an_authority_is_trusted_once_it_is_in_the_deployments_bundle(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    names = Names({NAME: ["127.0.0.1"]})
    async with a_receiver(tls=authority.good()) as receiver:
        async with a_sender(names=names) as sender:
            assert (await sender.send(to(receiver.url(host=NAME)))).kind == "tls"
        async with a_sender(names=names, ca_file=authority.file) as sender:
            assert (await sender.send(to(receiver.url(host=NAME)))).kind == "delivered"
