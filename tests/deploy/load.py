"""Callers that report values without a pause, and count what they were told meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product

import httpx

from services.console.settings import PROJECT
from services.core.kit.exact_yaml import read_yaml
from services.core.plan.rules import read_document
from tests.deploy.engine import Failed

PLAN = "410183-2025"
DOCUMENT = f"plans/{PLAN}.yaml"
UNITS = 8
_WRITERS = 6
_READERS = 2
_PAUSE_SECONDS = 0.05
_TRY_AGAIN_SECONDS = 0.2


@dataclass
class Answers:
    """What callers saw: answers by status, connections that broke, and what was acknowledged."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    repeated: int = 0
    acknowledged: list[str] = field(default_factory=list)
    longest_wait: float = 0
    slowest: float = 0

    @property
    def server_faults(self) -> int:
        """Return how many answers were 5xx."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def line(self, lost: int) -> str:
        """Return the figures in one line."""
        return (
            f"{sum(self.statuses.values())} requests, {len(self.acknowledged)} writes acknowledged,"
            f" {lost} lost, {self.server_faults} × 5xx, {self.broken} broken connections,"
            f" slowest answer {self.slowest:.2f} s,"
            f" longest without a write {self.longest_wait:.2f} s"
        )


def places() -> Iterator[tuple[str, str, str]]:
    """Yield what may be reported, each once: indicator, month, number of the unit's key."""
    document = read_document(read_yaml((PROJECT / DOCUMENT).read_bytes()))
    indicators = [one.code for one in document.indicators if not one.levels]
    months = [f"{year}-{month:02}" for year in range(2022, 2026) for month in range(1, 13)]
    for unit, month, indicator in product(units(), months, indicators):
        yield indicator, month, unit


def units() -> list[str]:
    """Return the codes of the units that report here."""
    document = read_document(read_yaml((PROJECT / DOCUMENT).read_bytes()))
    return [one.code for one in document.organizations if one.submits][:UNITS]


class Load:
    """Writers and readers before one address, until they are told to stop."""

    def __init__(self, url: str, keys: dict[str, str], office: str) -> None:
        self._url = url
        self._keys = keys
        self._office = office
        self._places = places()
        self.answers = Answers()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Answers]:
        """Yield the answers of what is sent meanwhile; all of it is answered at the end."""
        self.answers = Answers()
        ended = asyncio.Event()
        async with (
            httpx.AsyncClient(base_url=f"{self._url}/v1", timeout=60) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(_WRITERS):
                tasks.create_task(self._write(client, ended))
            for _ in range(_READERS):
                tasks.create_task(self._read(client, ended))
            tasks.create_task(self._watch(ended))
            try:
                yield self.answers
            finally:
                ended.set()

    async def _write(self, client: httpx.AsyncClient, ended: asyncio.Event) -> None:
        while not ended.is_set():
            indicator, month, unit = next(self._places)
            body = {
                "indicator_code": indicator,
                "organization_code": unit,
                "period": month,
                "value": "94.78",
            }
            headers = {
                "Authorization": f"Bearer {self._keys[unit]}",
                "Idempotency-Key": f"{indicator} {month} {unit}",
            }
            answer = await self._until_answered(
                client, "POST", f"/plans/{PLAN}/submissions", headers, body
            )
            if answer.status_code != 201:
                raise Failed(f"a report was answered {answer.status_code}: {answer.text}")
            self.answers.acknowledged.append(answer.json()["id"])
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, client: httpx.AsyncClient, ended: asyncio.Event) -> None:
        headers = {"Authorization": f"Bearer {self._office}"}
        while not ended.is_set():
            path = f"/plans/{PLAN}/scoreboard?period=2025"
            await self._until_answered(client, "GET", path, headers, None)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _until_answered(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        headers: dict[str, str],
        body: dict[str, str] | None,
    ) -> httpx.Response:
        """Send a request, and again under the same key while it is not carried out; count both."""
        while True:
            began = time.monotonic()
            try:
                answer = await client.request(method, path, headers=headers, json=body)
            except httpx.TransportError:
                self.answers.broken += 1
            else:
                self.answers.statuses[answer.status_code] += 1
                self.answers.slowest = max(self.answers.slowest, time.monotonic() - began)
                if answer.status_code < 500:
                    return answer
            self.answers.repeated += 1
            await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _watch(self, ended: asyncio.Event) -> None:
        """Note the longest time in which no write was acknowledged."""
        seen, since = 0, time.monotonic()
        while not ended.is_set():
            await asyncio.sleep(0.05)
            if len(self.answers.acknowledged) > seen:
                seen, since = len(self.answers.acknowledged), time.monotonic()
            self.answers.longest_wait = max(self.answers.longest_wait, time.monotonic() - since)
