"""The SQL statements of scoring; those that run at every step bypass SQLAlchemy for the driver."""

from sqlalchemy import text

from services.core.events.statements import event_inserts
from services.core.kit.statements import DriverStatement

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

# The clocks of two hosts may differ, and so may the order of two positions from one drain. The
# running maximum prevents a later version of a submission from counting at an earlier position.
_IMAGE = """
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
"""

_IMAGES = f"""
    {_IMAGE}
    JOIN event e ON e.city_code = p.city_code AND e.id = p.event_id
    JOIN submission_history h ON h.city_code = p.city_code
        AND h.submission_id = CASE WHEN e.subject_kind = 'submission'
            THEN CAST(e.subject_id AS uuid) END
        AND h.version = CAST(e.data->>'version' AS integer)
    WHERE p.city_code = :city AND e.subject_kind = 'submission'
"""

# Each position is looked up by itself, in the one partition of its time. In a join, Postgres learns
# too late how few partitions it needs, and would read all of them.
_IMAGES_OF_STRETCH = f"""
    {_IMAGE}
    CROSS JOIN LATERAL (
        SELECT plan_code, subject_id, data FROM event
        WHERE city_code = :city AND id = p.event_id AND subject_kind = 'submission' LIMIT 1
    ) e
    CROSS JOIN LATERAL (
        SELECT submission_id, version, after FROM submission_history
        WHERE city_code = :city AND submission_id = CAST(e.subject_id AS uuid)
            AND version = CAST(e.data->>'version' AS integer) LIMIT 1
    ) h
    WHERE p.city_code = :city AND p.position > :after AND p.position <= :upto
"""  # noqa: S608 (text of our own)

_FELL_BACK = ", ".join(
    f"CASE WHEN l.state IN ('submitted', 'approved') THEN l.{column}"
    f" WHEN a.submission_id IS NOT NULL THEN a.{column} ELSE c.{column} END AS {column}"
    for column in _CONTENT
)

# In steps: `images` are the history's states after each event; `approved` and `latest` the last of
# each slot; `wanted` the values that count from now on, where the submitted basis falls back to a
# value approved in this stretch, or else to the one that counted before; `changed` those that
# differ from the present ones, NULL included. Only those rows are closed and added, so events that
# change no figure leave no trace here.
APPLY_EVENTS = DriverStatement(f"""
WITH images AS MATERIALIZED (
    {_IMAGES_OF_STRETCH}
), approved AS (
    SELECT DISTINCT ON ({_PLACES}) * FROM images WHERE state = 'approved'
    ORDER BY {_PLACES}, position DESC, version DESC
), latest AS (
    SELECT DISTINCT ON ({_PLACES}) * FROM images
    ORDER BY {_PLACES}, position DESC, version DESC
), wanted AS (
    SELECT 'approved' AS basis, {_PLACES}, position AS from_position, {_CONTENTS} FROM approved
    UNION ALL
    SELECT 'submitted', {_of("l", _PLACE)}, l.position, {_FELL_BACK}
    FROM latest l LEFT JOIN approved a ON {_same_place("a", "l")}
    LEFT JOIN score_input c ON c.city_code = :city AND c.basis = 'approved'
        AND c.until_position IS NULL AND {_same_place("c", "l")}
), changed AS MATERIALIZED (
    SELECT w.* FROM wanted w LEFT JOIN score_input c ON c.city_code = :city
        AND c.basis = w.basis AND {_same_place("c", "w")} AND c.until_position IS NULL
    WHERE ({_of("w", _CONTENT)}) IS DISTINCT FROM ({_of("c", _CONTENT)})
), closed AS (
    UPDATE score_input c SET until_position = w.from_position FROM changed w
    WHERE c.city_code = :city AND c.basis = w.basis AND {_same_place("c", "w")}
        AND c.until_position IS NULL
    RETURNING 1
), added AS (
    -- Counting the closed rows makes sure that they are closed before new ones are added.
    INSERT INTO score_input (city_code, {_COLUMNS})
    SELECT :city, {_COLUMNS} FROM changed
    WHERE submission_id IS NOT NULL AND (SELECT count(*) FROM closed) >= 0
)
SELECT DISTINCT plan_code, basis, indicator_code, period FROM changed
""")  # noqa: S608 (column names of our own)
"""Applies the submission events of the positions (after, upto]; returns where values changed."""

