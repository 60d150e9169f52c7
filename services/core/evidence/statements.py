"""The statements of archives: who is at one, and what is kept no more."""

from sqlalchemy import text

CLAIM = text("""
UPDATE evidence_archive SET lease_token = :token, attempts = attempts + 1,
    lease_until = now() + CAST(:seconds AS double precision) * interval '1 second'
WHERE city_code = :city AND id = (
    SELECT id FROM evidence_archive
    WHERE city_code = :city AND state = 'making'
        AND (lease_until IS NULL OR lease_until < now())
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
""")
"""Takes the archive of a city that waits longest, under a lease by the database's time."""

RENEW = text("""
UPDATE evidence_archive
SET lease_until = now() + CAST(:seconds AS double precision) * interval '1 second'
WHERE city_code = :city AND id = :id AND lease_token = :token AND state = 'making'
RETURNING id
""")
"""Lengthens a lease; nothing comes back where somebody else has taken it over."""

GIVE_BACK = text("""
UPDATE evidence_archive SET lease_until = NULL, lease_token = NULL, attempts = attempts - 1
WHERE city_code = :city AND id = :id AND lease_token = :token AND state = 'making'
""")
"""Lets another worker begin it anew at once: this one was told to stop."""

DROP_OLD = text("""
DELETE FROM evidence_archive
WHERE city_code = :city AND updated_at < :before AND state <> 'making'
""")
"""Forgets archives that were made or given up before an instant; their files go with the sweep."""
