"""The SQL statements of files: which are no longer kept, and who owns the store."""

from sqlalchemy import text

DROP_OLD = text("""
DELETE FROM evidence_archive
WHERE city_code = :city AND updated_at < :before AND state <> 'making'
""")
"""Deletes archives made or cancelled before an instant; the sweep deletes their files."""

# The cluster, its timeline, the database and the table's id: restoring a dump creates new tables,
# and point-in-time recovery or promotion begins a new timeline.
THIS_DATABASE = text("""
SELECT concat_ws('/', system_identifier, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    CAST(CAST('evidence_file' AS regclass) AS oid))
FROM pg_control_system()
""")
"""Distinguishes a database from every copy of it."""
