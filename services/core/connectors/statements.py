"""The SQL statements of connectors: what counts, what waits, what is claimed, and counts."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

_HELD = """
SELECT s.id, s.indicator_code, s.organization_code, s.period, approved.after
FROM {source}
LEFT JOIN LATERAL (
    -- An approved figure counts until its correction is approved; history has it.
    SELECT h.after FROM submission_history AS h
    WHERE h.city_code = :city AND h.submission_id = s.id AND s.approved_revision IS NOT NULL
        AND h.after->>'state' = 'approved'
    ORDER BY h.version DESC LIMIT 1
) AS approved ON TRUE
WHERE {where}
"""

HELD_AT = text(
    _HELD.format(
        source="""unnest(CAST(:indicators AS text[]), CAST(:units AS text[]),
        CAST(:periods AS text[])) AS w(indicator_code, organization_code, period)
    JOIN submission AS s ON s.city_code = :city AND s.plan_code = :plan
        AND s.indicator_code = w.indicator_code AND s.organization_code = w.organization_code
        AND s.period = w.period""",
        where="s.state <> 'withdrawn'",
    )
).columns(after=JSONB)
"""The figures that count at some places, given by three arrays of the same length."""

HELD_OF_PERIOD = text(
    _HELD.format(
        source="submission AS s",
        where="""s.city_code = :city AND s.plan_code = :plan AND s.period = :period
    AND s.indicator_code = ANY(CAST(:indicators AS text[])) AND s.state <> 'withdrawn'""",
    )
).columns(after=JSONB)
"""The figures that count in a period."""

ITEMS_AT = text("""
SELECT i.connector_id, i.indicator_code, i.organization_code, i.period, i.id, i.submission_id,
    i.revision, i.withdrawn, i.state
FROM unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]))
    AS w(indicator_code, organization_code, period)
JOIN connector_item AS i ON i.city_code = :city
    AND i.connector_id = ANY(CAST(:connectors AS uuid[]))
    AND i.indicator_code = w.indicator_code AND i.organization_code = w.organization_code
    AND i.period = w.period
WHERE i.state <> 'superseded'
ORDER BY i.id
""")
"""The items of some places that were not superseded, oldest first."""

# The condition is checked again on the locked row: a meanwhile claimed item is not superseded.
SUPERSEDE = text("""
UPDATE connector_item SET state = 'superseded', settled_at = CAST(:now AS timestamptz)
WHERE city_code = :city AND id = ANY(CAST(:ids AS uuid[])) AND state IN ('unmapped', 'pending')
""")
"""Supersedes items that cannot have reached the superior."""

LEAVE = text("""
UPDATE connector_item AS i
SET state = CASE i.state WHEN 'unknown' THEN 'failed' ELSE 'superseded' END,
    settled_at = CAST(:now AS timestamptz)
FROM connector AS c
WHERE c.city_code = :city AND c.id = ANY(CAST(:connectors AS uuid[])) AND c.ended_at IS NOT NULL
    AND i.city_code = :city AND i.connector_id = c.id
    AND i.state IN ('unmapped', 'pending', 'unknown')
""")
"""Settles the waiting items of ended connectors; those that the superior may hold become failed."""

REMAP = text("""
UPDATE connector_item AS i SET state = w.state, missing = w.missing
FROM (
    SELECT w.id, w.state, CASE WHEN w.missing = '' THEN '{}' ELSE string_to_array(w.missing, E'\\n')
        END AS missing
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:missing AS text[]))
        AS w(id, state, missing)
) AS w
WHERE i.city_code = :city AND i.id = w.id AND i.state IN ('unmapped', 'pending')
    AND i.payload IS NULL AND (i.state, i.missing) IS DISTINCT FROM (w.state, w.missing)
""")
"""Updates which codes of queued items are not mapped now."""

QUEUE = text("""
INSERT INTO connector_item (city_code, id, connector_id, submission_id, revision, indicator_code,
    organization_code, period, withdrawn, value, level, not_applicable_reason, state, missing,
    attempts, tries, next_attempt_at, receipts, differs, created_at)
SELECT CAST(:city AS text), w.id, w.connector_id, w.submission_id, w.revision, w.indicator_code,
    w.organization_code, w.period, w.withdrawn, w.value, w.level, w.not_applicable_reason,
    w.state, CASE WHEN w.missing = '' THEN '{}' ELSE string_to_array(w.missing, E'\\n') END,
    0, 0, now(), 0, FALSE, CAST(:now AS timestamptz)
FROM unnest(CAST(:id AS uuid[]), CAST(:connector_id AS uuid[]), CAST(:submission_id AS uuid[]),
    CAST(:revision AS int[]), CAST(:indicator_code AS text[]), CAST(:organization_code AS text[]),
    CAST(:period AS text[]), CAST(:withdrawn AS boolean[]), CAST(:value AS numeric[]),
    CAST(:level AS text[]), CAST(:not_applicable_reason AS text[]), CAST(:state AS text[]),
    CAST(:missing AS text[]))
    AS w(id, connector_id, submission_id, revision, indicator_code, organization_code, period,
        withdrawn, value, level, not_applicable_reason, state, missing)
