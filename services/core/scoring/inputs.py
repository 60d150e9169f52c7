"""What counts after each event: the rows of `score_input`, kept in step with the log.

Many events at a time, in one statement; nothing is judged here. The approved basis follows
approvals alone; the submitted one also follows what is under review, and falls back to the
approved.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import read_by_cost, read_by_hashing
from services.core.scoring import queries
from services.core.scoring.affected import ChangedInput

_PLACE = ("plan_code", "indicator_code", "period", "organization_code")
_CONTENT = (
    "submission_id",
    "revision",
    "value",
    "numerator",
    "denominator",
    "level",
    "not_applicable_reason",
    "provisional",
    "falsified",
)


def _of(alias: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _same_place(left: str, right: str) -> str:
    return " AND ".join(f"{left}.{column} = {right}.{column}" for column in _PLACE)


_PLACES = ", ".join(_PLACE)
_CONTENTS = ", ".join(_CONTENT)
_COLUMNS = f"basis, {_PLACES}, from_position, {_CONTENTS}"

# The clocks of two hosts may differ, and with them the order of two numbers given in one
# drain: of one submission's changes, a later version never counts from an earlier position.
_IMAGES = """
    SELECT max(p.position) OVER (PARTITION BY h.submission_id ORDER BY h.version) AS position,
        h.version, e.plan_code, h.submission_id,
        h.after->>'indicator_code' AS indicator_code,
        h.after->>'period' AS period,
        h.after->>'organization_code' AS organization_code,
        h.after->>'state' AS state,
        CAST(h.after->>'revision' AS integer) AS revision,
        CAST(h.after->>'value' AS numeric) AS value,
        CAST(h.after->>'numerator' AS numeric) AS numerator,
        CAST(h.after->>'denominator' AS numeric) AS denominator,
        h.after->>'level' AS level,
        h.after->>'not_applicable_reason' AS not_applicable_reason,
        h.after->>'data_status' = 'provisional' AS provisional,
        CAST(h.after->>'falsified' AS boolean) AS falsified
    FROM event_position p
    JOIN event e ON e.city_code = p.city_code AND e.id = p.event_id
    JOIN submission_history h ON h.city_code = p.city_code
        AND h.submission_id = CASE WHEN e.subject_kind = 'submission'
            THEN CAST(e.subject_id AS uuid) END
        AND h.version = CAST(e.data->>'version' AS integer)
    WHERE p.city_code = :city AND e.subject_kind = 'submission'
