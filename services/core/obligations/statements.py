"""The statements that write obligations, many rows at once."""

from sqlalchemy import text

RAISE_OWED = text("""
INSERT INTO obligation (city_code, id, plan_code, indicator_code, organization_code, period,
    state, due_date, original_due_date, epoch, extensions, version, created_at, updated_at)
SELECT :city, w.id, :plan, w.indicator_code, w.organization_code, w.period,
    'owed', w.due_date, w.due_date, 1, 0, 1, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
FROM unnest(CAST(:ids AS uuid[]), CAST(:indicators AS text[]), CAST(:units AS text[]),
    CAST(:periods AS text[]), CAST(:dues AS date[]))
    AS w(id, indicator_code, organization_code, period, due_date)
ON CONFLICT DO NOTHING RETURNING id
""")
"""Raises what is owed and was not before: the ids of those."""

# Who comes to owe it again owes it as before: in the same place, by the period's date.
TURN_OWED = text("""
UPDATE obligation AS o SET version = o.version + 1, updated_at = :now,
    state = CASE WHEN w.period IS NULL THEN 'waived' ELSE 'owed' END,
    epoch = CASE WHEN w.period IS NULL THEN o.epoch ELSE o.epoch + 1 END,
    due_date = CASE WHEN w.period IS NULL THEN o.due_date
        WHEN o.extensions = 0 THEN w.due_date ELSE greatest(w.due_date, o.due_date) END
FROM obligation AS present
LEFT JOIN unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]),
    CAST(:dues AS date[])) AS w(indicator_code, organization_code, period, due_date)
    ON w.period = present.period AND w.indicator_code = present.indicator_code
    AND w.organization_code = present.organization_code
WHERE present.city_code = :city AND present.plan_code = :plan
    AND present.period = ANY(CAST(:open AS text[]))
    AND (present.state = 'owed') <> (w.period IS NOT NULL)
    AND o.city_code = present.city_code AND o.id = present.id
RETURNING o.state, o.id
""")
"""Waives what is owed no more in open periods and restores what is owed again: both, by state."""

# A date that was extended further than the new one stays. What was handed in is not asked for
# again; a later date holds for it too, so that what came late before is on time within it.
BEGIN_EPOCH = text("""
UPDATE obligation AS o SET epoch = o.epoch + 1, version = o.version + 1, updated_at = :now,
    due_date = CASE WHEN o.extensions = 0 AND NOT h.handed_in
            THEN coalesce(CAST(:due AS date), o.due_date)
        ELSE greatest(CAST(:due AS date), o.due_date) END
FROM obligation AS present CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM submission AS s WHERE s.city_code = present.city_code
            AND s.plan_code = present.plan_code AND s.indicator_code = present.indicator_code
            AND s.organization_code = present.organization_code AND s.period = present.period
            AND s.state <> 'withdrawn' AND s.state <> 'draft') AS handed_in
) AS h
WHERE present.city_code = :city AND present.plan_code = :plan AND present.period = :period
    AND present.state = 'owed' AND o.city_code = present.city_code AND o.id = present.id
    AND (o.extensions = 0 OR CAST(:extended_too AS boolean))
    AND (NOT h.handed_in OR (CAST(:handed_in_too AS boolean) AND o.due_date < :due))
RETURNING o.id
""")
"""Begins a new epoch of what was not handed in for a period: the ids of those."""

REMEMBER = text("""
INSERT INTO obligation_history
    (city_code, obligation_id, version, action, after, actor, reason, occurred_at)
SELECT city_code, id, version, :action, jsonb_build_object('plan', plan_code,
    'indicator_code', indicator_code, 'organization_code', organization_code, 'period', period,
    'state', state, 'due_date', due_date, 'original_due_date', original_due_date,
    'epoch', epoch, 'extensions', extensions), CAST(:actor AS jsonb), CAST(:reason AS text),
    CAST(:now AS timestamptz)
FROM obligation WHERE city_code = :city AND id = ANY(CAST(:ids AS uuid[]))
""")
"""Writes into history how some obligations stand."""
