"""Three hundred events through two workers while everything around them is killed.

At least once, never lost, recognisable by the id: what came twice came under one id, and every
attempt that was cut off is there to be seen.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from signal import SIGKILL
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.core.events.service import record
from services.core.kit.database import connect
from services.core.kit.outage import is_away
from services.core.webhooks.rules import owner_of
from tests.integration.webhooks.receivers import Receivers, happening
from tests.support.own_postgres import OwnPostgres, own_postgres
from tests.support.planted import CITY, KEY, SEAL, Planted
from tests.support.receiver import Heard, Receiver, a_receiver, answer, hang, reset
from tests.worker.running import OwnValkey, Worker, a_worker, own_valkey, until

EVENTS = 300
ENDPOINTS = 3
ROUNDS = int(os.environ.get("WUFEI_TEST_FAULT_ROUNDS", "1"))
"""How often everything is killed; three take half a minute of faults."""

SPREAD_OVER = 6.0 * ROUNDS
PATIENCE = 60.0
LEAST_UNDER_WAY = 10
SENDING = {
    "WUFEI_SECRET_KEY": KEY,
    "WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1",
    "WUFEI_WEBHOOK_TIMEOUT": "1",
    # Long enough that no delivery is given up while everything is down.
    "WUFEI_WEBHOOK_SCHEDULE": ",".join(["0", *["0.3"] * 40]),
}


@dataclass
class Fickle:
    """A receiver's ways: one answer of seven is a failure, and what it took it keeps in mind."""

    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def __call__(self, heard: Heard, writer: asyncio.StreamWriter) -> None:
        luck = self.chance.random()
        if luck < 0.02:
            await hang(heard, writer)
        elif luck < 0.05:
            await reset(heard, writer)
        elif luck < 0.15:
            await answer(500)(heard, writer)
        else:
            self.taken[heard.target, heard.id] += 1
            await answer(200, delay=0.15)(heard, writer)


@dataclass
class Scene:
    """What runs, and what may be killed."""

    postgres: OwnPostgres
    valkey: OwnValkey
    planted: Planted
    workers: dict[int, Worker] = field(default_factory=dict)
    killed: int = 0

    async def kill_one(self) -> None:
        """Kill a worker while they deliver; whoever keeps it starts it again."""
        await until(self._in_the_midst, PATIENCE)
        self._kill(min(self.workers))

    async def kill_both(self) -> None:
        """Kill them all while they deliver, so that what is under way is surely cut off."""
        await until(self._in_the_midst, PATIENCE)
        for number in list(self.workers):
            self._kill(number)

    def _kill(self, number: int) -> None:
        self.workers.pop(number).process.send_signal(SIGKILL)
        self.killed += 1

    async def _in_the_midst(self) -> bool:
        (row,) = await self.planted.rows(
            "SELECT count(*) FROM webhook_attempt WHERE outcome IS NULL AND lease_until > now()"
        )
        return bool(self.workers) and int(row[0]) > LEAST_UNDER_WAY

    async def flush(self) -> None:
        """Empty Valkey."""
        with suppress(RedisError, OSError):
            async with Redis.from_url(self.valkey.url) as redis:
                await redis.flushall()

    async def kill_valkey(self) -> None:
        """Kill Valkey and start it again after a moment."""
        await self.valkey.kill()
        await asyncio.sleep(0.3)
        await self.valkey.start()


async def keep_worker(scene: Scene, number: int) -> None:
    """Run a worker, and another whenever it is gone."""
    while True:
        # One that finds no database at its start says so in a line that is no JSON, and ends.
        with suppress(json.JSONDecodeError):
            async with a_worker(
                scene.postgres.url, scene.valkey.url, at_work=False, settings=SENDING
            ) as worker:
                scene.workers[number] = worker
                await worker.process.wait()
                scene.workers.pop(number, None)
        await asyncio.sleep(0.1)


