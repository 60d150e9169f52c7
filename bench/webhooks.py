"""Webhooks: deliveries a second beside bare posting and a bare queue, and the way from a commit."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import asyncpg
import httpx
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from bench.http import approvals
from bench.report import Measure, waiting
from bench.system import CITY, ROOT, System
from services.console.ports import free_port
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal, new_seal_key
from services.core.webhooks.addresses import AddressPolicy
from services.core.webhooks.messages import (
    OpenTarget,
    headers_context,
    secret_context,
    standard_message,
    url_context,
)
from services.outgoing.guard import system_lookup
from services.outgoing.own_servers import OwnServers
from services.worker.delivering import Delivering
from services.worker.sender import open_sender

_APPROVALS = 40
_ENDPOINTS = 50
_EACH = 60
_ROUNDS = 5
_GOOD = 10
_TURNS = 5
_AT_ONCE = 50
_BODY = b'{"type":"submission.approved","timestamp":"2026-11-25T00:00:00Z","data":{"note":"'
_BODY += b"x" * 320 + b'"}}'
_SECRET = b"a secret of twenty-four.."
_SEAL = Seal.read(new_seal_key())


async def hearing(system: System) -> str:
    """Measure from sending an approval until its webhook arrives, with the worker at work."""
    base = f"http://127.0.0.1:{system.port}/v1"
    office = {"Authorization": f"Bearer {system.office}"}
    async with (
        receiver() as url,
        httpx.AsyncClient(base_url=base, headers=office, timeout=60) as client,
    ):
        wanted = {"url": url, "event_types": ["submission.approved"]}
        made = await client.post("/webhook-endpoints", json=wanted)
        assert made.status_code == 201, made.text

        async def heard(asking: httpx.AsyncClient, number: int, started: float) -> float:
            while (came := await _heard(asking, url))[0] < number:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.005)
            return (came[1] - started) * 1000

        asked = approvals(system, number=_APPROVALS, indicator="U07", shown=heard)
        waits = [wait async for wait in asked]
        await client.delete(made.headers["Location"].removeprefix("/v1"))
    return waiting("approval until its webhook arrives", waits)


async def _heard(client: httpx.AsyncClient, url: str) -> tuple[int, float]:
    """Return how many messages came to the receiver, and when the last one did."""
    number, last = (await client.get(url)).text.split()
    return int(number), float(last)


async def delivering(system: System) -> list[str]:
    """Measure deliveries to 50 endpoints, attempts and settlement included."""
    number = _ENDPOINTS * _EACH
    rates: dict[str, list[float]] = {"ours": [], "aiohttp": [], "queue": []}
    async with (
        connect(system.database_url, size=5) as database,
        receiver() as url,
        _deliverer(database) as deliverer,
    ):
        endpoints = await _plant_endpoints(database, url, _ENDPOINTS)
        await database.pool.execute(_QUEUE)
        for turn in range(_ROUNDS + 1):
            ours = await _delivered(database, deliverer, endpoints)
            posted = await _posted(url, number)
            queued = await _queued(system, number)
            if turn:  # the first round warms everything up
                rates["ours"].append(number / ours)
                rates["aiohttp"].append(number / posted)
                rates["queue"].append(number / queued)
    what = f"webhook deliveries, {_ENDPOINTS} endpoints"
    return [
        Measure(
            what, rates["ours"], "aiohttp, the same signed bytes", rates["aiohttp"], 0.20
        ).line(),
        Measure(what, rates["ours"], "claim of 100, settle each", rates["queue"], 0.40).line(),
    ]


async def beside(system: System) -> list[str]:
    """Measure how long ten receivers wait, alone and beside one that never answers."""
    alone, together = [], []
    async with (
        connect(system.database_url, size=5) as database,
        receiver() as url,
        _silent() as dead_url,
        _deliverer(database) as deliverer,
    ):
        good = await _plant_endpoints(database, url, _GOOD)
        dead = await _plant_endpoints(database, dead_url, 1)
        running = asyncio.create_task(deliverer.run())
        for turn in range(_TURNS + 1):
            before = await _waits(database, deliverer, good)
            await database.pool.execute(_PLANT, CITY, dead, 20, _BODY)
            deliverer.wake()
            beside_it = await _waits(database, deliverer, good)
            if turn:
                alone.append(_p95(before))
                together.append(_p95(beside_it))
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    what = "p95 of ten receivers beside a dead one"
    return [Measure(what, together, "the same without it", alone, 1.2, "ms").line()]


async def _waits(database: Database, deliverer: Delivering, endpoints: list[UUID]) -> list[float]:
    """Return the milliseconds from due to answered of some rounds of messages."""
    waits = []
    for _ in range(10):
        first = await database.pool.fetchval("SELECT now()")
        await database.pool.execute(_PLANT, CITY, endpoints, 1, _BODY)
        deliverer.wake()
        while await database.pool.fetchval(_WAITING_FOR, endpoints):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        rows = await database.pool.fetch(_WAITED, endpoints, first)
        waits += [float(row[0]) for row in rows]
    return waits


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)]


@asynccontextmanager
async def _silent() -> AsyncIterator[str]:
    """Yield the address of a receiver that takes connections and never answers."""
    taken: list[asyncio.StreamWriter] = []

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()
        for writer in taken:
            writer.transport.abort()


@asynccontextmanager
async def receiver() -> AsyncIterator[str]:
    """Yield the address of a receiver in a process of its own, which answers 200 and counts."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.receiving", str(port)), cwd=ROOT
    )
    try:
        url = f"http://127.0.0.1:{port}/hook"
        async with ClientSession() as session:
            while True:
                with suppress(OSError):
                    await session.get(url)
                    break
                await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _deliverer(database: Database) -> AsyncIterator[Delivering]:
    async with system_lookup() as lookup:
        servers = OwnServers(AddressPolicy(allow_loopback=True), lookup)
        async with open_sender(servers, lookup=lookup, seconds=15) as sender:
            yield Delivering(database, Clock(), seal=_SEAL, sender=sender)