"""

_APPLY = f"""
WITH images AS MATERIALIZED (
    {_IMAGES.replace(":city", "$1")} AND p.position > $2 AND p.position <= $3
), approved AS (
    SELECT DISTINCT ON ({_PLACES}) * FROM images WHERE state = 'approved'
    ORDER BY {_PLACES}, position DESC, version DESC
), latest AS (
    SELECT DISTINCT ON ({_PLACES}) * FROM images
    ORDER BY {_PLACES}, position DESC, version DESC
), wanted AS (
    SELECT 'approved' AS basis, {_PLACES}, position AS from_position, {_CONTENTS} FROM approved
    UNION ALL
    SELECT 'submitted', {_of("l", _PLACE)}, l.position, {_of("s", _CONTENT)}
    FROM latest l LEFT JOIN LATERAL (
        SELECT {_of("l", _CONTENT)}, 1 AS preference WHERE l.state IN ('submitted', 'approved')
        UNION ALL
        SELECT {_of("a", _CONTENT)}, 2 FROM approved a WHERE {_same_place("a", "l")}
        UNION ALL
        SELECT {_of("c", _CONTENT)}, 3 FROM score_input c
        WHERE c.city_code = $1 AND c.basis = 'approved' AND c.until_position IS NULL
            AND {_same_place("c", "l")}
        ORDER BY preference LIMIT 1
    ) s ON TRUE
), changed AS MATERIALIZED (
    SELECT w.* FROM wanted w LEFT JOIN score_input c ON c.city_code = $1
        AND c.basis = w.basis AND {_same_place("c", "w")} AND c.until_position IS NULL
    WHERE ({_of("w", _CONTENT)}) IS DISTINCT FROM ({_of("c", _CONTENT)})
), closed AS (
    UPDATE score_input c SET until_position = w.from_position FROM changed w
    WHERE c.city_code = $1 AND c.basis = w.basis AND {_same_place("c", "w")}
        AND c.until_position IS NULL
    RETURNING 1
), added AS (
    -- Counting the closed rows makes sure that they are closed before others take their place.
    INSERT INTO score_input (city_code, {_COLUMNS})
    SELECT $1, {_COLUMNS} FROM changed
    WHERE submission_id IS NOT NULL AND (SELECT count(*) FROM closed) >= 0
)
SELECT DISTINCT plan_code, basis, indicator_code, period FROM changed
"""  # noqa: S608 (column names of our own)


async def apply_events(
    session: AsyncSession, city_code: str, *, after: int, upto: int
) -> list[ChangedInput]:
    """Apply the submission events of the positions (after, upto]; return what changed.

    Of several events on one place only the last that matters leaves a row.
    """
    connection = await queries.driver(session)
    rows = await connection.fetch(_APPLY, city_code, after, upto)
    return [ChangedInput(*row) for row in rows]


_MAKE = text(f"""
CREATE TEMPORARY TABLE score_input_made ON COMMIT DROP AS
WITH images AS MATERIALIZED (
    SELECT i.*, count(*) FILTER (WHERE state = 'approved')
        OVER (PARTITION BY {_PLACES} ORDER BY position, version) AS approvals
    FROM ({_IMAGES} AND p.position <= :upto AND e.plan_code = :plan) i
), counted AS (
    SELECT 'approved' AS basis, {_PLACES}, position, version, {_CONTENTS}
    FROM images WHERE state = 'approved'
    UNION ALL
    SELECT 'submitted', {_PLACES}, position, version, {_CONTENTS}
    FROM images WHERE state IN ('submitted', 'approved')
    UNION ALL
    SELECT 'submitted', {_of("i", _PLACE)}, i.position, i.version, {_of("a", _CONTENT)}
    FROM images i LEFT JOIN images a ON {_same_place("a", "i")}
        AND a.state = 'approved' AND a.approvals = i.approvals
    WHERE i.state NOT IN ('submitted', 'approved')
), compared AS (
    SELECT *, jsonb_build_array({_CONTENTS}) AS content,
        lag(jsonb_build_array({_CONTENTS})) OVER place AS content_before
    FROM counted WINDOW place AS (PARTITION BY basis, {_PLACES} ORDER BY position, version)
), spans AS (
    SELECT *, lead(position) OVER place AS until_position
    FROM compared WHERE content IS DISTINCT FROM content_before
    WINDOW place AS (PARTITION BY basis, {_PLACES} ORDER BY position, version)
)
SELECT basis, {_PLACES}, position AS from_position, until_position, {_CONTENTS}
FROM spans WHERE submission_id IS NOT NULL AND until_position IS DISTINCT FROM position
""")  # noqa: S608 (column names of our own)

# Rows applied in batches skip what was overtaken within a batch, so their spans may be longer
# than those made anew. What must agree: what counts now, and what counted when a row began.
_DIFFERS = text(f"""
WITH stored AS (
    SELECT {_COLUMNS}, until_position FROM score_input
    WHERE city_code = :city AND plan_code = :plan
)
SELECT EXISTS (
    SELECT FROM (SELECT * FROM stored WHERE until_position IS NULL) s
    FULL JOIN (SELECT * FROM score_input_made WHERE until_position IS NULL) m
        ON m.basis = s.basis AND {_same_place("m", "s")}
    WHERE ({_of("s", _CONTENT)}) IS DISTINCT FROM ({_of("m", _CONTENT)})
) OR EXISTS (
    SELECT FROM stored s LEFT JOIN score_input_made m
        ON m.basis = s.basis AND {_same_place("m", "s")} AND m.from_position <= s.from_position
        AND (m.until_position IS NULL OR m.until_position > s.from_position)
    WHERE ({_of("s", _CONTENT)}) IS DISTINCT FROM ({_of("m", _CONTENT)})
)
""")  # noqa: S608 (column names of our own)

_CLEAR = text("DELETE FROM score_input WHERE city_code = :city AND plan_code = :plan")
_FILL = text(f"""
INSERT INTO score_input (city_code, {_COLUMNS}, until_position)
SELECT :city, {_COLUMNS}, until_position FROM score_input_made
""")  # noqa: S608 (column names of our own)


async def remake(session: AsyncSession, city_code: str, plan_code: str, *, upto: int) -> bool:
    """Make a plan's rows anew from the log up to a position; return whether they differed.

    Where they do not differ, nothing is written.
    """
    place = {"city": city_code, "plan": plan_code}
    await read_by_hashing(session)
    await session.execute(text("DROP TABLE IF EXISTS pg_temp.score_input_made"))
    await session.execute(_MAKE, {**place, "upto": upto})
    # Nobody else knows this table, so nobody else will ever count its rows.
    await session.execute(text("ANALYZE score_input_made"))
    differs: bool = (await session.execute(_DIFFERS, place)).scalar_one()
    if differs:
        await session.execute(_CLEAR, place)
        await session.execute(_FILL, {"city": city_code})
    await read_by_cost(session)
    return differs
