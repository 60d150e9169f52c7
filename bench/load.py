"""A load generator that is not the bottleneck: bare HTTP/1.1 on kept connections, own process."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from typing import cast

import uvloop
from typing_extensions import override


@dataclass(frozen=True)
class Outcome:
    """What came of a volley: how long it took, each latency in seconds, and the statuses."""

    seconds: float
    latencies: list[float]
    statuses: Counter[int]

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return len(self.latencies) / self.seconds


def request(method: str, path: str, *, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; `content_type` becomes Content-Type, and so on."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def volley(port: int, requests: Sequence[bytes], *, clients: int) -> Outcome:
    """Send the requests from a process of its own, `clients` at a time, and time the answers."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_process(), _run, port, requests, clients)


@cache
def _process() -> ProcessPoolExecutor:
    """Return the one process that sends; it ends with this one."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _run(port: int, requests: Sequence[bytes], clients: int) -> Outcome:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_volley(port, requests, clients))


async def _volley(port: int, requests: Sequence[bytes], clients: int) -> Outcome:
    loop = asyncio.get_running_loop()
    waiting, latencies, statuses = iter(requests), list[float](), Counter[int]()
    make = partial(_Client, waiting, latencies, statuses)
    opened = [await loop.create_connection(make, "127.0.0.1", port) for _ in range(clients)]
    started = time.perf_counter()
    for _, client in opened:
        client.send_next()
    await asyncio.gather(*(client.done for _, client in opened))
    seconds = time.perf_counter() - started
    for transport, _ in opened:
        transport.close()
    return Outcome(seconds, latencies, statuses)


class _Client(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last has come in whole.

    It looks for the status, the length of the body and nothing else.
    """

    def __init__(
        self, waiting: Iterator[bytes], latencies: list[float], statuses: Counter[int]
    ) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        self._latencies = latencies
        self._statuses = statuses
        self._head = b""
        self._missing = 0
        self._sent = 0.0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed in mid-answer"))

    def send_next(self) -> None:
        """Send the next request that waits, or be done."""
        message = next(self._waiting, None)
        if message is None:
            self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(message)

    @override
    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._missing = _length(self._head[:end]) - (len(self._head) - end - 4)
        if self._missing == 0:
            self._latencies.append(time.perf_counter() - self._sent)
            self._statuses[int(self._head[9:12])] += 1
            self._head = b""
            self.send_next()


def _length(head: bytes) -> int:
    """Return the length of the body that a head announces; a 304 has none and says nothing."""
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r")[0]) if found else 0
