"""The SQL statements of file drops: marking files as written or wanted again, deleting old ones."""

from sqlalchemy import text

WRITTEN = text("""
UPDATE dropped_file SET written_at = CAST(:now AS timestamptz)
WHERE city_code = :city AND drop_id = :drop AND number = :number AND written_at IS NULL
""")
"""Notes that a file is in its folder."""

AGAIN = text("""
UPDATE dropped_file SET written_at = NULL
WHERE city_code = :city AND drop_id = :drop AND number = :number AND content IS NOT NULL
RETURNING number
""")
"""Marks a file to be written again, if its bytes are kept."""

EMPTY_OLD = text("""
UPDATE dropped_file SET content = NULL
WHERE city_code = :city AND made_at < CAST(:before AS timestamptz)
    AND content IS NOT NULL AND written_at IS NOT NULL
""")
"""Deletes the bytes of old files; their events are in the log."""
