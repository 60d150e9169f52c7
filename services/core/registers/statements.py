"""The SQL statements of registers: each covers all rows of a call."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from services.core.events.statements import event_inserts
from services.core.kit.database import columns_of
from services.core.registers.models import RegisterRow

PRESENT = columns_of(RegisterRow, "r")
"""Every column of `register_row AS r`."""

_STANDING = f"""
SELECT {PRESENT} FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = :register
    AND r.key = ANY(CAST(:keys AS text[])) AND r.state IN ('draft', 'confirmed')
"""  # noqa: S608 (column names of our own)
_JSON = {"cells": JSONB, "counted": JSONB, "authors": JSONB, "files": JSONB}

STANDING = text(_STANDING).columns(**_JSON)
"""The rows of a register that hold some keys."""

KEYED_OTHERWISE = text("""
SELECT count(*) FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = :register
    AND r.state IN ('draft', 'confirmed')
    AND (CAST(r.key AS jsonb) <> (
        SELECT jsonb_agg(r.cells -> k.code ORDER BY k.place)
        FROM unnest(CAST(:codes AS text[])) WITH ORDINALITY AS k(code, place))
    OR EXISTS (
        SELECT FROM unnest(CAST(:codes AS text[]), CAST(:types AS text[])) AS k(code, type)
        WHERE jsonb_typeof(r.cells -> k.code) <> CASE k.type
                WHEN 'integer' THEN 'number' WHEN 'yes_no' THEN 'boolean' ELSE 'string' END
            OR k.type = 'decimal'
                AND r.cells ->> k.code !~ '^(0|-?(0|[1-9][0-9]*)[.][0-9]*[1-9]|-?[1-9][0-9]*)$'))
""")
"""How many rows of a register hold a key that differs from the one that its columns make now.

Text, days, months and codes are written alike; a whole number, a decimal and a truth are not."""

SAYING = text("""
SELECT count(*) FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = :register
    AND r.state IN ('draft', 'confirmed') AND jsonb_typeof(r.cells -> :column) <> 'null'
""")
"""How many rows of a register that hold their keys have a value in a column."""

# Ordered, so that two calls cannot deadlock.
STANDING_HELD = text(_STANDING + "ORDER BY r.id FOR UPDATE").columns(**_JSON)
"""The rows of a register that hold some keys, locked."""

WRITE = text("""
INSERT INTO register_row (city_code, plan_code, register_code, id, key, organization_code, state,
    cells, counted, valid_from, valid_to, ended_on, reason, authors, files, renew_by,
    renewed_as, recheck_by, title, created_at, updated_at, version, counted_version)
SELECT CAST(:city AS text), CAST(:plan AS text), CAST(:register AS text), w.id, w.key,
    w.organization_code, w.state, CAST(w.cells AS jsonb), CAST(w.counted AS jsonb), w.valid_from,
    w.valid_to, w.ended_on, w.reason, CAST(w.authors AS jsonb), CAST(w.files AS jsonb),
    w.renew_by, w.renewed_as, w.recheck_by, w.title, w.created_at, w.updated_at, w.version,
    w.counted_version
FROM unnest(CAST(:id AS uuid[]), CAST(:key AS text[]), CAST(:organization_code AS text[]),
    CAST(:state AS text[]), CAST(:cells AS text[]), CAST(:counted AS text[]),
    CAST(:valid_from AS date[]), CAST(:valid_to AS date[]), CAST(:ended_on AS date[]),
    CAST(:reason AS text[]), CAST(:authors AS text[]), CAST(:files AS text[]),
    CAST(:renew_by AS date[]), CAST(:renewed_as AS text[]), CAST(:recheck_by AS date[]),
    CAST(:title AS text[]),
    CAST(:created_at AS timestamptz[]),
    CAST(:updated_at AS timestamptz[]), CAST(:version AS integer[]),
    CAST(:counted_version AS integer[]))
    AS w(id, key, organization_code, state, cells, counted, valid_from, valid_to, ended_on, reason,
        authors, files, renew_by, renewed_as, recheck_by, title, created_at, updated_at, version,
        counted_version)
ON CONFLICT (city_code, id) DO UPDATE SET key = excluded.key,
    organization_code = excluded.organization_code, state = excluded.state,
    cells = excluded.cells, counted = excluded.counted, valid_from = excluded.valid_from,
    valid_to = excluded.valid_to, ended_on = excluded.ended_on, reason = excluded.reason,
    authors = excluded.authors, files = excluded.files,
    renew_by = excluded.renew_by, renewed_as = excluded.renewed_as,
    recheck_by = excluded.recheck_by, title = excluded.title, updated_at = excluded.updated_at,
    version = excluded.version, counted_version = excluded.counted_version
    -- A device gives ids: what stands under one is changed by whoever read it, and by nobody else.
    WHERE register_row.plan_code = excluded.plan_code
        AND register_row.register_code = excluded.register_code
        AND register_row.created_at = excluded.created_at
        AND register_row.version < excluded.version
