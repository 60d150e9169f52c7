"""A load generator that is not the bottleneck: raw HTTP/1.1 on kept connections, own process."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context


@dataclass(frozen=True)
class Outcome:
    """What came of a volley: how long it took, each latency, and the statuses."""

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
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return await loop.run_in_executor(pool, _run, port, requests, clients)


def _run(port: int, requests: Sequence[bytes], clients: int) -> Outcome:
    return asyncio.run(_volley(port, requests, clients))


async def _volley(port: int, requests: Sequence[bytes], clients: int) -> Outcome:
    waiting = iter(requests)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]
    started = time.perf_counter()
    await asyncio.gather(*(_client(*pair, waiting, latencies, statuses) for pair in pairs))
    seconds = time.perf_counter() - started
    for _, writer in pairs:
        writer.close()
    return Outcome(seconds, latencies, statuses)


async def _client(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    waiting: Iterator[bytes],
    latencies: list[float],
    statuses: Counter[int],
) -> None:
    for message in waiting:
        sent = time.perf_counter()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        if at >= 0:
            await reader.readexactly(int(head[at + 15 : head.index(b"\r", at)]))
        latencies.append(time.perf_counter() - sent)
        statuses[int(head[9:12])] += 1