async def break_things(scene: Scene) -> None:
    """Do what may happen, one thing after the other."""
    faults: tuple[Callable[[], Awaitable[None]], ...] = (
        scene.kill_both,
        scene.flush,
        scene.postgres.crash,
        scene.kill_one,
        scene.kill_valkey,
        scene.postgres.crash,
    )
    for fault in faults * ROUNDS:
        await asyncio.sleep(0.5)
        await fault()


async def happen(receivers: Receivers) -> set[str]:
    """Record events over the time of the faults; return the ids of those that were committed."""
    ids: list[UUID] = []
    while len(ids) < EVENTS:
        # Of a kind that nobody but receivers follows.
        few = [happening("webhook.failing", subject=("webhook_endpoint", "x")) for _ in range(3)]
        try:
            async with receivers.database.transaction() as session:
                made = await record(session, *few)
        except Exception as error:
            if not is_away(error):
                raise
        else:
            ids += made
        await asyncio.sleep(SPREAD_OVER * len(few) / EVENTS)
    # A commit whose answer was lost may have been made: what is asked for is what we know of.
    return {str(each) for each in ids}


async def endpoints_for(receivers: Receivers, planted: Planted, receiver: Receiver) -> None:
    """Make endpoints of the office's that hear everything of their city."""
    office = await receivers.owner("office")
    for number in range(ENDPOINTS):
        await planted.endpoint(
            receiver.url(f"/{number}"),
            owner=dict(owner_of(office)),
            owner_credential_id=office.credential_id,
        )


@asynccontextmanager
async def a_scene() -> AsyncIterator[Scene]:
    async with (
        own_postgres() as postgres,
        own_valkey() as valkey,
        connect(postgres.url, size=4) as database,
    ):
        await valkey.start()
        yield Scene(postgres, valkey, Planted(database))


async def test_every_event_arrives_whatever_is_killed_meanwhile() -> None:
    fickle = Fickle()
    async with a_scene() as scene, a_receiver(fickle) as receiver:
        planted = scene.planted
        receivers = Receivers(planted.database, seal=SEAL)
        await receivers.found_city()
        await endpoints_for(receivers, planted, receiver)
        keeping = [asyncio.create_task(keep_worker(scene, number)) for number in range(2)]
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(break_things(scene))
                happening_ = tasks.create_task(happen(receivers))
            recorded = happening_.result()
            wanted = {(f"/{number}", each) for number in range(ENDPOINTS) for each in recorded}

            async def arrived() -> bool:
                return wanted <= set(fickle.taken) and await _settled(planted)

            await until(arrived, PATIENCE)
        finally:
            for task in keeping:
                task.cancel()
            ended = await asyncio.gather(*keeping, return_exceptions=True)
        assert [type(one) for one in ended] == [asyncio.CancelledError] * 2, ended
        await _look_back(planted, fickle, scene)


async def _settled(planted: Planted) -> bool:
    states = await planted.states()
    (row,) = await planted.rows(
        "SELECT (SELECT count(*) FROM event) = (SELECT position FROM log_head)"
        " AND (SELECT position FROM log_head) = (SELECT position FROM reader_cursor"
        " WHERE reader = 'webhooks')"
    )
    return bool(row[0]) and set(states) == {"delivered"}


async def _look_back(planted: Planted, fickle: Fickle, scene: Scene) -> None:
    """See that nothing was planned twice or kept from view."""
    (row,) = await planted.rows(
        "SELECT count(*), count(DISTINCT (endpoint_id, event_id)),"
        " (SELECT count(*) FROM event WHERE city_code = :city) FROM webhook_delivery",
        city=CITY,
    )
    assert row[0] == row[1] == ENDPOINTS * row[2]
    assert scene.killed >= 2 * ROUNDS
    (cut,) = await planted.rows(
        "SELECT count(*) FILTER (WHERE outcome IS NULL AND lease_until > now()),"
        " count(*) FILTER (WHERE outcome IS NULL) FROM webhook_attempt"
    )
    assert cut[1] > 0, "attempts that were cut off are there to be seen"
    twice = sum(number > 1 for number in fickle.taken.values())
    assert twice <= cut[1] + 20, "what came twice was cut off, or its answer was"
