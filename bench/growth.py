"""A ledger that grows from nothing: what is approved first shows soon, and a recompute is linear.

Nothing is planted: submissions are written with their events, numbered, and followed by every
reader as a worker does it, on a database that nobody has analysed yet.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from bench.databases import fresh_database
from bench.places import untraced
from bench.system import System
from bench.whole_recompute import synthetic
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.events.statements import event_inserts
from services.core.followers import FOLLOWERS
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.kit.ids import new_id
from services.core.kit.statistics import count_grown
from services.core.plan.document import PlanDocument
from services.core.scoring.service import rebuild_inputs, recompute_plan

SIZE = 40_000
"""Submissions in the end, unless the command says another number; up to 600,000."""

_FIRST = 9_468
_AT_ONCE = 2_000
_CLOCK = Clock()
_LAG_ALLOWED = 1.0
_SHARES = (4, 2, 1)
"""A recompute is timed at so many parts of the size."""

_ACTOR = """'{"kind": "bench"}'"""

_WRITE = untraced(f"""
WITH made AS (
    SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[],
        $9::text[])
    AS m(id, indicator, unit, period, image, event_id, data)
), stored AS (
    INSERT INTO submission (city_code, id, plan_code, indicator_code, organization_code, period,
        state, revision, version, approved_revision, value, data_status, on_behalf, falsified,
        reported_by, reported_by_organization, created_at, updated_at, submitted_at, decided_at)
    SELECT $1, id, $2, indicator, unit, period, 'approved', 1, 1, 1,
        (image::jsonb->>'value')::numeric, 'final', FALSE, FALSE, id, unit, now(), now(), now(),
        now()
    FROM made
), written AS (
    INSERT INTO submission_history (city_code, submission_id, version, action, after, actor,
        occurred_at)
    SELECT $1, id, 1, 'approved', image::jsonb, '{{"kind": "bench"}}', now() FROM made
), {
    event_inserts(
        "made",
        city_code="$1",
        id="event_id",
        plan_code="$2",
        type="'submission.approved'",
        subject_kind="'submission'",
        subject_id="id::text",
        organization_code="unit",
        actor=_ACTOR,
        data="data::jsonb",
        occurred_at="now()",
    )
}
SELECT count(*) FROM happened
""")


@dataclass(frozen=True)
class GrowingLedger:
    """A ledger that grows, and where the next submission belongs."""

    database: Database
    plan: PlanDocument
    places: Sequence[tuple[str, str, str]]
    new_id: Callable[[], UUID] = new_id

    async def write(self, first: int, last: int) -> None:
        """Commit the submissions of the places from `first` up to but not with `last`."""
        async with self.database.pool.acquire() as connection:
            for start in range(first, last, _AT_ONCE):
                await self._some(connection, self.places[start : min(start + _AT_ONCE, last)])

    async def _some(
        self, connection: asyncpg.Connection, places: Sequence[tuple[str, str, str]]
    ) -> None:
        columns: list[list[object]] = [[], [], [], [], [], [], []]
        for indicator, period, unit in places:
            said = {
                "indicator_code": indicator,
                "organization_code": unit,
                "period": period,
                "state": "approved",
                "revision": 1,
                "version": 1,
            }
            image = said | {
                "plan": self.plan.code,
                "value": str(Decimal(len(columns[0]) % 97) / 100),
                "numerator": None,
                "denominator": None,
                "level": None,
                "not_applicable_reason": None,
                "data_status": "final",
                "falsified": False,
            }
            row = (
                self.new_id(),
                indicator,
                unit,
                period,
                to_json(image).decode(),
                self.new_id(),
                to_json(said).decode(),
            )
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        await connection.execute(_WRITE, self.plan.city.code, self.plan.code, *columns, timeout=120)

    async def follow(self) -> dict[str, float]:
        """Number and follow all there is, as a worker does; return the seconds of each reader."""
        city, spent = self.plan.city.code, {"numbering": 0.0}
        busy = True
        while busy:
            busy = False
            started = time.perf_counter()
            async with self.database.transaction() as session:
                busy |= await number_committed(session, city) > 0
            spent["numbering"] += time.perf_counter() - started
            for follower in FOLLOWERS:
                started = time.perf_counter()
                while await self._turn(follower.reader):
                    busy = True
                took = time.perf_counter() - started
                spent[follower.reader] = spent.get(follower.reader, 0.0) + took
        return spent

    async def _turn(self, reader: str) -> bool:
        follower = next(each for each in FOLLOWERS if each.reader == reader)
        await self._count()
        async with self.database.transaction() as session:
            return await follow(session, self.plan.city.code, follower, _CLOCK) is not None

    async def _count(self) -> None:
        """Have the tables counted that have doubled, which a worker looks for now and then."""
        async with self.database.transaction() as session:
            await count_grown(session)

    async def recompute(self) -> float:
        """Make inputs and boards anew, as `wufei score recompute` does; return the seconds."""
        started = time.perf_counter()
        async with self.database.transaction() as session:
            place = (self.plan.city.code, self.plan.code)
            differed = await rebuild_inputs(session, *place)
            done = await recompute_plan(session, *place, clock=_CLOCK)
        assert not differed, "what counts was not what the log says"
        assert done.changed == 0, "boards were not what counts says"
        return time.perf_counter() - started


async def growing(system: System, size: int = SIZE) -> list[str]:
    """Grow a ledger from nothing; the ratios are of one approval's lag, and of equal growth."""
    plan = synthetic()
    async with fresh_database(system, "bench_growing", plan) as database:
        # Autovacuum would analyse the tables sooner or later; here nobody ever does.
        await database.pool.execute("ALTER SYSTEM SET autovacuum = off")
        await database.pool.execute("SELECT pg_reload_conf()")
        try:
            return await _measured(GrowingLedger(database, plan, places(plan, size)), size)
        finally:
            await database.pool.execute("ALTER SYSTEM RESET autovacuum")
            await database.pool.execute("SELECT pg_reload_conf()")


