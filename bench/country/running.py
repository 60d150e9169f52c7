"""What `wufei simulate country` does, in order, and the tables that it prints.

It starts a system of its own in a folder of its own. Cities come in stages; in each stage costs
are counted and a mixed load is sent at the chosen pace. Then all cities are worked through by one
and by two processes of each sort, and a deadline comes.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.country import tables
from bench.country.costs import costs, sizes
from bench.country.ground import City, administrator, followed, hears, settle
from bench.country.load import Day, day, deadline_day
from bench.country.processes import Processes, hold, running, spent
from bench.country.stages import Simulated, Stage, Worked
from bench.growth import GrowingLedger
from bench.system import System, running_system
from bench.webhooks import receiver
from services.core.kit.database import Database, connect

_CONNECTIONS = 3
_BACKLOG_EACH = 240
"""Approved values of a city that wait for the workers when those are compared."""

_BACKLOG_MOST = 3_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: cities of each stage, pace in requests a second, seconds, processes."""

    stages: Sequence[int] = (1, 10, 100)
    rate: float = 60
    seconds: float = 30
    processes: int = 2
    submitters: int = 500
    deadline_rate: float = 100
    deadline_seconds: float = 60


def simulate(wanted: Wanted, picture: Path | None = None) -> int:
    """Run the simulation and print what it showed; exit 1 where something was lost or failed."""
    console = Console(record=picture is not None, width=118)
    simulated = Simulated()
    try:
        with _progress(console) as progress:
            asyncio.run(_simulate(simulated, wanted, progress))
    finally:  # what was measured is told, however it ended
        for table in tables.of(simulated):
            console.print(table)
    faults = tables.faults(simulated)
    for fault in faults:
        console.print(f"FAULT {fault}")
    if picture is not None:
        console.save_svg(str(picture), title="wufei simulate country")
    return 1 if faults else 0


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<46}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        TimeElapsedColumn(),
        console=console,
    )


async def _simulate(simulated: Simulated, wanted: Wanted, progress: Progress) -> None:
    cities = list[City]()
    async with (
        running_system() as system,
        receiver() as url,
        connect(system.database_url, size=_CONNECTIONS, application_name="simulation") as database,
    ):
        await followed(database)
        await hold(database.pool, [system.worker_pid])
        for number in wanted.stages:
            async with running(system, apis=1, workers=1) as processes:
                await _grow(system, database, processes, cities, number, url, progress)
                simulated.stages.append(await _stage(database, processes, cities, wanted, progress))
        for number in range(1, wanted.processes + 1):
            simulated.worked.append(await _worked(system, database, cities, number, progress))
        async with running(system, apis=wanted.processes, workers=1) as processes:
            total = 2 * int(wanted.deadline_rate * wanted.deadline_seconds)
            with _bar(progress, f"deadline, {wanted.submitters} submitters", total) as step:
                simulated.deadline = await deadline_day(
                    database, processes, cities[0],
                    callers=wanted.submitters, seconds=wanted.deadline_seconds,
                    rate=wanted.deadline_rate, done=step,
                )  # fmt: skip


class _bar:  # noqa: N801 (used as a function)
    """A line of the progress: entered, it gives what counts one step."""

    def __init__(self, progress: Progress, what: str, total: float) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(what, total=total)

    def __enter__(self) -> Callable[[], None]:
        return lambda: self._progress.advance(self._task)

    def __exit__(self, *_error: object) -> None:
        self._progress.stop_task(self._task)


async def _grow(
    system: System,
    database: Database,
    processes: Processes,
    cities: list[City],
    number: int,
    receiver_url: str,
    progress: Progress,
) -> None:
    """Add cities until there are so many, and have all that they lived followed."""
    new = range(len(cities), number)
    with _bar(progress, f"{number} cities", len(new)) as step:
        async with administrator(system, processes.ports[0]) as client:
            for each in new:
                cities.append(await settle(database, client, each))
                step()
            await followed(database)
            for each in new:
                await hears(client, cities[each], receiver_url)
        await followed(database)
        await database.pool.execute("VACUUM ANALYZE", timeout=600)


async def _stage(
    database: Database,
    processes: Processes,
    cities: Sequence[City],
    wanted: Wanted,
    progress: Progress,
) -> Stage:
    counted = await costs(database, processes, cities)
    await followed(database)
    number = int(wanted.rate * wanted.seconds)
    with _bar(progress, f"a working day of {len(cities)} cities", number) as step:
        came = await day(database, processes, cities, number=number, rate=wanted.rate, done=step)
    values = await database.pool.fetchval("SELECT count(*) FROM submission")
    return Stage(len(cities), values, counted, came, dict(await sizes(database.pool)))


async def _worked(
    system: System,
    database: Database,
    cities: Sequence[City],
    number: int,
    progress: Progress,
) -> Worked:
    """Let so many processes of each sort work through a backlog, then answer without a pause."""
    position = "SELECT coalesce(sum(position), 0)::bigint FROM log_head"
    pool = database.pool
    async with running(system, apis=number, workers=number) as processes:
        with _bar(progress, f"a backlog for {number} of each process", 1) as step:
            async with processes.workers_held(pool):
                await _pile_up(database, cities)
                before = await pool.fetchval(position)
                before_cpu = (await spent(pool, processes))["worker"]
                started = time.perf_counter()
            await followed(database)
            seconds = time.perf_counter() - started
            events = await pool.fetchval(position) - before
            worker = (await spent(pool, processes))["worker"] - before_cpu
            step()
        before_cpu = (await spent(pool, processes))["api"]
        heard = (await _flood(database, processes, cities, progress)).heard
        request = (await spent(pool, processes))["api"] - before_cpu
    return Worked(
        number,
        events / seconds,
        1000 * worker / events,
        worker / seconds,
        heard,
        1000 * request / sum(heard.statuses.values()),
    )


async def _pile_up(database: Database, cities: Sequence[City]) -> None:
    """Write approved values of every city that nobody follows yet."""
    each = min(_BACKLOG_EACH, _BACKLOG_MOST // len(cities))
    for city in cities:
        ledger = GrowingLedger(database, city.plan, city.places)
        await ledger.write(city.next, city.next + each)
        city.next += each


async def _flood(
    database: Database, processes: Processes, cities: Sequence[City], progress: Progress
) -> Day:
    number = 1500
    with _bar(progress, "requests without a pause", number) as step:
        return await day(database, processes, cities, number=number, rate=None, done=step)
