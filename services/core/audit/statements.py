"""The SQL statements of the audit."""

from sqlalchemy import text

from services.core.audit.canonical import COLUMNS_OF, LinkKind
from services.core.kit.statements import DriverStatement

NOTE = text("""
WITH noted AS (
    INSERT INTO audit_entry (
        city_code, id, action, subject_kind, subject_id, actor, data, occurred_at)
    VALUES (:city, :id, :action, :subject_kind, :subject_id, CAST(:actor AS jsonb),
        CAST(:data AS jsonb), :at)
    RETURNING city_code, id
)
INSERT INTO audit_pending (city_code, entry_id) SELECT city_code, id FROM noted
""")
"""Writes an entry and queues it for its link."""

NOTE_MANY = text("""
WITH noted AS (
    INSERT INTO audit_entry (
        city_code, id, action, subject_kind, subject_id, actor, data, occurred_at)
    SELECT :city, n.id, n.action, n.subject_kind, n.subject_id, CAST(n.actor AS jsonb),
        CAST(n.data AS jsonb), n.at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:actions AS text[]), CAST(:kinds AS text[]),
        CAST(:subjects AS text[]), CAST(:actors AS text[]), CAST(:datas AS text[]),
        CAST(:ats AS timestamptz[])) AS n(id, action, subject_kind, subject_id, actor, data, at)
    RETURNING city_code, id
)
INSERT INTO audit_pending (city_code, entry_id) SELECT city_code, id FROM noted
""")
"""Writes entries of a city and queues them for their links."""

USED_SINCE = text("""
SELECT subject_id, data->>'network' FROM audit_entry
WHERE city_code = :city AND action = :action AND id >= :since
    AND subject_id = ANY(CAST(:subjects AS text[]))
""")
"""The networks that some keys were used from since an instant, by their entries."""

BEGIN_CHAIN = text("""
INSERT INTO audit_head (city_code, number, digest) VALUES (:city, 0, :digest)
ON CONFLICT DO NOTHING
""")
"""Makes the chain of a city, unless it has one."""

LOCK_CHAIN = text("SELECT number, digest FROM audit_head WHERE city_code = :city FOR UPDATE")
"""The last link of a city, locked so that nobody else extends the chain."""

NUMBERED = text("""
SELECT position, event_id FROM event_position
WHERE city_code = :city AND position > :after AND position <= :upto ORDER BY position
""")
"""The events of a stretch of the log."""

HAS_PENDING = text("SELECT EXISTS (SELECT FROM audit_pending WHERE city_code = :city)")
"""Whether an entry waits for its link."""

TAKE_PENDING = text("""
WITH taken AS (
    DELETE FROM audit_pending WHERE city_code = :city AND entry_id IN (
        SELECT entry_id FROM audit_pending
        WHERE city_code = :city ORDER BY entry_id LIMIT :most)
    RETURNING entry_id
)
SELECT entry_id FROM taken ORDER BY entry_id
""")
"""Takes waiting entries off the queue, oldest first."""

LINK = text("""
WITH linked AS (
    INSERT INTO audit_link (city_code, number, kind, row_id, position, row_digest, digest)
    SELECT :city, l.number, l.kind, l.row_id, l.position, l.row_digest, l.digest
    FROM unnest(CAST(:numbers AS bigint[]), CAST(:kinds AS text[]), CAST(:row_ids AS uuid[]),
        CAST(:positions AS bigint[]), CAST(:row_digests AS bytea[]), CAST(:digests AS bytea[]))
        AS l(number, kind, row_id, position, row_digest, digest)
)
UPDATE audit_head SET number = :number, digest = :digest WHERE city_code = :city
""")
"""Adds links to a chain, and moves its head to the last of them."""

ADOPT = text("""
INSERT INTO audit_pending (city_code, entry_id)
SELECT e.city_code, e.id FROM audit_entry AS e
LEFT JOIN audit_link AS l ON l.city_code = :city AND l.row_id = e.id
WHERE e.city_code = :city AND e.id >= :since AND l.row_id IS NULL
ON CONFLICT DO NOTHING
""")
"""Queues entries that a process of the former release wrote."""

KEEP_HEAD = text("""
INSERT INTO audit_checkpoint (
    city_code, day, number, digest, kept_from, made_at, public_key, signature)
VALUES (:city, :day, :number, :digest, :kept_from, :made_at, :public_key, :signature)
ON CONFLICT DO NOTHING
""")
"""Stores the head of a day."""


def _columns(kind: LinkKind) -> str:
    """Return the hashed columns, jsonb as its text."""
    return ", ".join(
        f"CAST({name} AS text) AS {name}" if name in {"actor", "data"} else name
        for name in COLUMNS_OF[kind]
    )


def _rows(kind: LinkKind, table: str) -> DriverStatement:
    return DriverStatement(
        f"SELECT {_columns(kind)} FROM {table}"  # noqa: S608 (names of our own)
        " WHERE city_code = :city AND id = ANY(CAST(:ids AS uuid[]))"
    )


