"""What one thing costs, in milliseconds of CPU: a submission, a recompute, an evaluation.

And what a value takes on disk.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from functools import partial
from statistics import median

import asyncpg

from bench.country.ground import City
from bench.country.processes import Processes, cpu_of, spent
from bench.country.traffic import Heard, Wish, paced
from services.core.alerts.following import evaluate_plan
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.scoring.service import rebuild_inputs, recompute_plan

_POSTS = 400
_TRIED = 5
"""Cities in which a recompute and an evaluation are measured; the median counts."""

_NEWLY_DUE = 20
_CALLERS = 4

_FALL_DUE = """
UPDATE milestone SET due_date = $3 WHERE city_code = $1 AND id IN (
    SELECT id FROM milestone WHERE city_code = $1 AND plan_code = $2 AND due_date > $3
    ORDER BY id LIMIT $4)
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds of CPU of one submission, one recompute and one evaluation."""

    submission: float
    recompute: float
    evaluation: float


async def costs(database: Database, processes: Processes, cities: Sequence[City]) -> Costs:
    """Measure each in the cities that there are, with whatever the database holds by now."""
    submission = await _submissions(database, processes, cities)
    step = max(1, len(cities) // _TRIED)
    tried = cities[::step][:_TRIED]
    recomputes, evaluations = [], []
    for turn in range(-(-_TRIED // len(tried)) + 1):
        for city in tried:
            recompute = await _cpu(database, partial(_recompute, database, city))
            await _fall_due(database, city, turn)
            evaluation = await _cpu(database, partial(_evaluate, database, city, turn))
            if turn:  # the first turn warms everything up
                recomputes.append(recompute)
                evaluations.append(evaluation)
    return Costs(submission, median(recomputes), median(evaluations))


async def _submissions(database: Database, processes: Processes, cities: Sequence[City]) -> float:
    """Return the CPU of the API and its connections for one submission, city after city."""

    def wish(number: int) -> Wish:
        city = cities[number % len(cities)]
        return Wish("submission", city.report(f"cost-{time.monotonic_ns()}-{number}"))

    heard = Heard()
    for turn in range(2):  # the first turn warms everything up
        before = await spent(database.pool, processes)
        heard = await paced(processes.ports, wish, number=_POSTS, callers=_CALLERS, rate=None)
        assert set(heard.statuses) == {201}, (turn, heard.statuses)
    after = await spent(database.pool, processes)
    return 1000 * (after["api"] - before["api"]) / _POSTS


async def _cpu(database: Database, work: Callable[[], Awaitable[object]]) -> float:
    """Return the milliseconds of CPU that work of this process takes, its connection's with it."""
    pids = await _own_connections(database.pool)
    before = cpu_of(*pids)
    await work()
    return 1000 * (cpu_of(*pids) - before)


async def _own_connections(pool: asyncpg.Pool) -> Sequence[int]:
    rows = await pool.fetch(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'simulation'"
    )
    return [row["pid"] for row in rows]


async def _recompute(database: Database, city: City) -> None:
    async with database.transaction() as session:
        place = (city.plan.city.code, city.plan.code)
        await rebuild_inputs(session, *place)
        await recompute_plan(session, *place, clock=Clock())


async def _fall_due(database: Database, city: City, turn: int) -> None:
    """Let some deadlines of a city fall due on the day of a turn."""
    due = _morning(turn).date()
    await database.pool.execute(_FALL_DUE, city.plan.city.code, city.plan.code, due, _NEWLY_DUE)


async def _evaluate(database: Database, city: City, turn: int) -> None:
    async with database.transaction() as session:
        clock = Clock(_morning(turn) - Clock.true_now())
        await evaluate_plan(session, city.plan.city.code, city.plan.code, clock)


def _morning(turn: int) -> datetime:
    """Return ten o'clock in Xinmi of the day after so many turns from now."""
    day = Clock.true_now().date() + timedelta(days=1 + turn)
    return datetime.combine(day, clock_time(2), UTC)


_SIZES = """
SELECT coalesce(p.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid)) AS bytes
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON
    p.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1
"""


async def sizes(pool: asyncpg.Pool) -> Mapping[str, int]:
    """Return the bytes of each table with its indexes and parts."""
    return {row["name"]: int(row["bytes"]) for row in await pool.fetch(_SIZES)}
