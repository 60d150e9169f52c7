"""Deliveries planned from the log: many endpoints, a long backlog, and what it costs in memory."""

import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import asyncpg

from bench.databases import fresh_database
from bench.places import untraced, xinmi
from bench.report import Measure
from bench.system import CITY, PLAN, System
from services.core.events.catalogue import EventType
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.events.statements import event_inserts
from services.core.identity.actor import Actor
from services.core.identity.rules import DEFAULT_SCOPES
from services.core.identity.service import create_first_key
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal, new_seal_key
from services.core.webhooks.addresses import AddressPolicy
from services.core.webhooks.planning import FOLLOWER
from services.core.webhooks.rules import Manner, SettingsContext
from services.core.webhooks.service import create_endpoint

_CLOCK = Clock()
_ENDPOINTS = 200
_TO_ALL, _BACKLOG = 1_000, 100_000
_ROUNDS = 3
_TYPES = [type_ for type_ in get_args(EventType) if not type_.startswith("webhook.")]

_ACTOR = """'{"kind": "bench"}'"""
_DATA = """'{"indicator_code": "U08"}'"""
_EVENTS = untraced(f"""
WITH {
    event_inserts(
        "unnest($4::uuid[]) WITH ORDINALITY AS made(id, n)",
        city_code="$1",
        id="made.id",
        plan_code="$2",
        type="($3::text[])[1 + n % cardinality($3::text[])]",
        subject_kind="'submission'",
        subject_id="'x'",
        organization_code="'UN15'",
        actor=_ACTOR,
        data=_DATA,
        occurred_at="now()",
    )
}
SELECT count(*) FROM happened
""")
_BARE = """
CREATE TABLE bare (LIKE webhook_delivery INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE bare ADD PRIMARY KEY (city_code, id);
CREATE UNIQUE INDEX ON bare (city_code, endpoint_id, position);
CREATE INDEX ON bare (city_code, endpoint_id, next_attempt_at) WHERE state = 'pending';
"""


async def planning(system: System) -> list[str]:
    """Plan for 200 endpoints: events that all of them hear, and a backlog of which each hears two.

    The ceiling is one INSERT of the same rows, made beforehand, into a table with the same
    indexes.
    """
    rates, ceilings = [], []
    for round_ in range(_ROUNDS):
        async with fresh_database(system, f"bench_planning_{round_}", xinmi()) as database:
            await _endpoints(database, lambda _: [])
            await _happen(database, _TO_ALL)
            rates.append(_TO_ALL * _ENDPOINTS / await _timed(lambda: _plan(database)))
            ceilings.append(_TO_ALL * _ENDPOINTS / await _bare(database))
    everything = Measure(
        "deliveries planned, 200 endpoints hear all",
        rates,
        "one bare INSERT of as many",
        ceilings,
        0.3,
    )
    async with fresh_database(system, "bench_backlog", xinmi()) as database:
        await _endpoints(database, lambda n: [_TYPES[n % len(_TYPES)], _TYPES[-1 - n % 7]])
        await _happen(database, _BACKLOG)
        before = _memory()
        took = await _timed(lambda: _plan(database))
        grown = _memory() - before
        planned = await _count(database)
    backlog = (
        f"{'a backlog of 100,000 events, 200 endpoints':<46}{_BACKLOG / took:>10,.0f} /s  "
        f"{planned:,} deliveries, memory grew by {grown:.0f} MB"
    )
    return [everything.line(), backlog]


async def _endpoints(database: Database, types: Callable[[int], list[str]]) -> None:
    seal = Seal.read(new_seal_key())
    async with database.transaction() as session:
        await create_first_key(
            session, city_code=CITY, actor={"kind": "bench"}, now=_CLOCK.true_now()
        )
    async with database.transaction() as session:
        key_id = await (await session.connection()).exec_driver_sql(
            "UPDATE api_key SET role = 'office' RETURNING id"
        )
        office = Actor(
            credential_id=key_id.scalar_one(),
            name="bench",
            role="office",
            city_code=CITY,
            organization_code=None,
            plan_code=None,
            scopes=DEFAULT_SCOPES["office"],
            every_city=False,
            channel="bench",
            request_id="",
        )
        for number in range(_ENDPOINTS):
            await create_endpoint(
                session,
                settings={
                    "url": f"https://example.org/{number}",
                    "headers": {},
                    "event_types": types(number),
                },
                manner=Manner(),
                actor=office,
                ground=SettingsContext(AddressPolicy()),
                seal=seal,
                clock=_CLOCK,
            )


async def _happen(database: Database, number: int) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        ids = [new_id() for _ in range(number)]
        await connection.execute(_EVENTS, CITY, PLAN, _TYPES, ids)
    finally:
        await connection.close()


async def _plan(database: Database) -> None:
    """Number and plan as a worker does it, until there is no more."""
    busy = True
    while busy:
        async with database.transaction() as session:
            busy = await number_committed(session, CITY) > 0
        while await _turn(database):
            busy = True


async def _turn(database: Database) -> bool:
    async with database.transaction() as session:
        return await follow(session, CITY, FOLLOWER, _CLOCK) is not None


async def _bare(database: Database) -> float:
    """Return how long one INSERT of the rows that were planned takes."""
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute(_BARE)
        return await _timed(
            lambda: connection.execute(
                "INSERT INTO bare SELECT * FROM webhook_delivery", timeout=300
            )
        )
    finally:
        await connection.close()


async def _count(database: Database) -> int:
    found: int = await database.pool.fetchval("SELECT count(*) FROM webhook_delivery")
    return found


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started
