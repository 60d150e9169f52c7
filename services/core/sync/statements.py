"""The SQL statements of sync: each handles all writes of a call, however many."""

from sqlalchemy import text

TAKE = text("""
INSERT INTO synced_write (city_code, credential_id, id, plan_code, kind, subject_id, said, digest,
    claimed_at, received_at)
SELECT CAST(:city AS text), CAST(:credential AS uuid), w.id, CAST(:plan AS text), w.kind,
    w.subject_id, CAST(w.said AS jsonb), w.digest, w.claimed_at, CAST(:now AS timestamptz)
FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS uuid[]),
    CAST(:said AS text[]), CAST(:digests AS bytea[]), CAST(:claims AS timestamptz[]))
    AS w(id, kind, subject_id, said, digest, claimed_at)
-- Ordered, so that the same call sent twice cannot deadlock.
ORDER BY w.id
ON CONFLICT (city_code, credential_id, id) DO NOTHING
RETURNING id
""")
"""Claims writes for this transaction; returns the ids of new ones.

A concurrent call with the same ids waits here until this transaction ends.
"""

EARLIER = text("""
SELECT id, digest, result FROM synced_write
WHERE city_code = :city AND credential_id = :credential AND id = ANY(CAST(:ids AS uuid[]))
""")
"""The results of writes that were taken in before."""

SETTLE = text("""
UPDATE synced_write SET outcome = w.outcome, result = CAST(w.result AS jsonb)
FROM unnest(CAST(:ids AS uuid[]), CAST(:outcomes AS text[]), CAST(:results AS text[]))
    AS w(id, outcome, result)
WHERE synced_write.city_code = :city AND synced_write.credential_id = :credential
    AND synced_write.id = w.id
""")
"""Saves the results of the claimed writes."""

BASES = text("""
SELECT h.submission_id, h.version, h.after
FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS integer[])) AS w(id, version)
JOIN submission_history AS h ON h.city_code = :city AND h.submission_id = w.id
    AND h.version = w.version
""")
"""Submissions at the versions that devices saw last."""

SWEEP = text("""
DELETE FROM synced_write WHERE city_code = :city AND received_at < :before
    AND id IN (SELECT id FROM synced_write WHERE city_code = :city AND received_at < :before
        ORDER BY received_at LIMIT :most)
""")
"""Deletes writes too old to be retried."""
