"""What the worker does: number events, follow one approval, recompute a whole plan."""

import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import asyncpg
from pydantic_core import to_json

from bench.places import xinmi
from bench.report import Measure
from bench.system import CITY, PLAN, System
from services.console.schema import upgrade
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.events.statements import event_inserts
from services.core.identity.actor import system as system_actor
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.ids import new_id
from services.core.plan.document import PlanDocument
from services.core.plan.loading import leads_of, load_plan
from services.core.scoring.service import FOLLOWER, recompute_plan

_ACTOR = system_actor("bench")
_CLOCK = Clock()
_UNITS, _MONTHS, _INDICATORS = 200, 60, 48
_ROUNDS = 5


@asynccontextmanager
async def fresh_database(system: System, name: str, plan: PlanDocument) -> AsyncIterator[Database]:
    """Yield a new database of the same server with `plan` loaded and followed."""
    server = await asyncpg.connect(system.database_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = system.database_url.rsplit("/", 1)[0] + f"/{name}"
    try:
        await upgrade(url)
        async with connect(url, size=4) as database:
            async with database.transaction() as session:
                await load_plan(session, document=plan, actor=_ACTOR, now=_CLOCK.now())
            await _follow_all(database, plan.city.code)
            yield database
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def _follow(database: Database, city_code: str) -> bool:
    async with database.transaction() as session:
        numbered = await number_committed(session, city_code)
    async with database.transaction() as session:
        return await follow(session, city_code, FOLLOWER, _CLOCK) or bool(numbered)


async def _follow_all(database: Database, city_code: str) -> None:
    while await _follow(database, city_code):
        pass


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


_BACKLOG = f"""
WITH {
    event_inserts(
        "generate_series(1, 20000)",
        city_code="$1",
        id="gen_random_uuid()",
        plan_code="$2",
        type="'score.updated'",
        subject_kind="'scoreboard'",
        subject_id="'x'",
        organization_code="NULL",
        actor="'{}'",
        data="'{}'",
        occurred_at="now()",
    )
}
SELECT count(*) FROM happened
"""


async def drain(system: System) -> list[str]:
    """Number a backlog of 20,000 committed events, beside an INSERT of as many bare rows."""
    async with fresh_database(system, "bench_drain", xinmi()) as database:
        connection = await asyncpg.connect(database.dsn)
        await connection.execute(_BACKLOG, CITY, PLAN)
        await connection.execute("CREATE TABLE bare (city text, position bigint, id uuid)")

        async def number_all() -> None:
            while True:
                async with database.transaction() as session:
                    if not await number_committed(session, CITY):
                        return

        async def insert_bare() -> None:
            await connection.execute(
                "INSERT INTO bare SELECT city_code, row_number() OVER (), id FROM event"
            )

        bare = await _timed(insert_bare)
        numbered = await _timed(number_all)
        await connection.close()
    line = (
        f"{'numbering committed events':<46}{20000 / numbered:>10,.0f} /s  "
        f"one bare INSERT of as many rows {20000 / bare:,.0f} /s"
    )
    return [line]


_APPROVED_BOARD = """'{"basis": "approved"}'"""
_HAND_APPROVAL = f"""
WITH taken AS (
    DELETE FROM event_pending WHERE city_code = 'hand' RETURNING event_id
), numbered AS (
    INSERT INTO event_position SELECT 'hand', $2, event_id FROM taken
), head AS (
    UPDATE log_head SET position = $2 WHERE city_code = 'hand'
), closed AS (
    UPDATE score_input SET until_position = $2
    WHERE city_code = 'hand' AND plan_code = $5 AND indicator_code = $1 AND period = '2025'
    AND until_position IS NULL RETURNING *
), opened AS (
    INSERT INTO score_input
    SELECT city_code, plan_code, basis, indicator_code, period, organization_code, $2, NULL,
        submission_id, revision + 1, $3::numeric, NULL, NULL, NULL, NULL, false, false FROM closed
    RETURNING basis, value
), earlier AS (
    SELECT DISTINCT ON (basis) * FROM score_snapshot
    WHERE city_code = 'hand' AND plan_code = $5 AND period = '2025'
    ORDER BY basis, sequence DESC
), judged AS (
    SELECT earlier.basis, part.place, CASE WHEN part.line->>'code' = $1
        THEN part.line || jsonb_build_object('value', opened.value::text, 'attainment',
            least(opened.value / 95 * 100, 100)::text) ELSE part.line END AS line
    FROM earlier JOIN opened USING (basis),
        jsonb_array_elements(earlier.board->'indicators') WITH ORDINALITY AS part(line, place)
), added AS (
    SELECT basis, sum((line->>'weight')::numeric * (line->>'attainment')::numeric)
            / nullif(sum((line->>'weight')::numeric)
                FILTER (WHERE line->>'attainment' IS NOT NULL), 0) AS score,
        jsonb_agg(line ORDER BY place) AS lines
    FROM judged GROUP BY basis
), kept AS (
    INSERT INTO score_snapshot
    SELECT city_code, plan_code, basis, period, sequence + 1, plan_version, method,
        method_version, $2, local_date, now(),
        board || jsonb_build_object('indicators', lines, 'overall',
            board->'overall' || jsonb_build_object('score', score::text)),
        jsonb_build_object($1::text, traces->$1)
    FROM earlier JOIN added USING (basis)
), {
    event_inserts(
        "(SELECT) AS one",
        city_code="'hand'",
        id="$4::uuid",
        plan_code="$5",
        type="'score.updated'",
        subject_kind="'scoreboard'",
        subject_id="'x'",
        organization_code="NULL",
        actor="'{}'",
        data=_APPROVED_BOARD,
        occurred_at="now()",
    )
}, cursor AS (
    UPDATE reader_cursor SET position = $2 WHERE city_code = 'hand'
)
SELECT pg_notify('wufei_log', 'hand:' || $2::text)
"""


async def incremental(system: System) -> list[str]:
    """Follow one approval, beside one hand-written statement that does it, both committed."""
    plan = xinmi()
    async with fresh_database(system, "bench_incremental", plan) as database:
        connection = await asyncpg.connect(database.dsn)
        measured = [one for one in plan.indicators if not one.levels]
        ours, hands = [], []
        for number in range(80):
            indicator = measured[number % len(measured)]
            await _approved(connection, indicator.code, leads_of(indicator)[0], number)
            ours.append(await _timed(lambda: _follow(database, CITY)))
            await _follow_all(database, CITY)
            if number == len(measured):
                await _copy_for_hand(connection)
            if number > len(measured):
                values = (indicator.code, 100_000 + number, Decimal(20 + number), new_id(), PLAN)
                hands.append(await _timed(lambda: connection.fetch(_HAND_APPROVAL, *values)))  # noqa: B023
        ours = ours[-len(hands) :]
        await connection.close()
    times = [[1000 * seconds for seconds in each] for each in (ours, hands)]
    measure = Measure(
        what="number and follow one approval",
        figures=times[0],
        ceiling_name="one hand-written statement",
        ceilings=times[1],
        goal=3.0,
        unit="ms",
    )
    return [measure.line()]


async def _approved(connection: asyncpg.Connection, indicator: str, unit: str, number: int) -> None:
    """Write one more approved revision of an indicator's value for 2025, as the doors would."""
    said = {
        "indicator_code": indicator,
        "organization_code": unit,
        "period": "2025",
        "state": "approved",
        "revision": number + 1,
        "version": number + 1,
    }
    image = said | {
        "plan": PLAN,
        "value": str(20 + number),
        "numerator": None,
        "denominator": None,
        "level": None,
        "not_applicable_reason": None,
        "data_status": "final",
        "falsified": False,
    }
    submission_id = uuid5(NAMESPACE_OID, indicator)
    event_id = new_id()
    await connection.execute(
        "INSERT INTO submission_history"
        " VALUES ($1, $2, $3, 'approved', $4::text::jsonb, '{}', NULL, now())",
        CITY,
        submission_id,
        number + 1,
        to_json(image).decode(),
    )
    values = (CITY, event_id, PLAN, str(submission_id), unit, to_json(said).decode())
    await connection.execute(_APPROVED, *values)


_APPROVED = f"""
WITH {
    event_inserts(
        "(SELECT) AS one",
        city_code="$1",
        id="$2::uuid",
        plan_code="$3",
        type="'submission.approved'",
        subject_kind="'submission'",
        subject_id="$4",
        organization_code="$5",
        actor="'{}'",
        data="$6::text::jsonb",
        occurred_at="now()",
    )
}
SELECT count(*) FROM happened
"""


async def _copy_for_hand(connection: asyncpg.Connection) -> None:
    """Give the hand-written statement rows of its own to work on."""
    await connection.execute(
        "INSERT INTO score_input SELECT 'hand', plan_code, basis, indicator_code, period,"
        " organization_code, from_position, NULL, submission_id, revision, value, numerator,"
        " denominator, level, not_applicable_reason, provisional, falsified"
        " FROM score_input WHERE until_position IS NULL"
    )
    await connection.execute(
        "INSERT INTO score_snapshot SELECT DISTINCT ON (basis, period) 'hand', plan_code, basis,"
        " period, sequence, plan_version, method, method_version, position, local_date,"
        " computed_at, board, traces FROM score_snapshot ORDER BY basis, period, sequence DESC"
    )
    await connection.execute("INSERT INTO log_head VALUES ('hand', 1)")
    await connection.execute("INSERT INTO reader_cursor VALUES ('hand', 'scoring', 1)")


_HAND_BOARDS = """
WITH summed AS MATERIALIZED (
    SELECT period, indicator_code, sum(value) AS value, sum(numerator) AS numerator,
        sum(denominator) AS denominator
    FROM score_input
    WHERE city_code = $1 AND plan_code = $2 AND basis = 'approved' AND until_position IS NULL
    GROUP BY period, indicator_code
), spans AS (
    SELECT period, unnest(ARRAY[period, left(period, 4),
        left(period, 4) || '-Q' || (right(period, 2)::int + 2) / 3,
        left(period, 4) || '-H' || (right(period, 2)::int + 5) / 6]) AS board
    FROM (SELECT DISTINCT period FROM summed) AS months
), judged AS (
    SELECT board, indicator_code, substr(indicator_code, 2)::int % 6 AS grp,
        CASE WHEN substr(indicator_code, 2)::int % 2 = 0 THEN sum(value)
            ELSE sum(numerator) / sum(denominator) * 100 END AS value
    FROM spans JOIN summed USING (period) GROUP BY board, indicator_code
), attained AS (
    SELECT *, least(greatest(value / 40, 0), 1) * 100 AS attainment FROM judged
), grouped AS (
    SELECT board, grp, avg(attainment) AS score,
        jsonb_agg(jsonb_build_object('code', indicator_code, 'value', value::text,
            'attainment', attainment::text, 'met', value >= 40,
            'light', CASE WHEN value >= 40 THEN 'green' ELSE 'red' END,
            'reason', 'target 40') ORDER BY indicator_code) AS lines
    FROM attained GROUP BY board, grp
)
INSERT INTO hand_board
SELECT board, jsonb_build_object('overall', avg(score)::text, 'groups',
    jsonb_agg(jsonb_build_object('code', grp, 'score', score::text, 'lines', lines) ORDER BY grp))
FROM grouped GROUP BY board
"""


_HAND_SCORES = """
WITH scored AS (
    INSERT INTO hand_score
    SELECT indicator_code, period, organization_code, least(value / 40, 1) * 100
    FROM score_input
    WHERE city_code = $1 AND plan_code = $2 AND basis = 'approved' AND until_position IS NULL
    RETURNING *
)
INSERT INTO hand_total SELECT period, unit, sum(score) / 48 FROM scored GROUP BY period, unit
"""


def synthetic(*, units: int = _UNITS, city: str = "999999") -> PlanDocument:
    """Return a plan of 48 indicators that so many units report every month."""
    stored = xinmi().model_dump(mode="python")
    codes = [f"V{number:03}" for number in range(units)]
    kept = {one["code"]: one for one in stored["organizations"]}
    first = kept["UN15"] | {"aliases": (), "members": ()}
    template = next(one for one in stored["indicators"] if one["code"] == "U07")
    stored |= {
        "code": f"{city}-bench",
        "city": {"code": city, "name": "Bench", "superior": None},
        "organizations": [first | {"code": unit, "name": unit} for unit in codes],
        "tasks": (),
        "open_questions": (),
        "groups": [{"code": f"G{number}", "name": f"Group {number}"} for number in range(6)],
        "indicators": [
            template
            | {
                "code": f"I{number:02}",
                "group": f"G{number % 6}",
                "owners": ("V000",),
                "frequency": "monthly",
                "aggregation": dict.fromkeys(
                    ("units", "periods"), "sum" if number % 2 == 0 else "ratio_of_sums"
                ),
                "linked_measures": (),
            }
            for number in range(_INDICATORS)
        ],
    }
    return PlanDocument.model_validate(stored)


async def full(system: System) -> list[str]:
    """Recompute 48 indicators x 200 units x 60 months, beside two hand-written statements."""
    plan = synthetic()
    place = (plan.city.code, plan.code)
    async with fresh_database(system, "bench_full", plan) as database:
        connection = await asyncpg.connect(database.dsn, command_timeout=120)
        await _fill(connection, *place)

        async def recompute() -> None:
            async with database.transaction() as session:
                await recompute_plan(session, *place, clock=_CLOCK)

        times = []
        for _ in range(_ROUNDS + 1):
            await connection.execute("TRUNCATE hand_board, hand_score, hand_total")
            # As if every board had been drawn by an older version: each is drawn and kept anew.
            await connection.execute("UPDATE score_snapshot SET plan_version = 0")
            round_ = (
                await _timed(recompute),
                await _timed(lambda: connection.execute(_HAND_BOARDS, *place)),
                await _timed(lambda: connection.execute(_HAND_SCORES, *place)),
            )
            times.append(round_)
        drawn = await _compare(connection)
        await connection.close()
    # The first round warms everything up.
    ours, boards, scores = (list(each) for each in zip(*times[1:], strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = "full recompute, 576,000 values"
    return [
        Measure(what, ours, "one statement, the same boards", boards, 3.0, "s").line(),
        Measure(what, ours, "one statement, a score of each value", scores, 3.0, "s").line(),
        f"{'boards drawn, each with its traces':<46}{drawn:>10}     peak memory {peak:.0f} MB",
    ]


async def _fill(connection: asyncpg.Connection, city_code: str, plan_code: str) -> None:
    """Let every unit's value of every month count, and make room for the hand-written results."""
    await connection.execute(
        f"""INSERT INTO score_input
        SELECT $1, $2, 'approved', 'I' || lpad(i::text, 2, '0'),
            (2021 + p / 12)::text || '-' || lpad((p % 12 + 1)::text, 2, '0'),
            'V' || lpad(u::text, 3, '0'), 1, NULL, gen_random_uuid(), 1,
            round((random() * 0.3)::numeric, 2),
            CASE WHEN i % 2 = 1 THEN round((random() * 60)::numeric, 2) + 1 END,
            CASE WHEN i % 2 = 1 THEN 100 END, NULL, NULL, false, false
        FROM generate_series(0, {_INDICATORS - 1}) i, generate_series(0, {_MONTHS - 1}) p,
            generate_series(0, {_UNITS - 1}) u""",
        city_code,
        plan_code,
    )
    await connection.execute("VACUUM ANALYZE score_input")
    await connection.execute(
        "CREATE TABLE hand_board (period text, board jsonb);"
        "CREATE TABLE hand_score (indicator text, period text, unit text, score numeric);"
        "CREATE TABLE hand_total (period text, unit text, total numeric)"
    )


async def _compare(connection: asyncpg.Connection) -> int:
    """Make sure that both came to the same scores, and return of how many boards."""
    rows = await connection.fetch(
        """SELECT DISTINCT ON (period) round((h.board->>'overall')::numeric, 9) AS by_hand,
            round((s.board->'overall'->>'score')::numeric, 9) AS ours
        FROM score_snapshot s FULL JOIN hand_board h USING (period)
        ORDER BY period, s.sequence DESC"""
    )
    assert all(row["by_hand"] == row["ours"] for row in rows), rows[:3]
    return len(rows)
