"""SQL statements on people."""

from sqlalchemy import text

COUNT_FAILURE = text("""
UPDATE person
SET failures = CASE WHEN failures + 1 >= :most THEN 0 ELSE failures + 1 END,
    locked_until = CASE WHEN failures + 1 >= :most THEN CAST(:until AS timestamptz) END
WHERE city_code = :city AND id = :id AND ended_at IS NULL AND password_hash IS NOT NULL
    AND (locked_until IS NULL OR locked_until <= :now)
RETURNING locked_until
""")
"""Counts a wrong attempt; number `:most` locks the person. Does nothing while they are locked."""

USE_REFRESH_TOKEN = text("""
UPDATE refresh_token SET used_at = :now
WHERE city_code = :city AND digest = :digest AND used_at IS NULL
RETURNING digest
""")
"""Uses a refresh token up; returns a row, or none if it was used already."""

FORGET_SESSIONS = text("""
WITH old AS (
    SELECT id FROM sign_in
    WHERE city_code = :city AND coalesce(ended_at, ends_at) < :before
    ORDER BY id LIMIT :most
), tokens AS (
    DELETE FROM refresh_token
    WHERE city_code = :city AND sign_in_id IN (SELECT id FROM old)
)
DELETE FROM sign_in WHERE city_code = :city AND id IN (SELECT id FROM old)
""")
"""Deletes sessions that ended before an instant, with their refresh tokens."""

KEEP_APP_TOKEN = text("""
UPDATE sign_in_provider SET token_sealed = :token, token_until = :until
WHERE city_code = :city AND id = :id AND version = :version AND ended_at IS NULL
""")
"""Saves an app token for all processes, if the provider has not changed since it was fetched."""
