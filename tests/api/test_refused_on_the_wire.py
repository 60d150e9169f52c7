"""What never becomes a request: heads without end, long trailers, bytes that are no HTTP."""

import asyncio
import json
import resource
from typing import Any

import pytest

from services.api.problems import HTTP_PROBLEMS
from services.api.protocol import MAX_HEAD_BYTES
from tests.support.serving import exchanged, served
from tests.support.wire import a_get, a_post, answers_in, echo, many_headers


async def test_a_head_of_64_kib_is_taken_and_a_longer_one_is_431() -> None:
    async with served(echo) as port:
        taken = await exchanged(port, a_get(b"Connection: close", *many_headers(60_000)))
        long_heads = {
            "many headers": a_get(*many_headers(70_000)),
            "one header": a_get(b"x: " + b"a" * 70_000),
            "one name": a_get(b"a" * 70_000 + b": x"),
            "the address": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: wufei\r\n\r\n",
            "unfinished": a_get(*many_headers(70_000))[:-2],
            "many short ones": a_get(*many_headers(70_000, each=20)),
        }
        for name, head in long_heads.items():
            for pieces in ([head], [head[:50_000], head[50_000:]]):
                received = await exchanged(port, *pieces)
                assert received.startswith(b"HTTP/1.1 431 "), (name, received[:100])
                problem = json.loads(received.partition(b"\r\n\r\n")[2])
                assert problem["code"] == "headers-too-large"
                assert problem["status"] == 431
    assert taken.startswith(b"HTTP/1.1 200 ")


def _refusal(received: bytes) -> tuple[str, str, dict[str, Any]]:
    """Return the media type, the language and the body of an answer that refuses."""
    head, _, body = received.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    return headers["content-type"], headers["content-language"], json.loads(body)


ENGLISH = b"Accept-Language: en-GB, zh;q=0.5"
TOO_LONG = {
    "asked before": (a_get(ENGLISH, *many_headers(70_000)), "en"),
    "asked at the end": (a_get(*many_headers(70_000), ENGLISH), "en"),
    "asked and unfinished": (a_get(ENGLISH, *many_headers(70_000))[:-2], "en"),
    "whole and not asked": (a_get(*many_headers(70_000)), "zh-CN"),
    "unfinished and not asked": (a_get(*many_headers(70_000))[:-2], "zh-CN, en"),
    "an address without end": (b"GET /" + b"a" * 70_000, "zh-CN, en"),
}
NO_HTTP = {
    "no method": (b"\x00\x01\r\n\r\n", "zh-CN, en"),
    "a bad header": (a_get(ENGLISH, b"x: y", b"bad name: x"), "en"),
    "a bad header first": (a_get(b"bad name: x", ENGLISH), "zh-CN, en"),
    "a bad length": (a_post(b"Transfer-Encoding: chunked"), "zh-CN, en"),
    "a bad piece of a body": (
        a_get(b"Transfer-Encoding: chunked").replace(b"GET", b"POST") + b"no length\r\n",
        "zh-CN",
    ),
}


@pytest.mark.parametrize(
    ("code", "sent", "language"),
    [
        pytest.param(code, *case, id=name)
        for code, cases in (("headers-too-large", TOO_LONG), ("malformed-request", NO_HTTP))
        for name, case in cases.items()
    ],
)
async def test_what_never_becomes_a_request_is_refused_in_the_language_asked_for(
    code: str, sent: bytes, language: str
) -> None:
    async with served(echo) as port:
        media_type, told, problem = _refusal(await exchanged(port, sent))
    assert media_type == "application/problem+json"
    assert (problem["code"], told) == (code, language)
    title = HTTP_PROBLEMS[problem["status"]][1]
    both = f"{title.zh} / {title.en}"
    right = {"en": title.en, "zh-CN": title.zh, "zh-CN, en": both}[language]
    assert problem["title"] == problem["detail"] == right