ROWS_OF: dict[LinkKind, DriverStatement] = {
    "event": _rows("event", "event"),
    "entry": _rows("entry", "audit_entry"),
}
"""The rows with some ids, each with the hashed columns."""

# Each row is looked up by itself, even if the planner has no statistics; all come in one answer.
LINKS = DriverStatement(f"""
SELECT l.number, l.kind, l.row_id, l.position, l.row_digest, l.digest,
    l.position IS NULL OR coalesce(n.event_id = l.row_id, FALSE) AS in_place,
    {", ".join(f"e.{name}" for name in COLUMNS_OF["event"])}
FROM (
    SELECT number, kind, row_id, position, row_digest, digest FROM audit_link
    WHERE city_code = :city AND number > :after ORDER BY number LIMIT CAST(:most AS bigint)
) AS l
LEFT JOIN LATERAL (
    SELECT event_id FROM event_position
    WHERE city_code = :city AND position = l.position LIMIT 1
) AS n ON TRUE
LEFT JOIN LATERAL (
    SELECT {_columns("event")} FROM event
    WHERE city_code = :city AND id = l.row_id AND l.kind = 'event' LIMIT 1
) AS e ON TRUE
ORDER BY l.number
""")  # noqa: S608 (names of our own)
"""The next links of a chain, whether an event has its position in the log, and the event."""

STRAY_ENTRY = text("""
SELECT e.id FROM audit_entry AS e
LEFT JOIN audit_link AS l ON l.city_code = :city AND l.row_id = e.id
LEFT JOIN audit_pending AS p ON p.city_code = :city AND p.entry_id = e.id
WHERE e.city_code = :city AND l.row_id IS NULL AND p.entry_id IS NULL
ORDER BY e.id LIMIT 1
""")
"""The first entry that is neither in the chain nor queued."""

STRAY_EVENT = text("""
SELECT e.id FROM event AS e
LEFT JOIN event_position AS n ON n.city_code = :city AND n.event_id = e.id
LEFT JOIN event_pending AS w ON w.city_code = :city AND w.event_id = e.id
LEFT JOIN log_head AS h ON h.city_code = :city
WHERE e.city_code = :city AND w.event_id IS NULL
    AND (n.position IS NULL OR n.position > greatest(h.position, 0))
ORDER BY e.id LIMIT 1
""")
"""The first event that is neither in the log nor waits for its position."""

WAITING = text("""
SELECT
    (SELECT count(*) FROM event_position WHERE city_code = :city AND position > :position)
    + (SELECT count(*) FROM event_pending WHERE city_code = :city)
    + (SELECT count(*) FROM audit_pending WHERE city_code = :city)
""")
"""How many rows are not in the chain yet."""


def _said_in_sql(name: str) -> str:
    """Return the hashed form of a column, as arguments of `concat`."""
    if name == "id":
        return "'\"', id, '\"'"
    if name in {"actor", "data"}:
        return name
    if name == "occurred_at":
        form = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
        return f"'\"', to_char(occurred_at AT TIME ZONE 'UTC', '{form}'), '\"'"
    return f"coalesce(CAST(to_json({name}) AS text), 'null')"


def _texts(kind: LinkKind, table: str) -> DriverStatement:
    said = [f"'\"{name}\": ', {_said_in_sql(name)}" for name in COLUMNS_OF[kind]]
    members = ", ', ', ".join(said)
    return DriverStatement(
        f"SELECT id, convert_to(concat('{{', {members}, '}}'), 'UTF8')"  # noqa: S608 (our own)
        f" FROM {table} WHERE city_code = :city AND id >= :first AND id <= :last"
        " AND id = ANY(CAST(:ids AS uuid[]))"
    )


TEXTS_OF: dict[LinkKind, DriverStatement] = {
    "event": _texts("event", "event"),
    "entry": _texts("entry", "audit_entry"),
}
"""The hashed texts of rows with some ids, of which the first and the last are named.

`audit.canonical` makes the same bytes; the server does it in less time than sending the columns
takes.
"""

LINK_TEXTS = DriverStatement("""
SELECT number, position, row_id, row_digest, digest, convert_to(concat(
    chr(10), city_code, chr(10), number, chr(10), kind, chr(10), row_id, chr(10), position, chr(10),
    encode(row_digest, 'hex')), 'UTF8')
FROM audit_link
WHERE city_code = :city AND number > :after AND number <= CAST(:upto AS bigint) ORDER BY number
""")
"""Links in order, with what each hashes besides the digest of the one before it."""

EVENTS_AT = DriverStatement("""
SELECT event_id FROM event_position
WHERE city_code = :city AND position >= :first AND position <= CAST(:last AS bigint)
ORDER BY position
""")
"""The events at the positions of a stretch of the log."""

DIGESTS_AT = text("""
SELECT number, digest FROM audit_link
WHERE city_code = :city AND number = ANY(CAST(:numbers AS bigint[]))
""")
"""The digests of some links."""

LAST_LINK = text("SELECT max(number) FROM audit_link WHERE city_code = :city")
"""The number of the last link."""