async def _measured(grown: GrowingLedger, size: int) -> list[str]:
    lines, done = [], min(_FIRST, size // _SHARES[0] - 2)
    started = time.perf_counter()
    await grown.write(0, done)
    spent = await grown.follow()
    lines.append(_line(f"{done:,} first submissions followed", time.perf_counter() - started))
    lines.append("    " + ", ".join(f"{name} {took:.1f} s" for name, took in spent.items()))
    started = time.perf_counter()
    await grown.write(done, done + 1)
    await grown.follow()
    lag = time.perf_counter() - started
    verdict = "ok" if lag < _LAG_ALLOWED else "SHORT"
    lines.append(_line("then one approval, until its boards", lag) + f"  goal <1 s {verdict}")
    done += 1
    times: list[tuple[int, float]] = []
    for share in _SHARES:
        upto = size // share
        await grown.write(done, upto)
        await grown.follow()
        done = upto
        took = await grown.recompute()
        times.append((upto, took))
        lines.append(_line(f"recompute from a log of {upto:,} submissions", took))
    (less, first), (more, last) = times[0], times[-1]
    ratio = (last / more) / (first / less)
    verdict = "ok" if ratio < 2 else "SHORT"
    lines.append(
        f"{'time for each submission, last ÷ first':<46}{ratio:>10,.2f}  goal <2 {verdict}"
    )
    return lines


def _line(what: str, seconds: float) -> str:
    return f"{what:<46}{seconds:>10,.2f} s"


def places(plan: PlanDocument, size: int) -> list[tuple[str, str, str]]:
    """Return the first places for submissions: month by month, every indicator of every unit."""
    months = [f"{year}-{month:02}" for year in range(2021, 2026) for month in range(1, 13)]
    units = [unit.code for unit in plan.organizations if unit.submits]
    found = [
        (indicator.code, month, unit)
        for month in months
        for indicator in plan.indicators
        for unit in units
    ]
    return found[:size]
