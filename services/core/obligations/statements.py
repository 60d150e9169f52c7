"""The SQL statements of obligations: their outcomes, who reported, and bulk writes."""

from collections.abc import Mapping

from sqlalchemy import text

from services.core.kit.database import columns_of
from services.core.obligations.models import Obligation
from services.core.obligations.rules import ObligationStatus

SAME_PLACE = """s.city_code = :city AND s.plan_code = o.plan_code
        AND s.indicator_code = o.indicator_code AND s.organization_code = o.organization_code
        AND s.period = o.period AND s.state <> 'withdrawn'"""
"""Joins a submission `s` to the obligation `o` that asked for it."""

# A submitted value stays submitted while it is returned or corrected, and the first time counts. A
# draft was never submitted. Most values have one version, and need no look into their history.
REPORTED_AT = """CASE WHEN s.version = 1 THEN s.submitted_at ELSE (
        SELECT min(coalesce(h.counts_from, h.occurred_at))
            FROM submission_history AS h WHERE h.city_code = :city
            AND h.submission_id = s.id AND h.action = 'submitted') END"""
"""When a submission `s` was first submitted."""

_PLACED = f"""
FROM obligation AS o
JOIN plan_period AS p ON p.city_code = :city AND p.plan_code = o.plan_code
    AND p.period = o.period
LEFT JOIN LATERAL (
    SELECT s.id, s.state, s.submitted_at, {REPORTED_AT} AS reported_at
    FROM submission AS s WHERE {SAME_PLACE}
) AS s ON TRUE
"""  # noqa: S608 (text of our own)

# A due date is a local day that ends at its 24:00: at the next midnight in the plan's zone, not 24
# hours later, because a day on which clocks change has 23 or 25 hours.
_END = "CAST(o.due_date + 1 AS timestamp) AT TIME ZONE :zone"


def _statuses(unmet: str) -> Mapping[ObligationStatus, str]:
    """Return the condition of each status. A waived obligation has no other status.

    `unmet` is the condition that nothing was submitted. `rules.is_overdue` is repeated here in SQL.
    """
    return {
        "waived": "o.state = 'waived'",
        # `submitted_at`, the last time, comes first: if that was in time, so was the first, which
        # saves the look into the history behind `reported_at`.
        "met": f"(s.submitted_at < {_END} OR s.reported_at < {_END})",
        "late": f"(s.submitted_at >= {_END} AND s.reported_at >= {_END})",
        "missing": f"({unmet} AND (o.due_date < :today OR p.state <> 'open'))",
        "expected": f"({unmet} AND o.due_date >= :today AND p.state = 'open')",
    }


_STATUS = _statuses("s.submitted_at IS NULL")
IN_TIME = _STATUS["met"]
"""The condition that the submission for an obligation `o` came by the end of its due date."""

# The planner can estimate how many rows have no match, but not how many matches lack a value.
NARROWED = _statuses(
    f"NOT EXISTS (SELECT FROM submission AS s WHERE {SAME_PLACE} AND s.state <> 'draft')"
)
"""The condition by status that filters a list of obligations."""

ALL_COLUMNS = columns_of(Obligation, "o")
"""Every column of `obligation AS o`."""

_CASE = " ".join(f"WHEN {condition} THEN '{status}'" for status, condition in _STATUS.items())
STANDING = f"""
SELECT {ALL_COLUMNS}, p.state AS period_state, s.id AS submission_id,
    s.state AS submission_state, s.reported_at, CASE {_CASE} END AS status
{_PLACED} WHERE o.city_code = :city AND o.plan_code = :plan
"""
"""A plan's obligations with their outcomes: `status` as of the local date `:today`."""

COUNTED = f"""
SELECT {{column}} AS code, count(*) AS expected, count(s.submitted_at) AS reported,
    count(*) FILTER (WHERE {_STATUS["met"]}) AS on_time,
    count(*) FILTER (WHERE {_STATUS["missing"]}) AS missing
{_PLACED} JOIN organization AS u ON u.city_code = :city AND u.code = o.organization_code
WHERE o.city_code = :city AND o.plan_code = :plan AND o.state = 'owed'
    AND (u.ended_at IS NULL OR CAST(u.ended_at AT TIME ZONE :zone AS date) >= o.due_date)
"""
"""How many values were owed, submitted, in time, and missing, grouped by `column`."""

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
"""Creates the obligations that do not exist; returns their ids."""

