"""The SQL statements of imports: saving findings, and deleting what is too old."""

from sqlalchemy import text

NOTE_FAULTS = text("""
INSERT INTO sheet_import_fault
    (city_code, import_id, row_number, sequence, cell, heading, code, value, detail)
SELECT CAST(:city AS text), CAST(:id AS uuid), w.row_number, w.sequence, w.cell, w.heading,
    w.code, w.value, CAST(w.detail AS jsonb)
FROM unnest(CAST(:rows AS integer[]), CAST(:sequences AS integer[]), CAST(:cells AS text[]),
    CAST(:headings AS text[]), CAST(:codes AS text[]), CAST(:values AS text[]),
    CAST(:details AS text[]))
    AS w(row_number, sequence, cell, heading, code, value, detail)
""")
"""Inserts faults, many at once."""

FORGET_FAULTS = text("""
DELETE FROM sheet_import_fault WHERE city_code = :city AND import_id = :id
""")
"""Deletes an import's faults, because the file is checked again from its first row."""

DROP_OLD_FILES = text("""
DELETE FROM sheet_import_file AS f USING sheet_import AS i
WHERE f.city_code = :city AND i.city_code = :city AND i.id = f.import_id
    AND i.updated_at < :before AND i.state NOT IN ('checking', 'confirming')
""")
"""Deletes the bytes of files that nobody has touched since an instant."""

DROP_FAULTY_FILES = text("""
DELETE FROM sheet_import_file WHERE city_code = :city AND import_id IN (
    SELECT id FROM sheet_import
    WHERE city_code = :city AND credential_id = :credential AND state = 'checked'
        AND CAST(report->>'faults' AS integer) > 0
    ORDER BY id DESC OFFSET :most)
""")
"""Deletes the bytes of all but the last files of a credential that had faults."""

DISCARD_OLD = text("""
UPDATE sheet_import SET state = 'discarded'
WHERE city_code = :city AND updated_at < :before AND state = 'checked'
""")
"""Discards imports that nobody confirmed since an instant; their files are deleted then."""

DROP_OLD_FAULTS = text("""
DELETE FROM sheet_import_fault AS f USING sheet_import AS i
WHERE f.city_code = :city AND i.city_code = :city AND i.id = f.import_id
    AND i.updated_at < :before AND i.state NOT IN ('checking', 'confirming')
""")
"""Deletes the faults of files that nobody has touched since an instant."""

DROP_OLD_IMPORTS = text("""
DELETE FROM sheet_import
WHERE city_code = :city AND updated_at < :before AND state NOT IN ('checking', 'confirming')
""")
"""Deletes imports that nobody has touched since an instant, after their files and faults."""
