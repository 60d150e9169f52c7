"""The audit's chain: how fast it is extended, and verified, beside reading the bare rows."""

import os
import time
from pathlib import Path

from pydantic_core import to_json

from bench.databases import CLOCK, fresh_database
from bench.places import untraced
from bench.report import Measure
from bench.system import System
from bench.whole_recompute import synthetic
from services.console.walkers import processes_for, walkers
from services.core.audit import linking, proving
from services.core.audit.canonical import NO_LINK
from services.core.audit.walking import ChainStretch, walk
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.events.statements import event_inserts
from services.core.kit.database import Database, driver_connection, snapshot_of
from services.core.kit.ids import new_id

_SIZE = 240_000
_AT_ONCE = 5_000
_ROUNDS = 3
_GOAL = 50_000
_OF_BARE = 0.5

_ACTOR = {
    "kind": "api_key",
    "id": "019aafc0-0000-7000-8000-0000000000b2",
    "name": "领导小组办公室",
    "role": "office",
    "organization_code": None,
    "channel": "api",
    "request_id": "019bb0f1-6afc-7d52-b0a2-5f1c7f9a3e10",
}
_DATA = {
    "indicator_code": "U08",
    "organization_code": "UN15",
    "period": "2025",
    "revision": 1,
    "version": 2,
    "state": "approved",
}

_WRITE = untraced(f"""
WITH made AS (SELECT * FROM unnest($3::uuid[]) AS m(id)), {
    event_inserts(
        "made",
        city_code="$1",
        id="id",
        plan_code="$2",
        type="'submission.approved'",
        subject_kind="'submission'",
        subject_id="id::text",
        organization_code="'UN15'",
        actor="$4::jsonb",
        data="$5::jsonb",
        occurred_at="now()",
    )
}
SELECT count(*) FROM happened
""")

_BARE = """
SELECT l.*, e.id, CAST(e.data AS text), e.type, CAST(e.actor AS text), e.city_code, e.plan_code,
    e.subject_id, e.occurred_at, e.traceparent, e.subject_kind, e.organization_code
FROM audit_link l JOIN event e ON e.city_code = l.city_code AND e.id = l.row_id
WHERE l.city_code = $1 AND l.number > $2 AND l.number <= $2 + $3
"""


_LAST = "SELECT max(number) FROM audit_link WHERE city_code = $1"


async def auditing(system: System) -> list[str]:
    """Link and verify events; the ratio is of verifying to reading links and rows, no more."""
    plan = synthetic()
    async with fresh_database(system, "bench_auditing", plan) as database:
        city = plan.city.code
        said = [to_json(one).decode() for one in (_ACTOR, _DATA)]
        for _ in range(0, _SIZE, _AT_ONCE):
            ids = [new_id() for _ in range(_AT_ONCE)]
            await database.pool.execute(_WRITE, city, plan.code, ids, *said, timeout=120)
        linked = await _linked(database, city)
        await database.pool.execute("ANALYZE")
        rates, bare = [], []
        for _ in range(_ROUNDS):
            bare.append(await _read(database, city))
            rates.append(await _verified(database, city))
        ours, servers = await _processor_time(database, city)
    verified = Measure(
        "verifying the audit, rows", rates, "links and rows, only read", bare, _OF_BARE
    )
    best = max(rates)
    reached = "ok" if best >= _GOAL else "SHORT"
    return [
        f"{'extending the audit, rows':<46}{linked:>10,.1f} /s",
        verified.line(),
        f"{'    the best round':<46}{best:>10,.1f} /s  goal >= {_GOAL:,} {reached}",
        # What others do on the machine makes the rest wait, and this no longer.
        f"{'    in the time of one processor':<46}{1 / (ours + servers):>10,.1f} /s",
        f"    a row takes {1e6 * ours:.1f} us here and {1e6 * servers:.1f} us of PostgreSQL",
    ]


async def _linked(database: Database, city: str) -> float:
    """Number and link all there is; return the links a second, without the numbering."""
    spent = 0.0
    while True:
        async with database.transaction() as session:
            numbered = await number_committed(session, city)
        started = time.perf_counter()
        busy = False
        while True:
            async with database.transaction() as session:
                if await follow(session, city, linking.FOLLOWER, CLOCK) is None:
                    break
            busy = True
        spent += time.perf_counter() - started
        if not busy and not numbered:
            return _SIZE / spent


async def _read(database: Database, city: str) -> float:
    started, number = time.perf_counter(), 0
    async with database.sessions() as session:
        _ = await session.connection()
        connection = await driver_connection(session)
        while rows := await connection.fetch(_BARE, city, number, _AT_ONCE):
            number += len(rows)
    return number / (time.perf_counter() - started)


async def _verified(database: Database, city: str) -> float:
    """Verify as `wufei audit verify` does, with as many processes, and their start counted."""
    started = time.perf_counter()
    async with database.sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        go = walkers(database.dsn, await snapshot_of(session))
        proof = await proving.verify(session, city, apart=(go, processes_for(_SIZE)))
    assert proof.breach is None, proof.breach
    return proof.chain.number / (time.perf_counter() - started)


async def _processor_time(database: Database, city: str) -> tuple[float, float]:
    """Return the seconds of a processor that a row takes: of this process, and of PostgreSQL's."""
    async with database.sessions() as session:
        _ = await session.connection()
        connection = await driver_connection(session)
        server = int(await connection.fetchval("SELECT pg_backend_pid()"))
        last = int(await connection.fetchval(_LAST, city))
        whole = ChainStretch(city, 0, last, NO_LINK, 0, None)
        began, servers = time.thread_time(), _ticks(server)
        walked = await walk(connection, whole)
        ours = time.thread_time() - began
        servers = _ticks(server) - servers
    assert walked is not None
    return ours / last, servers / os.sysconf("SC_CLK_TCK") / last


def _ticks(process: int) -> int:
    """Return how long a process has run, in ticks of Linux."""
    said = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(said[11]) + int(said[12])
