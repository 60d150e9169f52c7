"""The statements of archives: what is kept no more."""

from sqlalchemy import text

DROP_OLD = text("""
DELETE FROM evidence_archive
WHERE city_code = :city AND updated_at < :before AND state <> 'making'
""")
"""Forgets archives that were made or given up before an instant; their files go with the sweep."""
