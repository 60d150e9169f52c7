"""The mixed load of a working day, and what became of it: waits, lag, the ways of an approval."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from statistics import median

import asyncpg

from bench.country.ground import City, followed
from bench.country.processes import Processes, spent
from bench.country.traffic import Answer, Heard, Wish, paced
from services.core.events.queries import log_standing
from services.core.followers import READERS
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import made_at, new_id

_MIX = ("submission", "approval", "submission", "board", "submission", "list")
"""Half of the requests report, a sixth each approves, reads a board, and lists."""

_LISTED = "submissions?page_size=50"
_CALLERS = 32


@dataclass(frozen=True, slots=True)
class Day:
    """What a load came to; times in milliseconds, lag in seconds.

    `to_board` and `to_receiver` are the median and the 99th of a hundred, from the commit of an
    approval; CPU is of the worker and its connections for one event.
    """

    heard: Heard
    lag: float
    to_board: tuple[float, float]
    to_receiver: tuple[float, float]
    worker_cpu: float


class _Wishes:
    """Makes the requests of the mix, city after city; approves what was reported before."""

    def __init__(self, cities: Sequence[City]) -> None:
        self._cities = cities
        self._name = str(new_id())
        self._reported: deque[tuple[City, str]] = deque()

    def __call__(self, number: int) -> Wish:
        city = self._cities[number // len(_MIX) % len(self._cities)]
        kind = _MIX[number % len(_MIX)]
        if kind == "approval" and self._reported:
            city, path = self._reported.popleft()
            key = f"approve-{self._name}-{number}"
            return Wish(kind, city.approval(path, key))
        if kind == "board":
            year = city.places[0][1][:4]
            return Wish(kind, city.asked("GET", f"{city.path}/scoreboard?period={year}"))
        if kind == "list":
            return Wish(kind, city.asked("GET", f"{city.path}/{_LISTED}"))

        def heard(answer: Answer) -> None:
            if answer.status == 201:
                self._reported.append((city, answer.header(b"location")))

        return Wish("submission", city.report(f"report-{self._name}-{number}"), heard)


async def day(
    database: Database,
    processes: Processes,
    cities: Sequence[City],
    *,
    number: int,
    rate: float | None,
    done: Callable[[], None],
) -> Day:
    """Send the mix at a rate, wait until all was followed, and say what it came to."""
    since = await database.pool.fetchval("SELECT clock_timestamp()")
    before = await spent(database.pool, processes)
    lags: list[float] = []
    watching = asyncio.create_task(_watch(database, lags))
    heard = await paced(
        processes.ports, _Wishes(cities), number=number, callers=_CALLERS, rate=rate, done=done
    )
    watching.cancel()
    await followed(database)
    after = await spent(database.pool, processes)
    events = await database.pool.fetchval(_EVENTS, since)
    return Day(
        heard,
        max(lags, default=0.0),
        _of(await database.pool.fetch(_TO_BOARD, since)),
        _of(await database.pool.fetch(_TO_RECEIVER, since)),
        1000 * (after["worker"] - before["worker"]) / max(1, events),
    )


async def _watch(database: Database, lags: list[float]) -> None:
    """Note every half second how old the oldest event is that somebody has not read."""
    while True:
        async with database.sessions() as session:
            oldest = (await log_standing(session, readers=READERS)).oldest
        if oldest is not None:
            lags.append((Clock.true_now() - made_at(oldest)).total_seconds())
        await asyncio.sleep(0.5)


_EVENTS = "SELECT count(*) FROM event WHERE occurred_at >= $1"

# The board that shows an approval is the first of its period drawn from its position on.
_TO_BOARD = """
SELECT 1000 * extract(epoch FROM s.computed_at - e.occurred_at) AS took
FROM event e
JOIN event_position p ON p.city_code = e.city_code AND p.event_id = e.id
CROSS JOIN LATERAL (
    SELECT computed_at FROM score_snapshot
    WHERE city_code = e.city_code AND plan_code = e.plan_code AND basis = 'approved'
        AND period = e.data->>'period' AND position >= p.position
    ORDER BY sequence LIMIT 1
) s
WHERE e.type = 'submission.approved' AND e.occurred_at >= $1
"""
_TO_RECEIVER = """
SELECT 1000 * extract(epoch FROM a.started_at - e.occurred_at) AS took
FROM event e
JOIN webhook_delivery d ON d.city_code = e.city_code AND d.event_id = e.id
JOIN webhook_attempt a ON a.city_code = d.city_code AND a.delivery_id = d.id AND a.number = 1
WHERE e.type = 'submission.approved' AND e.occurred_at >= $1
"""


def _of(rows: Sequence[asyncpg.Record]) -> tuple[float, float]:
    took = sorted(float(row["took"]) for row in rows)
    return (median(took), took[int(len(took) * 0.99)]) if took else (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last minute before a deadline: what all heard, and how many values are stored."""

    many: Heard
    few: Heard
    stored: int


def _report(city: City, name: str, turn: int) -> Wish:
    return Wish("submission", city.report(f"{name}-{turn}"))


async def deadline_day(
    database: Database,
    processes: Processes,
    city: City,
    *,
    callers: int,
    seconds: float,
    rate: float,
    done: Callable[[], None] = lambda: None,
) -> Deadline:
    """Let so many callers report at a rate, after the same number from sixteen."""
    name, number = str(new_id()), int(rate * seconds)
    began: datetime = await database.pool.fetchval("SELECT clock_timestamp()")
    heard = [
        await paced(
            processes.ports,
            partial(_report, city, f"{name}-{of}"),
            number=number,
            callers=of,
            rate=rate,
            done=done,
        )
        for of in (16, callers)
    ]
    stored = await database.pool.fetchval(
        "SELECT count(*) FROM submission WHERE city_code = $1 AND created_at >= $2",
        city.plan.city.code,
        began,
    )
    return Deadline(heard[1], heard[0], stored)
