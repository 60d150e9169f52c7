"""The SQL statements of the log; no other module has the text that writes an event.

A statement elsewhere that writes many events embeds this text, so that a new column of the log is
added here and nowhere else.
"""

from typing import TypedDict

from sqlalchemy import text
from typing_extensions import Unpack


class EventExpressions(TypedDict):
    """SQL expressions for the columns of a new event, over the rows that it is made from.

    `traceparent` is not among them: it is the parameter `:traceparent` of the writing statement.
    """

    city_code: str
    id: str
    plan_code: str
    type: str
    subject_kind: str
    subject_id: str
    organization_code: str
    actor: str
    data: str
    occurred_at: str


def event_inserts(source: str, **expressions: Unpack[EventExpressions]) -> str:
    """Return two CTEs that write an event for each row of `source`.

    `source` is the FROM clause. The CTEs are called `happened`, which returns the `city_code` and
    `id` of the new events, and `pending`. The statement takes the parameter `:traceparent` beside
    its own.
    """
    columns = ", ".join(expressions)
    values = ", ".join(str(value) for value in expressions.values())
    return f"""
happened AS (
    INSERT INTO event ({columns}, traceparent)
    SELECT {values}, CAST(:traceparent AS text) FROM {source}
    RETURNING city_code, id
), pending AS (
    {pending_insert("SELECT city_code, id FROM happened")}
)
"""  # noqa: S608 (text of our own)


def pending_insert(rows: str) -> str:
    """Return the statement that queues events for numbering; `rows` selects city and id."""
    return f"INSERT INTO event_pending (city_code, event_id) {rows}"


RECORD = text(f"""
WITH made AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:made AS jsonb)) AS m(
        id uuid, plan_code text, type text, subject_kind text, subject_id text,
        organization_code text, actor jsonb, data jsonb, occurred_at timestamptz)
), {
    event_inserts(
        "made",
        city_code=":city",
        id="id",
        plan_code="plan_code",
        type="type",
        subject_kind="subject_kind",
        subject_id="subject_id",
        organization_code="organization_code",
        actor="actor",
        data="data",
        occurred_at="occurred_at",
    )
}
SELECT count(*) FROM happened
""")  # noqa: S608 (text of our own)
"""Writes the events of `:city` in `:made`, a JSON array of objects with the columns' names."""


BEGIN_LOG = text(
    "INSERT INTO log_head (city_code, position) VALUES (:city, 0) ON CONFLICT DO NOTHING"
)
"""Creates the log head of a city, unless it has one."""

LOCK_LOG = text("SELECT position FROM log_head WHERE city_code = :city FOR UPDATE")
"""Returns and locks the newest position of a city's log, so that nobody else numbers events."""

# Bounded by an id and not by a list of ids, so that an index scan suffices however many wait. The
# bound uses `least`, which ignores NULL: behind row-level security `coalesce` would not become an
# index condition, because PostgreSQL does not consider it leakproof (ADR 0048).
NUMBER_EVENTS = text("""
    WITH taken AS (
        DELETE FROM event_pending
        WHERE city_code = :city AND event_id <= least((
            SELECT event_id FROM event_pending
            WHERE city_code = :city ORDER BY event_id OFFSET :most - 1 LIMIT 1), :last)
        RETURNING event_id
    ), numbered AS (
        INSERT INTO event_position (city_code, position, event_id)
        SELECT :city, :head + row_number() OVER (ORDER BY event_id), event_id FROM taken
        RETURNING position
    )
    UPDATE log_head SET position = :head + (SELECT count(*) FROM numbered)
    WHERE city_code = :city AND EXISTS (SELECT FROM numbered) RETURNING position - :head
""")
"""Gives the next positions of a city's log to waiting events; returns how many."""

BEAT = text("""
    INSERT INTO worker_heartbeat (worker_id, beat_at, clock_ahead_seconds)
    VALUES (:worker, :now, extract(epoch FROM CAST(:now AS timestamptz) - clock_timestamp()))
    ON CONFLICT (worker_id) DO UPDATE SET beat_at = excluded.beat_at,
        clock_ahead_seconds = excluded.clock_ahead_seconds
""")
"""Saves a worker's heartbeat, and how far its clock is ahead of the database's."""

BEGIN_CURSOR = text("""
INSERT INTO reader_cursor (city_code, reader, position) VALUES (:city, :reader, 0)
ON CONFLICT DO NOTHING
""")
"""Creates a reader's cursor at the start of a city's log, unless it has one."""

MOVE_CURSOR = text("""
UPDATE reader_cursor SET position = :position WHERE city_code = :city AND reader = :reader
""")
"""Moves a reader's cursor."""

SET_CURSOR = text("""
INSERT INTO reader_cursor (city_code, reader, position) VALUES (:city, :reader, :position)
ON CONFLICT (city_code, reader) DO UPDATE SET position = excluded.position
""")
"""Sets a cursor, whether or not it existed."""

# The log is read once for all of them. Cursors that another transaction has locked are skipped.
PASS_OVER = text("""
WITH readers AS MATERIALIZED (
    SELECT c.reader, c.position, string_to_array(f.types, ',') AS types
    FROM reader_cursor AS c
    JOIN unnest(CAST(:readers AS text[]), CAST(:types AS text[])) AS f(reader, types)
        ON f.reader = c.reader
    WHERE c.city_code = :city
    FOR UPDATE OF c SKIP LOCKED
), numbers AS MATERIALIZED (
    SELECT position, event_id FROM event_position
    WHERE city_code = :city AND position > (SELECT min(position) FROM readers)
    ORDER BY position LIMIT :most
), told AS MATERIALIZED (
    SELECT n.position, e.type FROM numbers AS n CROSS JOIN LATERAL (
        SELECT type FROM event WHERE city_code = :city AND id = n.event_id LIMIT 1
    ) AS e
), passed AS (
    SELECT r.reader, coalesce(
        (
            SELECT min(t.position) - 1 FROM told AS t
            WHERE t.position > r.position AND t.type = ANY(r.types)
        ),
        (SELECT max(t.position) FROM told AS t)
    ) AS upto
    FROM readers AS r
)
UPDATE reader_cursor AS c SET position = p.upto FROM passed AS p
WHERE c.city_code = :city AND c.reader = p.reader AND c.position < p.upto
RETURNING c.reader, c.position = (SELECT max(t.position) FROM told AS t)
""")
"""Moves the cursors of `:readers` before the next event of their types; returns which got through.

`:types` are those of each reader, separated by commas. At most `:most` positions are read.
"""
