"""The SQL statements that look up figures: one for all slots, however many there are."""

from services.core.kit.statements import DriverStatement

FIGURES = DriverStatement("""
SELECT submission.indicator_code, submission.organization_code, submission.period,
    submission.id, submission.version,
    submission.state = 'approved' OR approved.after IS NOT NULL AS approved,
    CASE WHEN approved.after IS NULL THEN submission.value
        ELSE CAST(approved.after->>'value' AS numeric) END AS value,
    CASE WHEN approved.after IS NULL THEN submission.numerator
        ELSE CAST(approved.after->>'numerator' AS numeric) END AS numerator,
    CASE WHEN approved.after IS NULL THEN submission.denominator
        ELSE CAST(approved.after->>'denominator' AS numeric) END AS denominator
FROM unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]))
    AS w(indicator_code, organization_code, period)
JOIN submission ON submission.city_code = :city AND submission.plan_code = :plan
    AND submission.indicator_code = w.indicator_code
    AND submission.organization_code = w.organization_code AND submission.period = w.period
    AND submission.state <> 'withdrawn'
LEFT JOIN LATERAL (
    -- While a submission is returned or corrected, its approved figure counts, from the history.
    SELECT history.after FROM submission_history AS history
    WHERE history.city_code = :city AND history.submission_id = submission.id
        AND submission.state IN ('draft', 'returned')
        AND submission.approved_revision IS NOT NULL AND history.after->>'state' = 'approved'
    ORDER BY history.version DESC LIMIT 1
) AS approved ON TRUE
WHERE CASE WHEN approved.after IS NOT NULL THEN NOT CAST(approved.after->>'falsified' AS boolean)
    ELSE submission.state IN ('submitted', 'approved') AND NOT submission.falsified END
""")
"""The figures that count at some slots, passed as three arrays of one length (`checks.figures`)."""

REPORTED = DriverStatement("""
SELECT found.indicator_code, found.organization_code, found.period
FROM unnest(CAST(:indicators AS text[])) AS w(indicator_code)
CROSS JOIN LATERAL (
    -- Reads each indicator by its index, and no more rows of each than the total limit.
    SELECT submission.indicator_code, submission.organization_code, submission.period
    FROM submission
    WHERE submission.city_code = :city AND submission.plan_code = :plan
        AND submission.indicator_code = w.indicator_code AND submission.state <> 'withdrawn'
        AND (submission.state IN ('submitted', 'approved')
            OR submission.approved_revision IS NOT NULL)
        AND (CAST(:period AS text) IS NULL OR submission.period = :period)
        AND (CAST(:unit AS text) IS NULL OR submission.organization_code = :unit)
        AND (submission.indicator_code, submission.organization_code, submission.period)
            > (CAST(:after_indicator AS text), CAST(:after_unit AS text),
                CAST(:after_period AS text))
    ORDER BY submission.indicator_code, submission.organization_code, submission.period
    LIMIT :most
) AS found
ORDER BY found.indicator_code, found.organization_code, found.period LIMIT :most
""")
"""The slots where figures of some indicators were submitted, in order, after a given slot."""
