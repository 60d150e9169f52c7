"""The load of a country: the command, callers who keep a pace, and what counts as a fault."""

import asyncio
from argparse import Namespace
from collections import Counter

import pytest

from bench.country.load import Deadline
from bench.country.stages import Simulated
from bench.country.tables import faults
from bench.country.traffic import Answer, Heard, Wish, paced
from services.console.commands import simulate
from services.console.errors import ConsoleError
from services.console.main import main


def test_an_installation_without_the_source_tree_says_where_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulate, "find_spec", lambda _name: None)
    with pytest.raises(ConsoleError, match="run it in the source tree"):
        simulate.country(Namespace())


def test_the_command_explains_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "country", "--help"])
    told = capsys.readouterr().out
    assert all(word in told for word in ("--cities", "--rate", "--submitters", "--picture"))


async def _answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with its own path, in two pieces; hang up on /end."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        path = head.split()[1]
        if path == b"/end":
            break
        writer.write(b"HTTP/1.1 201 Created\r\nLOCATION: " + path + b"\r\ncontent-length: 4\r\n")
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"\r\nok..")
    writer.close()


async def test_every_request_is_sent_once_and_each_caller_hears_the_answer_to_its_own() -> None:
    server = await asyncio.start_server(_answering, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    heard_of: dict[int, Answer] = {}

    def wish(number: int) -> Wish:
        message = b"GET /%d HTTP/1.1\r\n\r\n" % number
        return Wish(
            "odd" if number % 2 else "even", message, lambda a: heard_of.update({number: a})
        )

    async with server, asyncio.timeout(60):
        heard = await paced([port], wish, number=101, callers=7, rate=2000)
    assert heard.statuses == {201: 101}
    assert (len(heard.latencies["even"]), len(heard.latencies["odd"])) == (51, 50)
    assert {number: one.header(b"location") for number, one in heard_of.items()} == {
        number: f"/{number}" for number in range(101)
    }
    assert {one.body for one in heard_of.values()} == {b"ok.."}


async def test_a_connection_that_breaks_is_an_answer_that_never_came() -> None:
    server = await asyncio.start_server(_answering, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(60):
        heard = await paced(
            [port], lambda _: Wish("end", b"GET /end HTTP/1.1\r\n\r\n"),
            number=3, callers=3, rate=None,
        )  # fmt: skip
    assert (heard.unanswered, heard.statuses) == (3, Counter())


@pytest.mark.parametrize(
    ("statuses", "unanswered", "stored", "told"),
    [
        ({201: 5}, 0, 10, []),
        ({201: 5}, 0, 9, ["10 were acknowledged, 9 are stored"]),
        ({201: 4, 503: 1}, 0, 10, ["1 answers of 5xx"]),
        ({201: 4}, 1, 10, ["1 without an answer"]),
        ({201: 4, 422: 1}, 0, 10, ["refused with [422]"]),
    ],
)
def test_what_is_lost_or_fails_is_a_fault(
    statuses: dict[int, int], unanswered: int, stored: int, told: list[str]
) -> None:
    many = Heard(statuses=Counter(statuses), unanswered=unanswered)
    few = Heard(statuses=Counter({201: 10 - statuses[201]}))
    found = faults(Simulated(deadline=Deadline(many, few, stored)))
    assert len(found) == len(told)
    assert all(words in fault for words, fault in zip(told, found, strict=True))
