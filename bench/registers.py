"""A register of a hundred thousand rows: from a row's write to its proposal, and its measure.

The measure stands beside the same figure in one statement written by hand, over the same rows.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from bench.report import Measure, waiting
from bench.system import CITY, PLAN, System
from services.core.kit.database import connect
from services.core.plan.queries import plan_state
from services.core.registers.measures import queries

_ROWS = 100_000
_ROUNDS = 7
_REGISTER = "GREEN-FACTORY"

_FILL = """
INSERT INTO register_row (city_code, id, plan_code, register_code, key, organization_code, state,
    cells, counted, valid_from, authors, created_at, updated_at, version)
SELECT $1, CAST(lpad(to_hex(n), 32, '0') AS uuid), $2, $3, 'bench ' || n, 'UN22', 'confirmed',
    cells, cells, DATE '2025-01-01', '{"keys": [], "organizations": []}', now(), now(), 1
FROM generate_series(1, CAST($4 AS integer)) AS n CROSS JOIN LATERAL (
    SELECT jsonb_build_object('credit_code', 'C' || n / 2, 'enterprise', '示例', 'level',
        'provincial', 'named_on', '2025-01-01') AS cells
) AS said
"""
_BY_HAND = """
SELECT count(DISTINCT counted ->> 'credit_code') FROM register_row
WHERE city_code = $1 AND plan_code = $2 AND register_code = $3 AND counted IS NOT NULL
    AND state <> 'withdrawn' AND (ended_on IS NULL OR ended_on > DATE '2025-12-31')
    AND (valid_from IS NULL OR valid_from <= DATE '2025-12-31')
    AND (valid_to IS NULL OR valid_to >= DATE '2025-12-31')
"""
_PROPOSED = """
SELECT max(version) FROM register_figure
WHERE city_code = $1 AND plan_code = $2 AND register_code = $3
"""


async def registering(system: System) -> list[str]:
    """Measure the way from a confirmed row to its proposal, and the measure over all rows."""
    place = (CITY, PLAN, _REGISTER)
    connection = await asyncpg.connect(system.database_url)
    try:
        await connection.execute(_FILL, *place, _ROWS)
        await connection.execute("ANALYZE register_row")
        async with _client(system) as office:
            reached = await _proposals(connection, office, place)
        measured, by_hand = await _measured(system, connection, place)
    finally:
        await connection.close()
    return [
        waiting(f"register of {_ROWS:,} rows: a row to its proposal", reached),
        Measure("  its measure over all rows", measured, "by hand", by_hand, 3.0, "ms").line(),
    ]


def _client(system: System) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}",
        headers={"Authorization": f"Bearer {system.office}"},
        timeout=120,
    )


async def _proposals(
    connection: asyncpg.Connection, office: httpx.AsyncClient, place: tuple[str, str, str]
) -> list[float]:
    """Return how many milliseconds passed from the end of a row to the figure that follows."""
    due = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()  # noqa: TID251
    opened = await office.post(f"/v1/plans/{PLAN}/periods/2025/open", json={"due_date": due})
    assert opened.status_code == 200, opened.text
    before = await _version(connection, place, 0)
    taken = []
    for number in range(1, _ROUNDS + 1):
        end = {"reason": "bench", "ended_on": "2025-06-30"}
        row_id = f"{number * 2:032x}"
        started = time.perf_counter()
        answer = await office.post(f"/v1/register-rows/{row_id}/revoke", json=end)
        assert answer.status_code == 200, answer.text
        before = await _version(connection, place, before)
        taken.append(1000 * (time.perf_counter() - started))
    return taken


async def _version(connection: asyncpg.Connection, place: tuple[str, str, str], before: int) -> int:
    """Wait until there is another figure than the one of this version; return its version."""
    while True:
        found = await connection.fetchval(_PROPOSED, *place) or 0
        if found > before:
            return int(found)
        await asyncio.sleep(0.005)


async def _measured(
    system: System, connection: asyncpg.Connection, place: tuple[str, str, str]
) -> tuple[list[float], list[float]]:
    ours, theirs = [], []
    async with connect(system.database_url, size=1) as database, database.sessions() as session:
        plan = await plan_state(session, CITY, PLAN)
        assert plan is not None
        register = plan.registers[_REGISTER]
        period = plan.period_calendar.year(2025)
        for number in range(_ROUNDS + 1):
            started = time.perf_counter()
            (found,) = await queries.measured(
                session, plan, register, register.measures[0], [period]
            )
            between = time.perf_counter()
            counted: Any = await connection.fetchval(_BY_HAND, *place)
            ended = time.perf_counter()
            assert found.numerator == counted
            if number:  # the first round warms everything up
                ours.append(1000 * (between - started))
                theirs.append(1000 * (ended - between))
    return ours, theirs
