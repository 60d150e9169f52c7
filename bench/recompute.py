"""What the worker does as things happen: number events, follow one approval."""

from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

import asyncpg
from pydantic_core import to_json

from bench.databases import follow_all, follow_once, fresh_database, timed
from bench.places import untraced, xinmi
from bench.report import Measure
from bench.system import CITY, PLAN, System
from services.core.events.service import number_committed
from services.core.events.statements import event_inserts
from services.core.kit.ids import new_id
from services.core.kit.statements import DriverStatement
from services.core.plan.leads import leads_of

_BACKLOG = DriverStatement(
    untraced(f"""
WITH {
        event_inserts(
            "generate_series(1, 20000)",
            city_code=":city",
            id="CAST(concat(left(:made, 15), substr(CAST(gen_random_uuid() AS text), 16)) AS uuid)",
            plan_code=":plan",
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
""")
)


async def drain(system: System) -> list[str]:
    """Number a backlog of 20,000 committed events, beside an INSERT of as many bare rows."""
    async with fresh_database(system, "bench_drain", xinmi()) as database:
        connection = await asyncpg.connect(database.dsn)
        await connection.execute(
            *_BACKLOG.bind({"city": CITY, "plan": PLAN, "made": str(new_id())})
        )
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

        bare = await timed(insert_bare)
        numbered = await timed(number_all)
        await connection.close()
    line = (
        f"{'numbering committed events':<46}{20000 / numbered:>10,.0f} /s  "
        f"one bare INSERT of as many rows {20000 / bare:,.0f} /s"
    )
    return [line]


_APPROVED_BOARD = """'{"basis": "approved"}'"""
_HAND_APPROVAL = DriverStatement(
    untraced(f"""
WITH taken AS (
    DELETE FROM event_pending WHERE city_code = 'hand' RETURNING event_id
), numbered AS (
    INSERT INTO event_position SELECT 'hand', :position, event_id FROM taken
), head AS (
    UPDATE log_head SET position = :position WHERE city_code = 'hand'
), closed AS (
    UPDATE score_input SET until_position = :position
    WHERE city_code = 'hand' AND plan_code = :plan AND indicator_code = :indicator
    AND period = '2025' AND until_position IS NULL RETURNING *
), opened AS (
    INSERT INTO score_input
    SELECT city_code, plan_code, basis, indicator_code, period, organization_code, :position, NULL,
        submission_id, revision + 1, CAST(:value AS numeric), NULL, NULL, NULL, NULL, false, false
    FROM closed
    RETURNING basis, value
), earlier AS (
    SELECT DISTINCT ON (basis) * FROM score_snapshot
    WHERE city_code = 'hand' AND plan_code = :plan AND period = '2025'
    ORDER BY basis, sequence DESC
), judged AS (
    SELECT earlier.basis, part.place, CASE WHEN part.line->>'code' = :indicator
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
        method_version, :position, local_date, now(),
        board || jsonb_build_object('indicators', lines, 'overall',
            board->'overall' || jsonb_build_object('score', score::text)),
        jsonb_build_object(CAST(:indicator AS text), traces->CAST(:indicator AS text))
    FROM earlier JOIN added USING (basis)
), {
        event_inserts(
            "(SELECT) AS one",
            city_code="'hand'",
            id="CAST(:event AS uuid)",
            plan_code=":plan",
            type="'score.updated'",
            subject_kind="'scoreboard'",
            subject_id="'x'",
            organization_code="NULL",
            actor="'{}'",
            data=_APPROVED_BOARD,
            occurred_at="now()",
        )
    }, cursor AS (
    UPDATE reader_cursor SET position = :position WHERE city_code = 'hand'
)
SELECT pg_notify('wufei_log', 'hand:' || CAST(CAST(:position AS bigint) AS text))
""")
)


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
            ours.append(await timed(lambda: follow_once(database, CITY)))
            await follow_all(database, CITY)
            if number == len(measured):
                await _copy_for_hand(connection)
            if number > len(measured):
                statement = _HAND_APPROVAL.bind(
                    {
                        "indicator": indicator.code,
                        "position": 100_000 + number,
                        "value": Decimal(20 + number),
                        "event": new_id(),
                        "plan": PLAN,
                    }
                )
                hands.append(await timed(lambda: connection.fetch(*statement)))  # noqa: B023
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
    remembered = {
        "city": CITY,
        "submission": submission_id,
        "version": number + 1,
        "image": to_json(image).decode(),
    }
    await connection.execute(*_REMEMBERED.bind(remembered))
    happened = {
        "city": CITY,
        "event": event_id,
        "plan": PLAN,
        "submission": str(submission_id),
        "unit": unit,
        "data": to_json(said).decode(),
    }
    await connection.execute(*_APPROVED.bind(happened))


_REMEMBERED = DriverStatement("""
INSERT INTO submission_history VALUES
    (:city, :submission, :version, 'approved', CAST(CAST(:image AS text) AS jsonb), '{}', NULL,
    now())
""")

_APPROVED = DriverStatement(
    untraced(f"""
WITH {
        event_inserts(
            "(SELECT) AS one",
            city_code=":city",
            id="CAST(:event AS uuid)",
            plan_code=":plan",
            type="'submission.approved'",
            subject_kind="'submission'",
            subject_id=":submission",
            organization_code=":unit",
            actor="'{}'",
            data="CAST(CAST(:data AS text) AS jsonb)",
            occurred_at="now()",
        )
    }
SELECT count(*) FROM happened
""")
)


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