ON CONFLICT DO NOTHING
""")
"""Adds revisions to the queue."""

_DUE = """i.city_code = {city} AND i.connector_id = c.id
    AND i.state IN ('pending', 'unknown') AND i.next_attempt_at <= now()"""

_DUE_HERE = _DUE.format(city=":city")
_DUE_THERE = _DUE.format(city="c.city_code")

# A later revision waits until the outcome of the one before is known.
_FIRST = """NOT EXISTS (
    SELECT 1 FROM connector_item AS earlier
    WHERE earlier.city_code = :city AND earlier.connector_id = i.connector_id
        AND earlier.indicator_code = i.indicator_code
        AND earlier.organization_code = i.organization_code AND earlier.period = i.period
        AND earlier.id < i.id AND earlier.state IN ('pending', 'unknown'))"""

_TAKES = """c.state <> 'disabled' AND (c.paused_until IS NULL OR c.paused_until <= now())
    AND (c.lease_until IS NULL OR c.lease_until <= now())"""

CITIES_REPORTING = text(f"""
SELECT c.city_code FROM connector AS c
WHERE {_TAKES} AND EXISTS (SELECT 1 FROM connector_item AS i WHERE {_DUE_THERE})
GROUP BY c.city_code ORDER BY min(c.paused_until) NULLS FIRST, c.city_code
""")  # noqa: S608 (conditions of our own)
"""The cities that have something to report."""

CONNECTORS_DUE = text(f"""
SELECT c.id FROM connector AS c
WHERE c.city_code = :city AND {_TAKES}
    AND EXISTS (SELECT 1 FROM connector_item AS i WHERE {_DUE_HERE})
ORDER BY c.paused_until NULLS FIRST, c.id LIMIT :most
FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608 (conditions of our own)
"""Locks a city's connectors that have items due and no batch under way."""

ITEMS_DUE = text(f"""
SELECT i.id FROM connector_item AS i
JOIN connector AS c ON c.city_code = i.city_code AND c.id = i.connector_id
WHERE c.city_code = :city AND c.id = :connector AND {_DUE_HERE} AND {_FIRST}
    AND (CAST(:asking AS boolean) IS NOT TRUE OR i.state = 'unknown')
    AND (CAST(:asking AS boolean) IS NOT FALSE OR i.state = 'pending')
ORDER BY i.next_attempt_at, i.id LIMIT :most
FOR NO KEY UPDATE OF i SKIP LOCKED
""")  # noqa: S608 (conditions of our own)
"""Locks due items of a connector: to ask about, to send, or (null) both."""

REPLACED = text("""
SELECT i.id, (
    -- After an accepted withdrawal the superior holds nothing; after an unanswered one, perhaps.
    SELECT CASE WHEN NOT e.withdrawn THEN e.id END FROM connector_item AS e
    WHERE e.city_code = :city AND e.connector_id = i.connector_id
        AND e.indicator_code = i.indicator_code AND e.organization_code = i.organization_code
        AND e.period = i.period AND e.id < i.id AND e.state IN ('accepted', 'unknown', 'failed')
        AND (e.state = 'accepted' OR NOT e.withdrawn)
    ORDER BY e.id DESC LIMIT 1
) AS replaced
FROM connector_item AS i WHERE i.city_code = :city AND i.id = ANY(CAST(:ids AS uuid[]))
""")
"""For each item, the one of its place that the superior holds, or may hold."""

COUNTED_AT_MOST = 10_000
"""More items of a state are reported as this number."""

CONNECTOR_QUEUES = text(f"""
SELECT c.id, c.name, c.state, c.state_reason, c.secret_sealed IS NOT NULL
    AND c.app_id IS NOT NULL AS provisioned, c.secret_refused_since,
    counted.state AS of_state, counted.number,
    greatest(0, extract(epoch FROM now() - counted.since)) AS waiting_seconds
FROM connector AS c
LEFT JOIN LATERAL (
    SELECT wanted.state, found.number, found.since
    FROM unnest(CAST('{{unmapped,pending,unknown,accepted,refused,failed}}' AS text[]))
        AS wanted(state)
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, min(i.next_attempt_at) AS since FROM (
            SELECT next_attempt_at FROM connector_item
            WHERE city_code = :city AND connector_id = c.id AND state = wanted.state
            ORDER BY id LIMIT {COUNTED_AT_MOST}
        ) AS i
    ) AS found
    WHERE found.number > 0
) AS counted ON TRUE
WHERE c.city_code = :city AND c.ended_at IS NULL ORDER BY c.id
""")  # noqa: S608 (a number of our own)
"""The state of each connector of a city that has not ended, and its number of items by state."""

COUNTS_OF = text(f"""
SELECT wanted.state, found.number
FROM unnest(CAST(:states AS text[])) AS wanted(state)
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT 1 FROM connector_item
        WHERE city_code = :city AND connector_id = :connector AND state = wanted.state
        LIMIT {COUNTED_AT_MOST}
    ) AS i
) AS found
""")  # noqa: S608 (a number of our own)
"""The number of a connector's items in each state."""

BATCHES_OF = text("""
SELECT count(*), count(*) FILTER (WHERE outcome <> 'delivered'),
    coalesce(sum(items) FILTER (WHERE kind = 'report'), 0), coalesce(sum(accepted), 0),
    coalesce(sum(refused), 0), coalesce(sum(unanswered), 0), coalesce(sum(unasked), 0),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms),
    max(started_at) FILTER (WHERE outcome = 'delivered')
FROM connector_batch
WHERE city_code = :city AND connector_id = :connector AND id >= :since
""")
"""Usage figures of a connector's batches since an id."""

DROP_BATCHES = text("""
DELETE FROM connector_batch WHERE city_code = :city AND id < :oldest AND id <= least((
    SELECT id FROM connector_batch WHERE city_code = :city AND id < :oldest
    ORDER BY id OFFSET :most LIMIT 1), :oldest)
""")
"""Deletes old batches, at most so many."""

FORGET_FORMER_SECRETS = text("""
UPDATE connector SET former_secret_sealed = NULL, former_secret_expires_at = NULL,
    secret_refused_since = NULL, secret_refused_at = NULL
WHERE city_code = :city AND former_secret_expires_at <= CAST(:now AS timestamptz)
""")
"""Deletes expired former secrets."""
