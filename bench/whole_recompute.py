"""What the worker does at once: recompute a whole plan."""

import resource
from collections.abc import Mapping

import asyncpg

from bench.databases import CLOCK, fresh_database, timed
from bench.places import xinmi
from bench.report import Measure
from bench.system import System
from services.core.kit.statements import DriverStatement
from services.core.plan.document import PlanDocument
from services.core.scoring.service import recompute_plan

_UNITS, _MONTHS, _INDICATORS = 200, 60, 48


_ROUNDS = 5


# Where periods add up, a part of a year is held against its part of the year's target.
_HAND_BOARDS = DriverStatement("""
WITH summed AS MATERIALIZED (
    SELECT period, indicator_code, sum(value) AS value, sum(numerator) AS numerator,
        sum(denominator) AS denominator
    FROM score_input
    WHERE city_code = :city AND plan_code = :plan AND basis = 'approved' AND until_position IS NULL
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
), expected AS (
    SELECT *, 40 * CASE WHEN substr(indicator_code, 2)::int % 2 = 1 THEN 1
        WHEN board LIKE '____' THEN 1 WHEN board LIKE '%H_' THEN 0.5
        WHEN board LIKE '%Q_' THEN 0.25 ELSE 1 / 12::numeric END AS target
    FROM judged
), attained AS (
    SELECT *, least(greatest(value / target, 0), 1) * 100 AS attainment FROM expected
), grouped AS (
    SELECT board, grp, avg(attainment) AS score,
        jsonb_agg(jsonb_build_object('code', indicator_code, 'value', value::text,
            'attainment', attainment::text, 'met', value >= target,
            'light', CASE WHEN value >= target THEN 'green' ELSE 'red' END,
            'reason', 'target 40') ORDER BY indicator_code) AS lines
    FROM attained GROUP BY board, grp
)
INSERT INTO hand_board
SELECT board, jsonb_build_object('overall', avg(score)::text, 'groups',
    jsonb_agg(jsonb_build_object('code', grp, 'score', score::text, 'lines', lines) ORDER BY grp))
FROM grouped GROUP BY board
""")


_HAND_SCORES = DriverStatement("""
WITH scored AS (
    INSERT INTO hand_score
    SELECT indicator_code, period, organization_code, least(value / 40, 1) * 100
    FROM score_input
    WHERE city_code = :city AND plan_code = :plan AND basis = 'approved' AND until_position IS NULL
    RETURNING *
)
INSERT INTO hand_total SELECT period, unit, sum(score) / 48 FROM scored GROUP BY period, unit
""")


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
    named = {"city": plan.city.code, "plan": plan.code}
    async with fresh_database(system, "bench_full", plan) as database:
        connection = await asyncpg.connect(database.dsn, command_timeout=120)
        await _fill(connection, named)

        async def recompute() -> None:
            async with database.transaction() as session:
                await recompute_plan(session, *place, clock=CLOCK)

        times = []
        for _ in range(_ROUNDS + 1):
            await connection.execute("TRUNCATE hand_board, hand_score, hand_total")
            # As if every board had been drawn by an older version: each is drawn and kept anew.
            await connection.execute("UPDATE score_snapshot SET plan_version = 0")
            round_ = (
                await timed(recompute),
                await timed(lambda: connection.execute(*_HAND_BOARDS.bind(named))),
                await timed(lambda: connection.execute(*_HAND_SCORES.bind(named))),
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


_FILLED = DriverStatement(f"""
INSERT INTO score_input
SELECT :city, :plan, 'approved', 'I' || lpad(i::text, 2, '0'),
    (2021 + p / 12)::text || '-' || lpad((p % 12 + 1)::text, 2, '0'),
    'V' || lpad(u::text, 3, '0'), 1, NULL, gen_random_uuid(), 1,
    round((random() * 0.3)::numeric, 2),
    CASE WHEN i % 2 = 1 THEN round((random() * 60)::numeric, 2) + 1 END,
    CASE WHEN i % 2 = 1 THEN 100 END, NULL, NULL, false, false
FROM generate_series(0, {_INDICATORS - 1}) i, generate_series(0, {_MONTHS - 1}) p,
    generate_series(0, {_UNITS - 1}) u
""")


async def _fill(connection: asyncpg.Connection, named: Mapping[str, str]) -> None:
    """Let every unit's value of every month count, and make room for the hand-written results."""
    await connection.execute(*_FILLED.bind(named))
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
