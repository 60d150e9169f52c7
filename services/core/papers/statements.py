"""The statements of papers: who is at one, and which number is next."""

from sqlalchemy import text

CLAIM = text("""
UPDATE paper SET lease_token = :token, attempts = attempts + 1,
    lease_until = now() + CAST(:seconds AS double precision) * interval '1 second'
WHERE city_code = :city AND id = (
    SELECT id FROM paper
    WHERE city_code = :city AND state = 'making'
        AND (lease_until IS NULL OR lease_until < now())
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
""")
"""Takes the paper of a city that waits longest, under a lease by the database's time."""

RENEW = text("""
UPDATE paper
SET lease_until = now() + CAST(:seconds AS double precision) * interval '1 second'
WHERE city_code = :city AND id = :id AND lease_token = :token AND state = 'making'
RETURNING id
""")
"""Lengthens a lease; nothing comes back where somebody else has taken it over."""

GIVE_BACK = text("""
UPDATE paper SET lease_until = NULL, lease_token = NULL, attempts = attempts - 1
WHERE city_code = :city AND id = :id AND lease_token = :token AND state = 'making'
""")
"""Lets another worker begin it anew at once: this one was told to stop."""

LAST_NUMBER = text("""
SELECT max(number) FROM paper
WHERE city_code = :city AND plan_code = :plan AND kind = :kind AND year = :year
""")
"""The number of the last paper of a kind and year; a unique key settles a race."""

DROP_OVER = text("""
DELETE FROM paper WHERE city_code = :city AND state = 'over' AND updated_at < :before
""")
"""Forgets what was cancelled or failed before an instant; it was never a paper."""
