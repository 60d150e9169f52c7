"""Callers who keep a pace: latency counts from when a request was due, not from when it went out.

So a server that stands still is not spared by callers who wait for it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the head in lower case, and the body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> str:
        """Return the value of a header; empty: it has none."""
        _, found, rest = self.head.partition(b"\r\n" + name + b": ")
        return rest.partition(b"\r\n")[0].decode() if found else ""


class Line(asyncio.Protocol):
    """One kept connection of a caller; one request at a time."""

    def __init__(self) -> None:
        self._data = b""
        self.lost = False
        self._asked: asyncio.Future[Answer] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(exc or ConnectionError("closed in mid-answer"))

    async def ask(self, message: bytes) -> Answer:
        """Send a request and return the answer to it."""
        self._asked = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._asked

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found or self._asked is None:
            return
        _, named, rest = head.lower().partition(b"content-length:")
        if len(body) >= (int(rest.partition(b"\r")[0]) if named else 0):
            self._data = b""
            self._asked.set_result(Answer(int(head[9:12]), _lowered(head), body))


def _lowered(head: bytes) -> bytes:
    """Return a head with the names of its headers in lower case."""
    lines = [line.partition(b":") for line in head.split(b"\r\n")]
    return b"\r\n".join(name.lower() + mark + value for name, mark, value in lines)


@dataclass(frozen=True, slots=True)
class Wish:
    """A request to be sent: what kind it is of, its bytes, and what to do with its answer."""

    kind: str
    message: bytes
    heard: Callable[[Answer], None] = lambda _answer: None


@dataclass
class Heard:
    """What callers heard: seconds by kind, statuses, how many gave no answer, and how long."""

    latencies: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    seconds: float = 0.0

    def quantile(self, share: float, *kinds: str) -> float:
        """Return the milliseconds that so many of 1 waited at most."""
        found = sorted(
            one for kind, each in self.latencies.items() if kind in kinds or not kinds
            for one in each
        )  # fmt: skip
        return 1000 * found[min(len(found) - 1, int(len(found) * share))] if found else 0.0

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return sum(len(each) for each in self.latencies.values()) / self.seconds


async def paced(
    ports: Sequence[int],
    wish: Callable[[int], Wish],
    *,
    number: int,
    callers: int,
    rate: float | None,
    done: Callable[[], None] = lambda: None,
) -> Heard:
    """Let so many callers send `number` requests at `rate` a second in all; None: at once.

    Callers are shared out over the ports. `wish` makes the request of a number.
    """
    loop = asyncio.get_running_loop()
    heard, numbers = Heard(), count()
    opened = await asyncio.gather(
        *(
            loop.create_connection(Line, "127.0.0.1", ports[one % len(ports)])
            for one in range(callers)
        )
    )
    started = time.perf_counter()

    async def call(line: Line, port: int) -> None:
        while (turn := next(numbers)) < number:
            due = started + turn / rate if rate else time.perf_counter()
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            one = wish(turn)
            if line.lost:  # a server hangs up on who was silent for some seconds
                _, line = await loop.create_connection(Line, "127.0.0.1", port)
            try:
                answer = await line.ask(one.message)
            except (ConnectionError, OSError):
                heard.unanswered += 1
                return
            heard.latencies.setdefault(one.kind, []).append(time.perf_counter() - due)
            heard.statuses[answer.status] += 1
            one.heard(answer)
            done()
        line.close()

    await asyncio.gather(
        *(call(line, ports[one % len(ports)]) for one, (_, line) in enumerate(opened))
    )
    heard.seconds = time.perf_counter() - started
    for _, line in opened:
        line.close()
    return heard
