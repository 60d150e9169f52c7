"""The statement that writes a calendar."""

from sqlalchemy import text

# The history row decides: if its version is taken, nothing else is written either.
WRITE_YEARS = text("""
WITH remembered AS (
    INSERT INTO calendar_history (city_code, calendar_code, version, years, actor, occurred_at)
    VALUES (:city, :code, CAST(:version AS integer), CAST(:years AS jsonb),
        CAST(:actor AS jsonb), CAST(:now AS timestamptz))
    ON CONFLICT DO NOTHING RETURNING years
), years AS MATERIALIZED (
    SELECT y.key AS year, y.value->>'source' AS source, y.value->'days' AS days
    FROM remembered CROSS JOIN LATERAL jsonb_each(remembered.years) y
), announced AS (
    INSERT INTO calendar_year (city_code, calendar_code, year, source, version, changed_at)
    SELECT :city, :code, CAST(year AS integer), source, CAST(:version AS integer),
        CAST(:now AS timestamptz) FROM years
    ON CONFLICT (city_code, calendar_code, year) DO UPDATE SET
        source = excluded.source, version = excluded.version, changed_at = excluded.changed_at
)
INSERT INTO calendar_day (city_code, calendar_code, day, kind, note, source)
SELECT :city, :code, CAST(d->>'date' AS date), d->>'kind', d->>'note', source
FROM years CROSS JOIN LATERAL jsonb_array_elements(days) d
""")
"""Writes a version of a calendar: its history, and its years with their days."""
