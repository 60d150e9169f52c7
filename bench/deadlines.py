"""Deadlines: evaluating a hundred thousand of them, and telling an office what waits for it."""

import resource
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg

from bench.databases import fresh_database
from bench.load import Outcome, request, volley
from bench.places import untraced, xinmi
from bench.report import Measure
from bench.system import CITY, PLAN, System
from services.core.alerts.evaluation import Evaluated
from services.core.alerts.following import dry_run_plan, evaluate_plan
from services.core.events.statements import event_inserts
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.plan.queries import plan_state

_OPEN, _NEWLY_DUE, _WAITING = 100_000, 2_000, 5_000
_ROUNDS = 5
_MORNING = datetime(2025, 9, 8, 2, tzinfo=UTC)
"""Monday, 10 o'clock in Xinmi, within the plan and within the hours of notices."""

PLANT = """
INSERT INTO milestone (city_code, id, plan_code, measure_code, organization_code, title,
    evidence_rule, weight, due_date, original_due_date, epoch, extensions, state, percent,
    evidence, from_plan, assigned_by, completed_by, completed_at, created_at, updated_at, version,
    answer_by)
SELECT $1, gen_random_uuid(), $2, '5.1', $3, 'bench', 'none', 1, $4, $4, 1, 0, $5, 0, '[]', FALSE,
    '{"kind": "system", "name": "bench"}', '{"kind": "system", "name": "bench"}', now(), now(),
    now(), 1, $6
FROM generate_series(1, $7)
"""
"""Plants so many milestones that fall due on a day."""

_FALL_DUE = """
UPDATE milestone SET due_date = $3 WHERE id IN (
    SELECT id FROM milestone WHERE city_code = $1 AND plan_code = $2 AND due_date > $3 LIMIT $4)
"""
_GIVE_UP = """
UPDATE milestone SET state = 'cancelled' WHERE city_code = $1 AND plan_code = $2 AND due_date <= $3
"""
_FIND = """
SELECT m.id FROM milestone m
WHERE m.city_code = $1 AND m.plan_code = $2 AND m.state NOT IN ('closed', 'cancelled', 'completed')
    AND m.due_date <= $3
    AND NOT EXISTS (SELECT FROM alert a WHERE a.city_code = m.city_code
        AND a.subject_kind = 'milestone' AND a.subject_id = m.id::text AND a.reach IS NOT NULL)
"""

_TELL = untraced(f"""
WITH made AS MATERIALIZED (
    SELECT gen_random_uuid() AS id, gen_random_uuid() AS event_id, m.title, m.due_date,
        m.id::text AS subject, encode(sha256(convert_to(m.id::text, 'UTF8')), 'hex') AS alert_key,
        jsonb_build_object('alert_key', m.id, 'epoch', 1, 'rule', 'milestone_due', 'stage', 'T0',
            'repeat', 0, 'level', 1, 'due_date', m.due_date, 'organization_code',
            m.organization_code, 'title', m.title, 'message', m.title, 'message_en', m.title,
            'recipients', '[]'::jsonb, 'calendar', 'official') AS data
    FROM milestone m WHERE m.id IN ({_FIND})
), told AS (
    INSERT INTO alert (city_code, id, plan_code, alert_key, rule, subject_kind, subject_id, epoch,
        organization_code, title, message, message_en, due_date, stage, repeat, level, given_level,
        reach, seq, state, arrived, notified, recipients, calendar, calendar_version, rules_version,
        holds_top, raised_at, updated_at, version)
    SELECT $1, id, $2, alert_key, 'milestone_due', 'milestone', subject, 1, 'UN39', title, title,
        title, due_date, 'T0', 0, 1, 1, 0, 1, 'open', FALSE, TRUE, '[]', 'official', 1, 0, FALSE,
        now(), now(), 1 FROM made
), noted AS (
    INSERT INTO alert_notice SELECT $1, alert_key, 'T0', 0, 1, 0, 'given', event_id, 'official', 1,
        0, now() FROM made
), kept AS (
    INSERT INTO alert_history SELECT $1, id, 1, 'given', data, '{{}}', NULL, 1, 0, now() FROM made
), {
    event_inserts(
        "made",
        city_code="$1",
        id="event_id",
        plan_code="$2",
        type="'alert.raised'",
        subject_kind="'alert'",
        subject_id="id::text",
        organization_code="'UN39'",
        actor="'{}'",
        data="data",
        occurred_at="now()",
    )
}
SELECT count(*) FROM happened
""")


