"""The SQL statements of papers: the last number, failed requests, data as of earlier instants."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

LAST_NUMBER = text("""
SELECT max(number) FROM paper
WHERE city_code = :city AND plan_code = :plan AND kind = :kind AND year = :year
""")
"""The number of the last paper of a kind and year; a unique key settles a race."""

DROP_OVER = text("""
DELETE FROM paper WHERE city_code = :city AND state = 'over' AND updated_at < :before
""")
"""Deletes requests that were cancelled or failed before an instant; they never became papers."""

HANDED_IN_THEN = text("""
SELECT k.indicator_code, k.period, k.organization_code, k.at
FROM unnest(CAST(:indicators AS text[]), CAST(:periods AS text[]), CAST(:units AS text[]),
    CAST(:instants AS timestamptz[])) AS k(indicator_code, period, organization_code, at)
WHERE EXISTS (
    SELECT FROM submission AS s
    CROSS JOIN LATERAL (
        SELECT h.after->>'state' AS state FROM submission_history AS h
        WHERE h.city_code = :city AND h.submission_id = s.id AND h.occurred_at <= k.at
        ORDER BY h.version DESC LIMIT 1
    ) AS h
    WHERE s.city_code = :city AND s.plan_code = :plan AND s.indicator_code = k.indicator_code
        AND s.period = k.period AND s.organization_code = k.organization_code
        AND h.state NOT IN ('draft', 'withdrawn')
)
""")
"""Which of some values were handed in by their instants, by the rule of obligations."""

BOARDS_THEN = text("""
SELECT k.period, s.plan_version, s.board, s.computed_at
FROM unnest(CAST(:periods AS text[])) AS k(period)
CROSS JOIN LATERAL (
    SELECT plan_version, board, computed_at FROM score_snapshot
    WHERE city_code = :city AND plan_code = :plan AND basis = 'approved' AND period = k.period
        AND computed_at <= :as_of
    ORDER BY sequence DESC LIMIT 1
) AS s
""").columns(board=JSONB)
"""The scoreboards that some periods had at an instant, without their traces."""