FORGET_MADE = text("DROP TABLE IF EXISTS pg_temp.score_input_made")
"""Drops the table of an earlier run in this transaction."""

# The same as many steps of APPLY_EVENTS at once: `approvals` numbers the approvals of a slot, and
# a state that is neither approved nor under review falls back to the last approval before it.
MAKE_INPUTS = text(f"""
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
"""Rebuilds from the log, in a temporary table, the values that counted up to a position."""

# Autovacuum does not analyse temporary tables, so their rows would never be counted.
COUNT_MADE = text("ANALYZE score_input_made")
"""Updates the planner's statistics of the temporary table."""

# Rows applied in batches skip values that were superseded within a batch, so their spans may be
# longer than rebuilt ones. Two things must agree: the values that count now, and the values that
# counted when a row began.
INPUTS_DIFFER = text(f"""
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
"""Whether a plan's stored rows differ from the rebuilt ones."""

CLEAR_INPUTS = text("DELETE FROM score_input WHERE city_code = :city AND plan_code = :plan")
"""Deletes a plan's stored rows."""

FILL_INPUTS = text(f"""
INSERT INTO score_input (city_code, {_COLUMNS}, until_position)
SELECT :city, {_COLUMNS}, until_position FROM score_input_made
""")  # noqa: S608 (column names of our own)
"""Stores the rebuilt rows."""

CONTRIBUTIONS = DriverStatement("""
SELECT submission_id, revision, organization_code, period, value, numerator, denominator, level,
    not_applicable_reason, provisional, falsified, count(*) OVER () AS found
FROM score_input
WHERE city_code = :city AND plan_code = :plan AND basis = :basis AND indicator_code = :indicator
    AND period = ANY(CAST(:periods AS text[])) AND from_position <= :position
    AND (until_position IS NULL OR until_position > :position)
ORDER BY organization_code IS DISTINCT FROM CAST(:unit AS text), period, organization_code
LIMIT :most
""")
"""The values that counted for a score at a position, one unit's before the others'."""

FORMER_DUTIES = text("""
WITH place AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:periods AS text[]))
        AS p(indicator_code, period)
), reporter AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:named AS text[]), CAST(:units AS text[]))
        AS r(indicator_code, organization_code)
), owed AS MATERIALIZED (
    SELECT o.indicator_code, o.period, o.organization_code
    FROM obligation o JOIN place p USING (indicator_code, period)
    WHERE o.city_code = :city AND o.plan_code = :plan AND o.state = 'owed'
), asking AS MATERIALIZED (
    SELECT DISTINCT o.period FROM obligation o
    WHERE o.city_code = :city AND o.plan_code = :plan AND o.period = ANY(CAST(:periods AS text[]))
)
SELECT 'excused' AS what, p.indicator_code, p.period, r.organization_code, NULL AS name
FROM (SELECT DISTINCT indicator_code, period FROM owed) p
JOIN reporter r USING (indicator_code)
LEFT JOIN owed o USING (indicator_code, period, organization_code)
WHERE o.period IS NULL
UNION ALL
SELECT 'owing', o.indicator_code, o.period, o.organization_code, u.name
FROM owed o JOIN organization u ON u.city_code = :city AND u.code = o.organization_code
LEFT JOIN reporter r USING (indicator_code, organization_code)
WHERE r.indicator_code IS NULL
UNION ALL
SELECT 'unasked', p.indicator_code, p.period, NULL, NULL
FROM place p JOIN asking a ON a.period = p.period
WHERE EXISTS (SELECT FROM reporter r WHERE r.indicator_code = p.indicator_code)
    AND NOT EXISTS (SELECT FROM owed o
        WHERE o.indicator_code = p.indicator_code AND o.period = p.period)
""")
"""Where duties for some periods differ from today's: reporters of today that owed nothing then
(`excused`); units that owed a part then and no longer report, with their names; and indicators that
nobody was asked for in a period that asked for others."""

COUNTED_BETWEEN = DriverStatement("""
SELECT c.code AS indicator_code, r.period, r.organization_code, r.from_position,
    r.until_position, r.submission_id, r.revision, r.value, r.numerator, r.denominator, r.level,
    r.not_applicable_reason, r.provisional, r.falsified
FROM unnest(CAST(:codes AS text[]), CAST(:periods AS text[])) AS c(code, periods)
CROSS JOIN LATERAL (
    SELECT period, organization_code, from_position, until_position, submission_id, revision,
        value, numerator, denominator, level, not_applicable_reason, provisional, falsified
    FROM score_input
    WHERE city_code = :city AND plan_code = :plan AND basis = :basis AND indicator_code = c.code
        AND period = ANY(string_to_array(c.periods, ' ')) AND from_position <= :upto
        AND (until_position IS NULL OR until_position > :since)
    ORDER BY from_position LIMIT :most
) r
""")
"""The values that counted at one of two positions or between, with a limit per indicator."""

DECISIONS_BETWEEN = DriverStatement("""
SELECT e.id, p.position, e.type, e.subject_kind, e.subject_id, e.occurred_at,
    e.actor::text AS actor
FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS s(kind, id)
JOIN event e ON e.city_code = :city AND e.subject_kind = s.kind AND e.subject_id = s.id
JOIN event_position p ON p.city_code = :city AND p.event_id = e.id
WHERE p.position > :since AND p.position <= :upto
ORDER BY p.position LIMIT :most
""")
"""The events on some subjects between two positions, oldest first."""

EVENTS_AT = DriverStatement("""
SELECT e.id, p.position, e.type, e.subject_kind, e.subject_id, e.occurred_at,
    e.actor::text AS actor
FROM event_position p
CROSS JOIN LATERAL (
    SELECT id, type, subject_kind, subject_id, occurred_at, actor FROM event
    WHERE city_code = :city AND id = p.event_id LIMIT 1
) e
WHERE p.city_code = :city AND p.position = ANY(CAST(:positions AS bigint[]))
""")
"""The events at some positions."""

KEEP_BOARDS = DriverStatement(f"""
WITH made AS (
    SELECT * FROM unnest(
        CAST(:bases AS text[]), CAST(:periods AS text[]), CAST(:sequences AS integer[]),
        CAST(:boards AS text[]), CAST(:traces AS text[]), CAST(:event_ids AS uuid[]),
        CAST(:event_data AS text[]), CAST(:publication_numbers AS integer[]))
        AS m(basis, period, sequence, board, traces, event_id, data, publication_number)
), kept AS (
    INSERT INTO score_snapshot (city_code, plan_code, basis, period, sequence, plan_version,
        method, method_version, position, local_date, computed_at, board, traces,
        publication_number)
    SELECT :city, :plan, basis, period, sequence, CAST(:plan_version AS integer),
        CAST(:method AS text), CAST(:method_version AS text), CAST(:position AS bigint),
        CAST(:local_date AS date), CAST(:now AS timestamptz), board::jsonb, traces::jsonb,
        publication_number
    FROM made
), {
    event_inserts(
        "made",
        city_code=":city",
        id="event_id",
        plan_code=":plan",
        type="'score.updated'",
        subject_kind="'scoreboard'",
        subject_id=":plan || '/' || period || '/' || basis",
        organization_code="NULL",
        actor="CAST(:actor AS jsonb)",
        data="data::jsonb",
        occurred_at=":now",
    )
}
SELECT count(*) FROM happened
""")  # noqa: S608 (text of our own)
"""Writes a snapshot and a `score.updated` event for each board."""