# A unit that owes a value again gets its old row back, with the old due date if that is still to
# come. A value submitted while it was owed keeps its due date; the others are requested only now.
TURN_OWED = text(f"""
UPDATE obligation AS o SET version = o.version + 1, updated_at = :now,
    state = CASE WHEN w.period IS NULL THEN 'waived' ELSE 'owed' END,
    epoch = CASE WHEN w.period IS NULL THEN o.epoch ELSE o.epoch + 1 END,
    due_date = CASE WHEN w.period IS NULL THEN o.due_date
        WHEN o.due_date >= CAST(:asked_on AS date) OR EXISTS (SELECT FROM submission AS s
            WHERE {SAME_PLACE} AND {REPORTED_AT} < o.updated_at)
            THEN greatest(w.of_period, o.due_date)
        WHEN o.extensions = 0 THEN w.due_date ELSE greatest(w.due_date, o.due_date) END
FROM obligation AS present
LEFT JOIN unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]),
    CAST(:of_periods AS date[]), CAST(:dues AS date[]))
    AS w(indicator_code, organization_code, period, of_period, due_date)
    ON w.period = present.period AND w.indicator_code = present.indicator_code
    AND w.organization_code = present.organization_code
WHERE present.city_code = :city AND present.plan_code = :plan
    AND present.period = ANY(CAST(:open AS text[]))
    AND (present.state = 'owed') <> (w.period IS NOT NULL)
    AND o.city_code = present.city_code AND o.id = present.id
RETURNING o.state, o.id
""")  # noqa: S608 (text of our own)
"""Waives obligations that no longer apply in open periods and restores those that apply again;
returns both, by state."""

# A date that was extended beyond the new one stays. A submitted value is not requested again, but a
# later date applies to it too, so that a late submission may be in time by the new date.
BEGIN_EPOCH = text("""
UPDATE obligation AS o SET epoch = o.epoch + 1, version = o.version + 1, updated_at = :now,
    due_date = CASE WHEN o.extensions = 0 AND NOT present.handed_in
            THEN coalesce(CAST(:due AS date), o.due_date)
        ELSE greatest(CAST(:due AS date), o.due_date) END
FROM (
    SELECT w.id, EXISTS (
        SELECT FROM submission AS s WHERE s.city_code = :city
            AND s.plan_code = w.plan_code AND s.indicator_code = w.indicator_code
            AND s.organization_code = w.organization_code AND s.period = w.period
            AND s.state <> 'withdrawn' AND s.state <> 'draft') AS handed_in
    FROM obligation AS w
    WHERE w.city_code = :city AND w.plan_code = :plan AND w.period = :period AND w.state = 'owed'
) AS present
WHERE o.city_code = :city AND o.id = present.id
    AND (CAST(:extended_too AS boolean) OR o.extensions = 0 AND o.due_date <= CAST(:before AS date))
    AND (NOT present.handed_in OR (CAST(:handed_in_too AS boolean) AND o.due_date < :due))
RETURNING o.id
""")
"""Begins a new epoch for a period's missing values; returns their ids."""

LOADED_AT = text("""
SELECT v.loaded_at FROM plan_version AS v
WHERE v.city_code = :city AND v.plan_code = :plan AND v.version = :version
""")
"""When a version of a plan was loaded."""

OPENED_BY = text("""
SELECT p.period, (
    SELECT v.document->'due_days' FROM plan_version AS v
    WHERE v.city_code = :city AND v.plan_code = :plan AND v.loaded_at <= p.opened_at
    ORDER BY v.version DESC LIMIT 1
) AS due_days
FROM plan_period AS p
WHERE p.city_code = :city AND p.plan_code = :plan AND p.state = 'open'
""")
"""The rule of each open period's due date: that of the plan version in force at its opening."""

LATER_DUE = text("""
SELECT o.indicator_code, o.organization_code, o.period, o.due_date
FROM obligation AS o
WHERE o.city_code = :city AND o.plan_code = :plan AND o.extensions > 0
UNION
SELECT o.indicator_code, o.organization_code, o.period, o.due_date
FROM plan_period AS p JOIN obligation AS o ON o.city_code = :city
    AND o.plan_code = p.plan_code AND o.period = p.period AND o.due_date > p.due_date
WHERE p.city_code = :city AND p.plan_code = :plan AND p.state = 'open'
""")
"""Values that are due later than their period: extended, or requested after the period's date.

The latter matter only while the period is open: a closed one is judged as at its end. So each part
is found by an index, however long the ledger is; drawing any board needs this.
"""

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
"""Writes the present state of some obligations to the history."""

MOOT = text(f"""
SELECT {ALL_COLUMNS} FROM obligation AS o
JOIN extension AS e ON e.city_code = :city AND e.subject_kind = 'obligation'
    AND e.subject_id = o.id AND e.state = 'requested'
LEFT JOIN plan_period AS p ON p.city_code = :city AND p.plan_code = o.plan_code
    AND p.period = o.period
WHERE o.city_code = :city AND (o.state <> 'owed' OR p.state IS DISTINCT FROM 'open'
    OR EXISTS (SELECT FROM submission AS s WHERE {SAME_PLACE} AND s.state <> 'draft'))
ORDER BY o.id LIMIT :most FOR UPDATE OF o
""")  # noqa: S608 (text of our own)
"""Obligations, locked, whose pending request cannot be granted (`rules.is_extendable`)."""

