"""The doorbell from both ends: the API's ring, arq over a real Valkey, the worker's ear."""

import asyncio
import gc
import itertools
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from typing_extensions import override

from services.api import doorbell as api_doorbell
from services.api.doorbell import QUEUE, ring_id
from services.api.doorbell import Doorbell as Bell
from services.core.kit.wire import deserialize, serialize
from services.worker import doorbell
from services.worker.doorbell import Doorbell, HeardWorker
from services.worker.reactor import Reactor
from tests.integration.scoring.ledger import Ledger
from tests.support.api import open_door
from tests.unit.scoring.builders import a_document
from tests.worker.running import OwnValkey, at_work, idle, shows, until


@asynccontextmanager
async def listening(redis_url: str, ledger: Ledger) -> AsyncIterator[Doorbell]:
    """A reactor that only a ring wakes, and its ear."""
    reactor = Reactor(ledger.database, ledger.clock, look_every=3600)
    ear = Doorbell(redis_url, reactor)
    running = asyncio.create_task(ear.run())
    try:
        async with at_work(reactor):
            yield ear
        assert not running.done()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def ringing(redis_url: str) -> AsyncIterator[Bell]:
    """The API's end, connected."""
    bell = Bell(redis_url)
    running = asyncio.create_task(bell.run())
    try:
        await until(lambda: _answering(bell))
        yield bell
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _answering(either: Bell | Doorbell) -> bool:
    return either.answering


async def _silent(ear: Doorbell) -> bool:
    return not ear.answering


