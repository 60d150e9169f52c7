"""Deadlines: evaluating a hundred thousand of them, and telling an office what waits for it."""

import resource
import time
from datetime import UTC, datetime, timedelta

import asyncpg

from bench.load import Outcome, request, volley
from bench.places import xinmi
from bench.recompute import fresh_database
from bench.report import Measure
from bench.system import CITY, PLAN, System
from services.core.alerts.following import evaluate_plan
from services.core.kit.clock import Clock

_OPEN, _NEWLY_DUE, _WAITING = 100_000, 2_000, 5_000
_ROUNDS = 5
_MORNING = datetime(2025, 9, 8, 2, tzinfo=UTC)
"""Monday, 10 o'clock in Xinmi, within the plan and within the hours of notices."""

_PLANT = """
INSERT INTO milestone (city_code, id, plan_code, measure_code, organization_code, title,
    evidence_rule, weight, due_date, original_due_date, epoch, extensions, state, percent,
    evidence, from_plan, assigned_by, completed_by, completed_at, created_at, updated_at, version,
    answer_by)
SELECT $1, gen_random_uuid(), $2, '5.1', $3, 'bench', 'none', 1, $4, $4, 1, 0, $5, 0, '[]', FALSE,
    '{}', '{}', now(), now(), now(), 1, $6
FROM generate_series(1, $7)
"""
_FALL_DUE = """
UPDATE milestone SET due_date = $3 WHERE id IN (
    SELECT id FROM milestone WHERE city_code = $1 AND plan_code = $2 AND due_date > $3 LIMIT $4)
"""
_FIND = """
SELECT m.id FROM milestone m
WHERE m.city_code = $1 AND m.plan_code = $2 AND m.state NOT IN ('closed', 'cancelled', 'completed')
    AND m.due_date <= $3
    AND NOT EXISTS (SELECT FROM alert a WHERE a.city_code = m.city_code
        AND a.subject_kind = 'milestone' AND a.subject_id = m.id::text AND a.reach IS NOT NULL)
"""


async def evaluating(system: System) -> list[str]:
    """Evaluate 100,000 open deadlines, 2,000 newly due, beside a statement that finds them."""
    figures, ceilings = [], []
    async with fresh_database(system, "bench_deadlines", xinmi()) as database:
        connection = await asyncpg.connect(database.dsn)
        today = _MORNING.date()
        far = today + timedelta(days=90)
        await connection.execute(_PLANT, CITY, PLAN, "UN39", far, "in_progress", None, _OPEN)
        await connection.execute("ANALYZE milestone")

        async def evaluate(day: int) -> float:
            clock = Clock(_MORNING + timedelta(days=day) - Clock.true_now())
            started = time.perf_counter()
            async with database.transaction() as session:
                await evaluate_plan(session, CITY, PLAN, clock)
            return time.perf_counter() - started

        await evaluate(0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(_ROUNDS):
            # Each round's are due on the day it is: one stage each, all of them new.
            day = today + timedelta(days=number)
            await connection.execute(_FALL_DUE, CITY, PLAN, day, _NEWLY_DUE)
            started = time.perf_counter()
            found = await connection.fetch(_FIND, CITY, PLAN, day)
            ceilings.append(1000 * (time.perf_counter() - started))
            assert len(found) >= _NEWLY_DUE, len(found)
            figures.append(1000 * await evaluate(number))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        told = await connection.fetchval("SELECT count(*) FROM alert_notice WHERE stage = 'T0'")
        await connection.close()
    line = Measure(
        "evaluating 100,000 deadlines, 2,000 newly due",
        figures,
        "one statement that finds the same",
        ceilings,
        5,
        unit="ms",
    ).line()
    return [line, f"{told:,} notices written; peak memory grew by {grown / 1024:,.0f} MiB"]


async def waiting(system: System, _bare: int) -> list[str]:
    """Ask what waits for an office with 5,000 open items, beside a list as long, by pages."""
    connection = await asyncpg.connect(system.database_url)
    today = Clock().today("Asia/Shanghai")
    await connection.execute(
        _PLANT, CITY, PLAN, "UN15", today, "completed", today + timedelta(days=5), _WAITING
    )
    await connection.execute("ANALYZE milestone")
    await connection.close()
    figures, ceilings = [], []
    for _ in range(_ROUNDS):
        figures.append(_p95(await volley(system.port, _asked(system, "/v1/me/todo"), clients=1)))
        listed = f"/v1/plans/{PLAN}/milestones?organization=UN15"
        ceilings.append(_p95(await volley(system.port, _asked(system, listed), clients=1)))
    return [
        Measure(
            "me/todo of 5,000, p95",
            figures,
            "list of 5,000 milestones, p95",
            ceilings,
            2,
            unit="ms",
        ).line()
    ]


def _asked(system: System, path: str) -> list[bytes]:
    return [request("GET", path, Authorization=f"Bearer {system.office}")] * 40


def _p95(outcome: Outcome) -> float:
    assert set(outcome.statuses) == {200}, outcome.statuses
    return 1000 * sorted(outcome.latencies)[int(len(outcome.latencies) * 0.95)]
