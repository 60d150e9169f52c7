"""The SQL statements of files: which are no longer kept, and who owns the store."""

from sqlalchemy import text

DROP_OLD = text("""
DELETE FROM evidence_archive
WHERE city_code = :city AND updated_at < :before AND state <> 'making'
""")
"""Forgets archives that were made or given up before an instant; their files go with the sweep."""

# The cluster, its timeline, the database and the table: a dump that is restored makes tables anew,
# wherever it goes, and whoever recovers to an instant or is promoted begins a timeline.
THIS_DATABASE = text("""
SELECT concat_ws('/', system_identifier, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    CAST(CAST('evidence_file' AS regclass) AS oid))
FROM pg_control_system()
""")
"""Tells a database apart from each copy of it."""