async def evaluating(system: System) -> list[str]:
    """Evaluate 100,000 open deadlines, 2,000 newly due, beside statements that do the same.

    To find is compared with a statement that finds, to tell with one that also writes what an
    evaluation writes, without a word of what it says.
    """
    async with fresh_database(system, "bench_deadlines", xinmi()) as database:
        connection = await asyncpg.connect(database.dsn)
        far = _MORNING.date() + timedelta(days=90)
        await connection.execute(PLANT, CITY, PLAN, "UN39", far, "in_progress", None, _OPEN)
        await connection.execute("ANALYZE milestone")
        await _evaluate(database, 0)
        before = _peak()
        times = [await _round(database, connection, number) for number in range(_ROUNDS)]
        peak = _peak()
        await connection.close()
    find, foresee, tell, evaluate = (list(each) for each in zip(*times, strict=True))
    what = "100,000 deadlines, 2,000 newly due"
    return [
        Measure(f"judging {what}", foresee, "one statement that finds", find, 5, "ms").line(),
        Measure(f"telling {what}", evaluate, "one statement, bare rows", tell, 5, "ms").line(),
        Measure(f"telling {what}", evaluate, "one statement that finds", find, 5, "ms").line(),
        f"{'peak memory while evaluating':<46}{peak:>10,.0f} MiB, it grew by {peak - before:,.0f}",
    ]


async def _round(
    database: Database, connection: asyncpg.Connection, number: int
) -> tuple[float, float, float, float]:
    """Return the milliseconds of both statements and both passes over one day's deadlines."""
    place = (CITY, PLAN, _MORNING.date() + timedelta(days=number))
    await connection.execute(_FALL_DUE, *place, _NEWLY_DUE)
    # Without statistics the statements are planned as if there were no alerts, and take seconds.
    await connection.execute("ANALYZE milestone, alert")
    find = await _timed(lambda: connection.fetch(_FIND, *place))
    found = await connection.fetch(_FIND, *place)
    undone = connection.transaction()
    await undone.start()
    tell = await _timed(lambda: connection.execute(_TELL, *place))
    await undone.rollback()
    async with database.transaction() as session:
        plan = await plan_state(session, CITY, PLAN)
        assert plan is not None
        started = time.perf_counter()
        foreseen = await dry_run_plan(session, plan, _at(number).now(), rules=None, most=500)
        foresee = 1000 * (time.perf_counter() - started)
    started = time.perf_counter()
    done = await _evaluate(database, number)
    evaluate = 1000 * (time.perf_counter() - started)
    assert len(found) == foreseen.notified == done.notified == _NEWLY_DUE, (
        len(found),
        foreseen,
        done,
    )
    # What this day told of is given up, so that the next one tells of nothing else.
    await connection.execute(_GIVE_UP, *place)
    await _evaluate(database, number)
    return find, foresee, tell, evaluate


async def _evaluate(database: Database, number: int) -> Evaluated:
    async with database.transaction() as session:
        done = await evaluate_plan(session, CITY, PLAN, _at(number))
    assert done is not None
    return done


def _at(number: int) -> Clock:
    return Clock(_MORNING + timedelta(days=number) - Clock.true_now())


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - started)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def waiting(system: System, _bare: int) -> list[str]:
    """Ask what waits for an office with 5,000 open items, beside a list as long, by pages."""
    connection = await asyncpg.connect(system.database_url)
    today = Clock().today("Asia/Shanghai")
    await connection.execute(
        PLANT, CITY, PLAN, "UN15", today, "completed", today + timedelta(days=5), _WAITING
    )
    await connection.execute("ANALYZE milestone")
    await connection.close()
    figures, ceilings = [], []
    for _ in range(_ROUNDS):
        figures.append(_p95(await volley(system.port, _asked(system, "/v1/me/todo"), clients=1)))
        listed = f"/v1/plans/{PLAN}/milestones?organization_code=UN15"
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