""")
"""Writes rows in their new state. The caller holds locks on existing rows, and on the register's
name for new ones, so that no other write can come between."""

REMEMBER = text(f"""
WITH written AS MATERIALIZED (
    SELECT w.* FROM unnest(CAST(:id AS uuid[]), CAST(:version AS integer[]),
        CAST(:action AS text[]), CAST(:image AS text[]), CAST(:reason AS text[]),
        CAST(:organization_code AS text[]), CAST(:event_id AS uuid[]),
        CAST(:event_type AS text[]), CAST(:event_data AS text[]))
        AS w(id, version, action, image, reason, organization_code, event_id, event_type,
            event_data)
), remembered AS (
    INSERT INTO register_row_history
        (city_code, row_id, version, action, after, actor, reason, occurred_at)
    SELECT CAST(:city AS text), id, version, action, CAST(image AS jsonb),
        CAST(:actor AS jsonb), reason, CAST(:now AS timestamptz)
    FROM written
), {
    event_inserts(
        "written",
        city_code="CAST(:city AS text)",
        id="event_id",
        plan_code="CAST(:plan AS text)",
        type="event_type",
        subject_kind="'register_row'",
        subject_id="CAST(written.id AS text)",
        organization_code="organization_code",
        actor="CAST(:actor AS jsonb)",
        data="CAST(event_data AS jsonb)",
        occurred_at="CAST(:now AS timestamptz)",
    )
}
SELECT count(*) FROM happened
""")  # noqa: S608 (text of our own)
"""Writes history and event of each row that was written."""


LAST_CONFIRMED = text("""
SELECT DISTINCT ON (h.row_id) h.row_id, h.version, h.reason, h.occurred_at
FROM register_row_history AS h
WHERE h.city_code = :city AND h.row_id = ANY(CAST(:ids AS uuid[]))
    AND h.after ->> 'state' = 'confirmed'
ORDER BY h.row_id, h.version DESC
""")
"""The change that last confirmed each of some rows."""

TO_BE_RENEWED = """r.renew_by IS NOT NULL AND r.state IN ('draft', 'confirmed') AND NOT EXISTS (
    SELECT FROM register_row AS n
    WHERE n.city_code = :city AND n.plan_code = r.plan_code AND n.register_code = r.register_code
        AND n.renewed_as = r.renewed_as AND n.renew_by > r.renew_by
        AND n.state IN ('draft', 'confirmed'))"""
"""Whether row `r` counts and must be renewed: no later row took its place."""

TO_BE_RECHECKED = "r.recheck_by IS NOT NULL AND r.state IN ('draft', 'confirmed')"
"""Whether row `r` counts and must be rechecked."""

REGISTERS_UNDATED = text("""
SELECT DISTINCT r.plan_code, r.register_code FROM register_row AS r
WHERE r.city_code = :city AND r.title IS NULL AND r.counted IS NOT NULL
    AND r.state IN ('draft', 'confirmed')
""")
"""The registers of a city with rows that count and lack deadlines. The index makes this instant
once all are filled."""

UNDATED = text("""
SELECT r.id, r.version, r.counted, coalesce((
    SELECT min(h.occurred_at) FROM register_row_history AS h
    WHERE h.city_code = :city AND h.row_id = r.id AND h.after ->> 'counts' = 'true'
), r.created_at) AS counts_since
FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = :register
    AND r.title IS NULL AND r.counted IS NOT NULL AND r.state IN ('draft', 'confirmed')
ORDER BY r.id LIMIT :most
""").columns(counted=JSONB)
"""Rows of a register that count and lack deadlines, and since when each counts."""

FILL_DEADLINES = text("""
UPDATE register_row AS r SET renew_by = w.renew_by, renewed_as = w.renewed_as,
    recheck_by = w.recheck_by, title = w.title
FROM unnest(CAST(:id AS uuid[]), CAST(:version AS integer[]), CAST(:renew_by AS date[]),
    CAST(:renewed_as AS text[]), CAST(:recheck_by AS date[]), CAST(:title AS text[]))
    AS w(id, version, renew_by, renewed_as, recheck_by, title)
WHERE r.city_code = :city AND r.id = w.id AND r.version = w.version AND r.title IS NULL
""")
"""Fills in the deadlines of rows that are unchanged since; any change has set them itself."""

MEASURED = text("""
SELECT n.code, count(*) AS number FROM (
    SELECT indicator_code AS code FROM submission
    WHERE city_code = :city AND plan_code = :plan
        AND indicator_code = ANY(CAST(:codes AS text[])) AND state <> 'withdrawn'
        AND (value IS NOT NULL OR numerator IS NOT NULL)
    UNION ALL
    SELECT indicator_code FROM observation
    WHERE city_code = :city AND plan_code = :plan
        AND indicator_code = ANY(CAST(:codes AS text[]))
        AND withdrawn_version IS DISTINCT FROM version
        AND (value IS NOT NULL OR numerator IS NOT NULL)
    UNION ALL
    SELECT t.indicator_code FROM (
        SELECT DISTINCT ON (indicator_code, year) indicator_code,
            value IS NOT NULL OR upper IS NOT NULL OR conditions IS NOT NULL AS says_number
        FROM assigned_target
        WHERE city_code = :city AND plan_code = :plan
            AND indicator_code = ANY(CAST(:other_units AS text[]))
        ORDER BY indicator_code, year, sequence DESC
    ) AS t
    WHERE t.says_number
) AS n
GROUP BY n.code
""")
"""How many numbers of some indicators exist, from any source, in any period."""