ANSWERED_BY_OWNERS = text("""
SELECT s.indicator_code, s.period, array_agg(s.organization_code ORDER BY i.version DESC) AS units
FROM indicator_owner AS i
JOIN submission AS s ON s.city_code = i.city_code AND s.plan_code = i.plan_code
    AND s.indicator_code = i.indicator_code AND s.organization_code = i.organization_code
WHERE i.city_code = :city AND i.plan_code = :plan AND s.city_code = :city AND s.plan_code = :plan
    AND s.period = ANY(:periods) AND s.approved_revision IS NOT NULL
    AND i.indicator_code IN (
        SELECT h.indicator_code FROM indicator_owner AS h
        WHERE h.city_code = :city AND h.plan_code = :plan
        GROUP BY h.indicator_code HAVING count(*) > 1)
GROUP BY s.indicator_code, s.period
""")
"""Owners with an approved value, for indicators that changed hands, latest owner first."""

HANDED_OVER = text("""
SELECT DISTINCT w.plan_code
FROM unnest(CAST(:plans AS text[]), CAST(:codes AS text[])) AS w(plan_code, indicator_code)
WHERE (SELECT count(*) FROM indicator_owner AS i WHERE i.city_code = :city
    AND i.plan_code = w.plan_code AND i.indicator_code = w.indicator_code) > 1
""")
"""The plans among these in which the given indicator changed hands."""

# Only submissions since the opening of the period count as answers.
ANSWERED = text("""
SELECT DISTINCT p.period FROM plan_period AS p
JOIN obligation AS o ON o.city_code = p.city_code AND o.plan_code = p.plan_code
    AND o.period = p.period
JOIN submission AS s ON s.city_code = o.city_code AND s.plan_code = o.plan_code
    AND s.indicator_code = o.indicator_code AND s.organization_code = o.organization_code
    AND s.period = o.period AND s.state <> 'withdrawn' AND s.submitted_at >= p.opened_at
WHERE p.city_code = :city AND p.plan_code = :plan
    AND p.period = coalesce(CAST(:period AS text), p.period)
""")
"""The periods with submissions since their opening, of a plan or the given one."""

ASKED = text("""
SELECT organization_code, count(*) AS number FROM obligation
WHERE city_code = :city AND plan_code = :plan AND period = :period AND state = 'owed'
GROUP BY organization_code ORDER BY organization_code
""")
"""How many values a period asks for, by unit."""

BURDEN = f"""
SELECT o.organization_code AS code, count(*) AS asked,
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM submission AS b WHERE b.city_code = :city AND b.plan_code = o.plan_code
            AND b.indicator_code = o.indicator_code
            AND b.organization_code = o.organization_code
            AND b.period IN (w.before, w.year_ago) AND b.state NOT IN ('withdrawn', 'draft')
            AND NOT b.falsified)
        OR EXISTS (
        SELECT FROM observation AS b WHERE b.city_code = :city AND b.plan_code = o.plan_code
            AND b.indicator_code = o.indicator_code
            AND b.organization_code = o.organization_code AND b.period = o.period)) AS prefilled,
    count(*) FILTER (WHERE s.state <> 'draft') AS filled,
    CAST(coalesce(sum(s.returned), 0) AS bigint) AS returned,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY notice.days) AS lower_median,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY notice.days DESC) AS upper_median
FROM obligation AS o
JOIN unnest(CAST(:periods AS text[]), CAST(:befores AS text[]), CAST(:years_ago AS text[]))
    AS w(period, before, year_ago) ON w.period = o.period
JOIN organization AS u ON u.city_code = :city AND u.code = o.organization_code
CROSS JOIN LATERAL (
    SELECT o.original_due_date - CAST(o.created_at AT TIME ZONE :zone AS date) AS days
) AS notice
LEFT JOIN LATERAL (
    -- A returned submission has at least version 2.
    SELECT s.state, CASE WHEN s.version > 1 THEN (
        SELECT count(*) FROM submission_history AS h WHERE h.city_code = :city
            AND h.submission_id = s.id AND h.action = 'returned') ELSE 0 END AS returned
    FROM submission AS s WHERE {SAME_PLACE}
) AS s ON TRUE
WHERE o.city_code = :city AND o.plan_code = :plan AND o.state = 'owed'
    AND o.organization_code = ANY(:units)
    AND (u.ended_at IS NULL OR CAST(u.ended_at AT TIME ZONE :zone AS date) >= o.due_date)
"""  # noqa: S608 (text of our own)
"""What each unit is asked to report in some periods, and the effort. The days of notice are the
mean of the lower and the upper median, which differ if the number of values is even."""
