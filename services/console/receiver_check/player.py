"""Sends deliveries to a single receiver and records its answers; it posts to nowhere else."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import httpx

from services.console.errors import ConsoleError
from services.console.receiver_check.cases import Case, Expected
from services.console.receiver_check.deliveries import Delivery, Maker
from services.core.kit.clock import Clock

Failure = Literal["timeout", "connect", "tls", "cut"]
"""Why there is no answer."""

_KEPT_BYTES = 16 * 1024
_NO_REFUSALS = frozenset({408, 410, 429})
"""Answers below 500 that are no refusals: try later, or never come again."""

_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "wufei-webhook-check/1",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, or why there is none; `clock` is the seconds by which the receiver's is ahead."""

    status: int | None = None
    failure: Failure | None = None
    clock: int | None = None

    def fits(self, expected: Expected, *, may_cut: bool = False) -> bool:
        """Return whether it is the expected one."""
        if self.status is None:
            return may_cut and self.failure == "cut"
        match expected:
            case "taken":
                return self.status in range(200, 300)
            case "refused":
                return self.status in range(400, 500) and self.status not in _NO_REFUSALS
            case "answered":
                return self.status in range(200, 300) or self.fits("refused")


@dataclass(frozen=True, slots=True)
class Result:
    """A case with its answers, and the first wrong one."""

    case: Case
    answers: Sequence[Answer]
    wrong: Answer | None


def judged(case: Case, answers: Sequence[Answer]) -> Result:
    """Return the result of a case from its answers."""
    wrong = [one for one in answers if not one.fits(case.expected, may_cut=case.may_cut)]
    decided = case.until_refused and len(wrong) < len(answers)
    return Result(case, answers, None if decided or not wrong else wrong[0])


class Player:
    """Posts to one URL, each time on a new connection, with a timeout."""

    def __init__(self, client: httpx.AsyncClient, url: str, seconds: float) -> None:
        self._client = client
        self._url = url
        self._seconds = seconds

    async def play(self, case: Case, maker: Maker) -> Result:
        """Send the deliveries of a case."""
        deliveries = case.make(maker)
        if case.slowly:
            return judged(case, await self._slowly(*deliveries))
        answers: list[Answer] = []
        for delivery in deliveries:
            answers.append(await self._post(delivery, delivery.body, self._seconds))
            if answers[-1].failure == "timeout":
                break
            if case.until_refused and answers[-1].fits(case.expected):
                break
        return judged(case, answers)

    async def _slowly(self, slow: Delivery, other: Delivery) -> Sequence[Answer]:
        """Send a body in two halves, and another delivery between them."""
        begun, ended = asyncio.Event(), asyncio.Event()
        half = len(slow.body) // 2

        async def body() -> AsyncIterator[bytes]:
            yield slow.body[:half]
            begun.set()
            await ended.wait()
            yield slow.body[half:]

        # This finds receivers that handle one request at a time: they answer the second only after
        # the first has ended.
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(self._post(slow, body(), 2 * self._seconds))
            first.add_done_callback(lambda _: begun.set())
            await begun.wait()
            between = await self._post(other, other.body, self._seconds)
            ended.set()
        return [between, first.result()]

    async def _post(
        self, delivery: Delivery, body: bytes | AsyncIterator[bytes], seconds: float
    ) -> Answer:
        headers = [(name.encode(), value) for name, value in delivery.headers.items()]
        headers.append((b"Content-Length", str(len(delivery.body)).encode()))
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(headers, body)
        except TimeoutError:
            return Answer(failure="timeout")
        except httpx.ConnectError as error:
            return Answer(failure="tls" if _in_tls(error) else "connect")
        except httpx.TransportError:
            return Answer(failure="cut")

    async def _answer(
        self, headers: list[tuple[bytes, bytes]], body: bytes | AsyncIterator[bytes]
    ) -> Answer:
        """Post, and read as much of the answer as Wufei would."""
        async with self._client.stream(
            "POST", self._url, headers=headers, content=body
        ) as response:
            read = 0
            async for piece in response.aiter_raw():
                read += len(piece)
                if read > _KEPT_BYTES:
                    break
            return Answer(response.status_code, clock=_ahead(response.headers.get("Date")))


@asynccontextmanager
async def open_player(url: str, *, seconds: float, ca_file: Path | None) -> AsyncIterator[Player]:
    """Yield a player to a URL.

    Raises:
        ConsoleError: the CA file cannot be read.
    """
    try:
        trusted = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConsoleError(f"cannot read certificates from {ca_file}: {error}") from error
    async with httpx.AsyncClient(
        headers=_HEADERS,
        timeout=None,  # noqa: S113 (a whole request is bounded, not its steps)
        verify=trusted,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    ) as client:
        yield Player(client, url, seconds)


def _in_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _ahead(date: str | None) -> int | None:
    """Return the seconds by which the receiver's clock is ahead of ours, if it states the time."""
    try:
        return round(parsedate_to_datetime(date or "").timestamp() - Clock.true_now().timestamp())
    except (ValueError, TypeError, OverflowError):
        return None
