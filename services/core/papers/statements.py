"""The statements of papers: which number is next, what is kept no more, boards of other periods."""

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
"""Forgets what was cancelled or failed before an instant; it was never a paper."""

BOARDS_THEN = text("""
SELECT k.period, s.plan_version, s.board
FROM unnest(CAST(:periods AS text[])) AS k(period)
CROSS JOIN LATERAL (
    SELECT plan_version, board FROM score_snapshot
    WHERE city_code = :city AND plan_code = :plan AND basis = 'approved' AND period = k.period
        AND computed_at <= :as_of
    ORDER BY sequence DESC LIMIT 1
) AS s
""").columns(board=JSONB)
"""The scoreboards that some periods had at an instant, without their traces."""