async def _plant_endpoints(database: Database, url: str, number: int) -> list[UUID]:
    endpoints = [new_id() for _ in range(number)]
    for endpoint in endpoints:
        secret = new_id()
        await database.pool.execute(
            _ENDPOINT,
            *(CITY, endpoint, _SEAL.seal(url.encode(), url_context(endpoint)), url),
            *(_SEAL.seal(b"{}", headers_context(endpoint)), new_id()),
        )
        await database.pool.execute(
            "INSERT INTO webhook_secret (city_code, endpoint_id, id, kind, secret_sealed,"
            " created_at) VALUES ($1, $2, $3, 'v1', $4, now())",
            *(CITY, endpoint, secret, _SEAL.seal(_SECRET, secret_context(secret))),
        )
    return endpoints


async def _delivered(database: Database, deliverer: Delivering, endpoints: list[UUID]) -> float:
    """Return the seconds from the start of the loop until everything planted is delivered."""
    await database.pool.execute(_PLANT, CITY, endpoints, _EACH, _BODY)
    await database.pool.execute("ANALYZE webhook_delivery")
    started = time.perf_counter()
    running = asyncio.create_task(deliverer.run())
    while await database.pool.fetchval(_WAITING):  # noqa: ASYNC110 (no event tells)
        await asyncio.sleep(0.02)
    taken = time.perf_counter() - started
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return taken


async def _posted(url: str, number: int) -> float:
    """Return the seconds that aiohttp alone takes to post as many messages, each signed."""
    target = OpenTarget(CITY, new_id(), "standard", url, url, {}, [("v1", _SECRET)])
    ids = iter([new_id() for _ in range(number)])
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, timeout=ClientTimeout()) as session:

        async def work() -> None:
            for one in ids:
                now = Clock.true_now()
                message = standard_message(target, event_id=one, body=_BODY, now=now)
                async with session.post(url, data=_BODY, headers=message.headers) as answer:
                    await answer.read()

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        return time.perf_counter() - started


async def _queued(system: System, number: int) -> float:
    """Return the seconds of a bare queue: a hundred claimed at once, each settled by itself."""
    connection = await asyncpg.connect(system.database_url)
    await connection.execute("TRUNCATE bench_queue")
    await connection.execute(
        "INSERT INTO bench_queue SELECT n, 'pending', now(), NULL FROM generate_series(1, $1) n",
        number,
    )
    started = time.perf_counter()
    while rows := await connection.fetch(_TAKE):
        async with connection.transaction():
            for row in rows:
                await connection.execute(_SETTLE, row["id"])
    taken = time.perf_counter() - started
    await connection.close()
    return taken


_ENDPOINT = """
WITH owner AS (
    INSERT INTO api_key (city_code, id, name, role, scopes, every_city, prefix, secret_digest,
        created_at)
    VALUES ($1, $6, 'bench', 'office', '{}', false, 'bench', uuid_send($6), now())
    ON CONFLICT DO NOTHING
)
INSERT INTO webhook_endpoint (city_code, id, url_sealed, url_shown, host, format, signature,
    event_types, headers_sealed, header_names, state, owner_credential_id, owner, planned_from,
    warned, consecutive_failures, tokens, tokens_at, created_at, updated_at, version)
VALUES ($1, $2, $3, $4, '127.0.0.1', 'standard', 'v1', '{}', $5, '{}', 'active', $6, '{}', 0,
    0, 0, 0, now(), now(), now(), 1)
"""
_PLANT = """
WITH numbers AS (
    SELECT uuidv7() AS id, coalesce((SELECT max(position) FROM webhook_delivery), 0) + n AS position
    FROM generate_series(1, $3::int) n
), bodies AS (
    INSERT INTO webhook_body SELECT $1, id, $4 FROM numbers
)
INSERT INTO webhook_delivery (city_code, id, endpoint_id, event_id, position, event_type, state,
    attempts, attempts_before, next_attempt_at, manual, created_at)
SELECT $1, uuidv7(), endpoint, numbers.id, position, 'submission.approved', 'pending', 0, 0, now(),
    false, now()
FROM numbers CROSS JOIN unnest($2::uuid[]) endpoint
"""
_WAITING = "SELECT EXISTS (SELECT FROM webhook_delivery WHERE state = 'pending')"
_WAITING_FOR = """
SELECT EXISTS (SELECT FROM webhook_delivery WHERE state = 'pending' AND endpoint_id = ANY($1))
"""
_WAITED = """
SELECT extract(epoch FROM a.started_at - d.created_at) * 1000 + a.duration_ms
FROM webhook_delivery d JOIN webhook_attempt a ON a.city_code = d.city_code AND a.delivery_id = d.id
WHERE d.endpoint_id = ANY($1) AND d.created_at >= $2
"""
_QUEUE = """
CREATE TABLE bench_queue (id int PRIMARY KEY, state text, due timestamptz, lease timestamptz);
CREATE INDEX ON bench_queue (due) WHERE state = 'pending'
"""
_TAKE = """
UPDATE bench_queue SET state = 'taken', lease = now() + interval '45 seconds'
WHERE id IN (SELECT id FROM bench_queue WHERE state = 'pending' AND due <= now()
    ORDER BY due LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING id
"""
_SETTLE = "UPDATE bench_queue SET state = 'done', lease = NULL WHERE id = $1"