@contextmanager
def quick_return(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(doorbell, "_PAUSE_SECONDS", 0.05)
        yield


async def test_a_ring_brings_an_approval_to_the_board(ledger: Ledger, redis_url: str) -> None:
    await ledger.load(a_document())
    async with listening(redis_url, ledger) as ear, ringing(redis_url) as bell:
        await until(lambda: _answering(ear))
        await until(lambda: idle(ledger))
        await ledger.report(90)
        bell.ring()
        await until(shows(ledger, "90"))


async def test_a_hundred_rings_are_a_handful_of_jobs(redis_url: str) -> None:
    async with ringing(redis_url) as bell, Redis.from_url(redis_url) as redis:

        async def waiting() -> bool:
            return int(await redis.zcard(QUEUE)) > 0

        began = time.monotonic()
        for _ in range(100):
            bell.ring()
            await asyncio.sleep(0.002)
        await until(waiting)
        intervals = (time.monotonic() - began) / 0.05
        assert await redis.zcard(QUEUE) <= intervals + 2


def test_rings_that_nobody_hears_do_not_pile_up() -> None:
    hour = [ring_id(1_700_000_000 + (moment + 0.5) / 20) for moment in range(72_000)]
    assert len(set(hour)) == 64
    assert all(one != following for one, following in itertools.pairwise(hour))


async def test_redis_may_be_absent_then_come_go_and_come_back(
    ledger: Ledger,
    valkey: OwnValkey,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "wufei.worker")
    await ledger.load(a_document())
    await valkey.start()
    await valkey.kill()
    with quick_return(monkeypatch):
        async with listening(valkey.url, ledger) as ear:
            for value in ("90", "91"):
                await asyncio.sleep(0.2)
                assert not ear.answering
                await valkey.start()
                async with ringing(valkey.url) as bell:
                    await until(lambda: _answering(ear))
                    await until(lambda: idle(ledger))
                    await ledger.report(value)
                    bell.ring()
                    await until(shows(ledger, value))
                await valkey.kill()
                await until(lambda: _silent(ear))
    assert caplog.messages == [
        "Redis unavailable",
        "Redis recovered",
        "Redis unavailable",
        "Redis recovered",
        "Redis unavailable",
    ]
    assert all(each.exc_info is None for each in caplog.records)


async def test_a_redis_that_hangs_counts_as_absent(
    ledger: Ledger, valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await valkey.start()
    monkeypatch.setattr(doorbell, "_ANSWER_SECONDS", 0.3)
    with quick_return(monkeypatch):
        async with listening(valkey.url, ledger) as ear:
            await until(lambda: _answering(ear))
            valkey.freeze()
            await until(lambda: _silent(ear))
            valkey.freeze(on=False)
            await until(lambda: _answering(ear))


async def test_a_redis_that_hangs_shows_though_nobody_rings(
    database_url: str, valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_doorbell, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(api_doorbell, "_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(api_doorbell, "_PAUSE_SECONDS", 0.05)
    await valkey.start()
    async with open_door(database_url, redis_url=valkey.url) as door, door.client(None) as client:

        def says(part: str) -> Callable[[], Awaitable[bool]]:
            async def said() -> bool:
                answer = await client.get("http://wufei.test/readyz")
                assert answer.status_code == 200
                return bool(answer.json()["parts"]["redis"] == part)

            return said

        await until(says("ok"))
        valkey.freeze()
        await until(says("degraded"))
        valkey.freeze(on=False)
        await until(says("ok"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's connections")
async def test_many_faults_leave_no_task_and_no_connection_behind(
    ledger: Ledger, valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.load(a_document())
    await valkey.start()
    with quick_return(monkeypatch):
        async with listening(valkey.url, ledger) as ear:
            await until(lambda: _answering(ear))
            await until(lambda: idle(ledger))
            files, tasks = _held()
            for _ in range(5):
                await valkey.kill()
                await until(lambda: _silent(ear))
                await valkey.start()
                await until(lambda: _answering(ear))

            async def nothing_left() -> bool:
                after = _held()
                return after[0] <= files + 1 and after[1] <= tasks + 1

            await until(nothing_left)


def _held() -> tuple[int, int]:
    """How many files and connections this process holds open, and how many tasks."""
    return len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks())


@pytest.mark.parametrize("poison", ["unreadable id", "another type", "unreadable job"])
async def test_what_lies_in_redis_cannot_stop_the_ear(
    ledger: Ledger, redis_url: str, monkeypatch: pytest.MonkeyPatch, poison: str
) -> None:
    await ledger.load(a_document())
    with quick_return(monkeypatch):
        async with Redis.from_url(redis_url) as redis:
            match poison:
                case "unreadable id":
                    await redis.zadd(QUEUE, {b"\xff\xfe": 1})
                case "another type":
                    await redis.set(QUEUE, "mine")
                case _:
                    await redis.zadd(QUEUE, {"x": 1})
                    await redis.set("arq:job:x", b"\x80\x04no pickle, please")
            async with listening(redis_url, ledger) as ear:
                await asyncio.sleep(0.3)
                await until(lambda: _answering(ear))
                async with ringing(redis_url) as bell:
                    await until(lambda: idle(ledger))
                    await ledger.report(90)
                    bell.ring()
                    await until(shows(ledger, "90"))


async def test_a_flush_loses_a_ring_and_nothing_else(ledger: Ledger, redis_url: str) -> None:
    await ledger.load(a_document())
    async with (
        listening(redis_url, ledger) as ear,
        ringing(redis_url) as bell,
        Redis.from_url(redis_url) as redis,
    ):
        await until(lambda: _answering(ear))
        for value in range(20):
            await ledger.report(value)
            bell.ring()
            await redis.flushdb()
        bell.ring()
        await until(shows(ledger, "19"))
        assert ear.answering


class Deaf(HeardWorker):
    """An arq that swallows the first request to end, as redis-py may on Python 3.11."""

    @override
    async def main(self) -> None:
        with suppress(asyncio.CancelledError):
            await super().main()
        await super().main()


async def test_the_ear_ends_though_arq_was_told_once_in_vain(
    ledger: Ledger, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "HeardWorker", Deaf)
    ear = Doorbell(redis_url, Reactor(ledger.database, ledger.clock))
    running = asyncio.create_task(ear.run())
    await until(lambda: _answering(ear))
    await asyncio.sleep(0.1)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=30)
    assert done == {running}
    assert running.cancelled()


class Freezing(Reactor):
    """A reactor that freezes Redis when it is rung: the job of that ring cannot be finished."""

    def __init__(self, ledger: Ledger, valkey: OwnValkey) -> None:
        super().__init__(ledger.database, ledger.clock)
        self.valkey = valkey
        self.rung = asyncio.Event()
        self.heard = 0

    @override
    def wake(self, *, sweep: bool = False) -> None:
        self.heard += 1
        if self.heard > 1:
            self.valkey.freeze()
            self.rung.set()


@pytest.mark.parametrize("last", ["the ear", "Redis"])
async def test_a_job_that_ends_together_with_redis_leaves_no_error(
    ledger: Ledger,
    valkey: OwnValkey,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    last: str,
) -> None:
    monkeypatch.setattr(doorbell, "_END_SECONDS", 0.05)
    await valkey.start()
    reactor = Freezing(ledger, valkey)
    ear = Doorbell(valkey.url, reactor)
    running = asyncio.create_task(ear.run())
    await until(lambda: _answering(ear))
    async with ringing(valkey.url) as bell:
        bell.ring()
        await asyncio.wait_for(reactor.rung.wait(), 60)
    if last == "the ear":
        await valkey.kill()
        await until(lambda: _silent(ear))
    running.cancel()
    await asyncio.wait([running])
    await valkey.kill()
    await asyncio.sleep(0.1)
    gc.collect()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_messages_are_json_and_errors_in_them_are_told_by_their_text() -> None:
    assert deserialize(serialize({"r": ValueError("no such job"), "a": []})) == {
        "r": "no such job",
        "a": [],
    }
