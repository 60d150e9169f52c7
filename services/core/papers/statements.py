"""The statements of papers: which number is next, and what is kept no more."""

from sqlalchemy import text

LAST_NUMBER = text("""
SELECT max(number) FROM paper
WHERE city_code = :city AND plan_code = :plan AND kind = :kind AND year = :year
""")
"""The number of the last paper of a kind and year; a unique key settles a race."""

DROP_OVER = text("""
DELETE FROM paper WHERE city_code = :city AND state = 'over' AND updated_at < :before
""")
"""Forgets what was cancelled or failed before an instant; it was never a paper."""