async def test_trailers_choose_no_language() -> None:
    head = a_get(ENGLISH, b"Transfer-Encoding: chunked").replace(b"GET", b"POST")
    trailers = b"0\r\nAccept-Language: zh-CN\r\nx: " + b"a" * 70_000
    async with served(echo) as port:
        _, told, _ = _refusal(await exchanged(port, head, b"2\r\n{}\r\n", trailers))
    assert told == "en"


async def test_what_came_before_a_long_head_is_still_answered() -> None:
    async with served(echo) as port:
        received = await exchanged(port, a_get() + a_get(*many_headers(300_000)))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 ") in {1, 2}


async def test_unfinished_heads_take_no_memory() -> None:
    """Four of them took 500 MB: 120 MB each."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    piece = b"a" * 1_000_000

    async def flood(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: wufei\r\nx: ")
        try:
            for _ in range(120):
                writer.write(piece)
                await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async with served(echo) as port, asyncio.timeout(120):
        answers = await asyncio.gather(*(flood(port) for _ in range(4)))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert all(answer.startswith(b"HTTP/1.1 431 ") for answer in answers)
    assert grown_kib < 100 * 1024


async def test_trailers_join_no_headers_and_have_the_same_bound() -> None:
    head = a_get(b"Connection: close", b"Transfer-Encoding: chunked").replace(b"GET", b"POST")
    async with served(echo) as port:
        short = await exchanged(port, head, b"2\r\n{}\r\n0\r\nauthorization: Bearer x\r\n\r\n")
        unfinished = await exchanged(
            port, head, b"2\r\n{}\r\n0\r\n", b"x: ", *[b"a" * 50_000] * 3, b"a"
        )
    (heard,) = answers_in(short)
    assert heard["body"] == "{}"
    assert "authorization" not in heard["headers"]
    assert unfinished.startswith(b"HTTP/1.1 431 ")


_CHUNKED = (b"Connection: close", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize("pieces", [1, 2, 5])
@pytest.mark.parametrize(
    ("headers", "trailers"),
    [
        ([], [b"x: " + b"a" * 100_000]),
        ([], many_headers(100_000)),
        (many_headers(40_000), many_headers(40_000)),
    ],
    ids=["one long", "many", "with the headers in all"],
)
async def test_trailers_that_come_whole_have_the_bound_of_heads(
    headers: list[bytes], trailers: list[bytes], pieces: int
) -> None:
    head = a_get(*_CHUNKED, *headers).replace(b"GET", b"POST")
    sent = b"\r\n".join([b"2\r\n{}\r\n0", *trailers, b"", b""])
    step = -(-len(sent) // pieces)
    async with served(echo) as port:
        received = await exchanged(
            port, head, *(sent[at : at + step] for at in range(0, len(sent), step))
        )
    assert received.startswith(b"HTTP/1.1 431 ")
    assert b'{"method"' not in received, "what was not taken is not answered"


async def test_trailers_within_the_bound_are_taken() -> None:
    head = a_get(*_CHUNKED, *many_headers(30_000)).replace(b"GET", b"POST")
    sent = b"\r\n".join([b"2\r\n{}\r\n0", *many_headers(30_000), b"", b""])
    async with served(echo) as port:
        (heard,) = answers_in(await exchanged(port, head + sent))
    assert heard["body"] == "{}"


async def test_trailers_of_a_request_that_offered_another_protocol_have_the_bound_too() -> None:
    offer = (b"Connection: Upgrade, close", b"Upgrade: h2c", b"Transfer-Encoding: chunked")
    head = a_get(*offer).replace(b"GET", b"POST")
    sent = b"\r\n".join([b"2\r\n{}\r\n0", *many_headers(100_000), b"", b""])
    async with served(echo) as port:
        received = await exchanged(port, head, sent)
    assert received.startswith(b"HTTP/1.1 431 ")


def test_the_bound_is_64_kib() -> None:
    assert MAX_HEAD_BYTES == 65_536
