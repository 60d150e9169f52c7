"""The SQL statement of reminders."""

from sqlalchemy import text

from services.core.obligations.statements import SAME_PLACE

# Counts owed values as the reporting rates do. The unique key makes two concurrent calls write one
# reminder per unit and day: the second waits for the first, and then finds its row.
REMIND = text(f"""
WITH owing AS (
    SELECT o.organization_code, array_agg(o.indicator_code ORDER BY o.indicator_code) AS missing,
        min(o.due_date) AS due_date
    FROM obligation AS o
    JOIN organization AS u ON u.city_code = :city AND u.code = o.organization_code
    WHERE o.city_code = :city AND o.plan_code = :plan AND o.period = :period AND o.state = 'owed'
        AND o.organization_code = ANY(CAST(:units AS text[]))
        AND (u.ended_at IS NULL OR CAST(u.ended_at AT TIME ZONE :zone AS date) >= o.due_date)
        AND NOT EXISTS (SELECT FROM submission AS s WHERE {SAME_PLACE} AND s.state <> 'draft')
    GROUP BY o.organization_code
), given AS (
    INSERT INTO reminder (city_code, id, plan_code, period, organization_code, day,
        indicator_codes, due_date, note, actor, reminded_at)
    SELECT :city, n.id, :plan, :period, w.organization_code, CAST(:today AS date), w.missing,
        w.due_date, CAST(:note AS text), CAST(:actor AS jsonb), CAST(:now AS timestamptz)
    FROM owing AS w
    JOIN unnest(CAST(:units AS text[]), CAST(:ids AS uuid[])) AS n(organization_code, id)
        ON n.organization_code = w.organization_code
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT w.organization_code, given.id, w.missing, w.due_date FROM owing AS w
JOIN unnest(CAST(:units AS text[]), CAST(:ids AS uuid[])) AS n(organization_code, id)
    ON n.organization_code = w.organization_code
LEFT JOIN given ON given.id = n.id
ORDER BY w.organization_code
""")  # noqa: S608 (text of our own)
"""Reminds `:units` of the values they have not submitted for a period; `:ids` has an id for each.

Returns each such unit, the id of its reminder (null: it was already reminded that day), the
missing values, and the due date.
"""
