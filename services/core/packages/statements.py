"""The SQL statements of packages: changed figures, what counts there, and written files."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

TOLD = text("""
SELECT n.position, told.data->>'indicator_code' AS indicator_code,
    told.data->>'organization_code' AS organization_code, told.data->>'period' AS period
FROM (
    SELECT position, event_id FROM event_position
    WHERE city_code = :city AND position > :after AND position <= :upto
    ORDER BY position
) AS n
CROSS JOIN LATERAL (
    SELECT data FROM event
    WHERE city_code = :city AND id = n.event_id AND plan_code = :plan
        AND type IN ('submission.approved', 'submission.falsified')
    LIMIT 1
) AS told
ORDER BY n.position
""")
"""The places whose figure changed in a stretch of the log, in order."""

COUNTING = text("""
SELECT w.indicator_code, w.organization_code, w.period, s.id, approved.after
FROM unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]))
    AS w(indicator_code, organization_code, period)
JOIN submission AS s ON s.city_code = :city AND s.plan_code = :plan
    AND s.indicator_code = w.indicator_code AND s.organization_code = w.organization_code
    AND s.period = w.period
CROSS JOIN LATERAL (
    -- An approved figure counts until its correction is approved; history has it.
    SELECT h.after FROM submission_history AS h
    WHERE h.city_code = :city AND h.submission_id = s.id AND h.after->>'state' = 'approved'
    ORDER BY h.version DESC LIMIT 1
) AS approved
WHERE s.state <> 'withdrawn' AND s.approved_revision IS NOT NULL
""").columns(after=JSONB)
"""The last approved figure of some places, given by three arrays of the same length."""

WRITTEN = text("""
UPDATE carried_package SET written_at = CAST(:now AS timestamptz)
WHERE city_code = :city AND peer_id = :peer AND direction = 'out' AND number = :number
    AND written_at IS NULL
""")
"""Notes that the file of a package is written."""
