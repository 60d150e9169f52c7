"""The SQL statement for an actor's waiting work, composed from one part for each kind.

Text only. Each part begins from the actor, so that it reads no more rows than wait for them. All
parts have the same columns: kind, due_date, today, plan_code, subject_kind, subject_id,
organization_code, indicator_code, measure_code, period, title, state.
"""

from collections.abc import Iterable, Mapping

from services.core.agenda.rules import KINDS, TodoKind
from services.core.identity.reach import Reach
from services.core.plan.visibility import Owned, led_by
from services.core.registers.statements import TO_BE_RECHECKED, TO_BE_RENEWED

MILESTONES = Owned(
    city="m.city_code", plan="m.plan_code", unit="m.organization_code", measure="m.measure_code"
)
"""The ownership of a milestone `m`."""

_SUBMISSIONS = Owned(
    city="s.city_code", plan="s.plan_code", unit="s.organization_code", indicator="s.indicator_code"
)

(_LED_MEASURE,) = led_by(MILESTONES, city=":city", unit=":unit")
(_LED_INDICATOR,) = led_by(_SUBMISSIONS, city=":city", unit=":unit")

# Whether no other unit leads the measure or the indicator. Both lists are hashed once, because a
# subquery for each item would take most of the time of an office with thousands of items.
_NO_OTHER_LEADS_MEASURE = """(m.plan_code, m.measure_code) NOT IN (
        SELECT plan_code, measure_code FROM measure_leads)
    OR (m.plan_code, m.measure_code, m.organization_code) IN (
        SELECT plan_code, measure_code, alone FROM measure_leads)"""

_NO_OTHER_LEADS_INDICATOR = """(s.plan_code, s.indicator_code) NOT IN (
        SELECT plan_code, indicator_code FROM indicator_leads)
    OR (s.plan_code, s.indicator_code, s.reported_by_organization) IN (
        SELECT plan_code, indicator_code, alone FROM indicator_leads)
    OR (s.author_organizations <> '{}' AND NOT EXISTS (
        SELECT FROM indicator_lead AS led WHERE led.city_code = :city
        AND led.plan_code = s.plan_code AND led.indicator_code = s.indicator_code
        AND led.organization_code <> ALL(s.author_organizations)))"""

_WROTE = ":unit = ANY(coalesce(s.author_organizations, ARRAY[s.reported_by_organization]))"
"""Whether the unit is among the authors of the revision under review."""

_SUBMISSION = """p.today, s.plan_code, 'submission' AS subject_kind, s.id AS subject_id,
    s.organization_code, s.indicator_code, NULL::text AS measure_code, s.period,
    NULL::text AS title, s.state
FROM plans p JOIN submission s ON s.city_code = :city AND s.plan_code = p.plan_code"""

# Work that the state of its period forbids does not wait.
_NOT_IN = """(s.plan_code, s.period) NOT IN (
        SELECT plan_code, period FROM plan_period
        WHERE city_code = :city AND plan_code = ANY(CAST(:plans AS text[]))
            AND state IN ({states}))"""

# The due date: found by the index of its day among the plan's, so that a thousand items are not
# each compared with every day.
_TURN = """CROSS JOIN LATERAL (
    SELECT (CAST(:{turn}s AS date[]))[
        least(greatest((s.{when} AT TIME ZONE p.zone)::date, p.first_day), p.today)
        - p.first_day + p.turns_before + 1] AS {turn}
) AS t"""

_MILESTONE = """p.today, m.plan_code, 'milestone' AS subject_kind, m.id AS subject_id,
    m.organization_code, NULL::text AS indicator_code, m.measure_code, NULL::text AS period,
    m.title, m.state
FROM plans p JOIN milestone m ON m.city_code = :city AND m.plan_code = p.plan_code"""

_REPORT = """
SELECT {number} AS kind, o.due_date, p.today, o.plan_code, 'obligation' AS subject_kind,
    o.id AS subject_id, o.organization_code, o.indicator_code, NULL::text AS measure_code,
    o.period, NULL::text AS title, o.state
FROM plans p
JOIN obligation o ON o.city_code = :city AND o.plan_code = p.plan_code
    AND o.organization_code = :unit AND o.state = 'owed'
JOIN plan_period AS opened ON opened.city_code = :city
    AND opened.plan_code = o.plan_code AND opened.period = o.period AND opened.state = 'open'
WHERE NOT EXISTS (
    SELECT FROM submission AS s WHERE s.city_code = :city AND s.plan_code = o.plan_code
    AND s.indicator_code = o.indicator_code AND s.organization_code = o.organization_code
    AND s.period = o.period AND s.state IN ('submitted', 'approved', 'returned'))
"""
_CORRECT = f"""
SELECT {{number}} AS kind, t.answer_by AS due_date, {_SUBMISSION}
{_TURN.format(turn="answer_by", when="updated_at")}
WHERE s.organization_code = :unit AND s.state = 'returned'
    AND {_NOT_IN.format(states="'closed', 'published'")}
"""
_REVIEW = f"""
SELECT {{number}} AS kind, t.review_by AS due_date, {_SUBMISSION}
{_TURN.format(turn="review_by", when="submitted_at")}
WHERE s.state = 'submitted' AND {{decided_by}} AND {_NOT_IN.format(states="'published'")}
"""
_SIGN = f"""
SELECT {{number}} AS kind, coalesce(m.sign_by, m.due_date) AS due_date, {_MILESTONE}
WHERE m.organization_code = :unit AND m.state = 'assigned'
"""
_PROGRESS = f"""
SELECT {{number}} AS kind, least(m.answer_by, m.due_date) AS due_date, {_MILESTONE}
WHERE m.organization_code = :unit AND m.state IN ('accepted', 'in_progress', 'returned')
"""
_CLOSE = f"""
SELECT {{number}} AS kind, coalesce(m.answer_by, m.due_date) AS due_date, {_MILESTONE}
WHERE m.state = 'completed' AND {{decided_by}}
"""
_REASSIGN = f"""
SELECT {{number}} AS kind, m.due_date, {_MILESTONE}
WHERE m.state = 'declined' AND {{decided_by}}
"""
_DECIDE = """
SELECT {number} AS kind, e.decide_by AS due_date, p.today, e.plan_code,
    'extension' AS subject_kind, e.id AS subject_id, e.organization_code,
    NULL::text AS indicator_code, m.measure_code, NULL::text AS period, m.title, e.state
FROM plans p
JOIN extension e ON e.city_code = :city AND e.plan_code = p.plan_code AND e.state = 'requested'
LEFT JOIN milestone m ON m.city_code = :city AND m.id = e.subject_id
    AND e.subject_kind = 'milestone'
WHERE {decided_by}
"""
_SETTLE = """
SELECT {number} AS kind, c.due_date, p.today, c.plan_code, 'conflict' AS subject_kind,
    c.id AS subject_id, c.organization_code, c.indicator_code, NULL::text AS measure_code,
    c.period, NULL::text AS title, c.state
FROM plans p
JOIN conflict c ON c.city_code = :city AND c.plan_code = p.plan_code AND c.state = 'open'
    AND c.due_date IS NOT NULL
WHERE {decided_by}
"""
# A row waits only from so many days before its date. One whose register is no longer in the plan in
# force does not wait.
_ROW = """
SELECT {{number}} AS kind, r.{mark} AS due_date, p.today, r.plan_code,
    'register_row' AS subject_kind, r.id AS subject_id, r.organization_code,
    NULL::text AS indicator_code, NULL::text AS measure_code, NULL::text AS period,
    coalesce(r.title, r.register_code) AS title, r.state
FROM plans p JOIN register_row AS r ON r.city_code = :city AND r.plan_code = p.plan_code
WHERE r.organization_code = :unit AND r.{mark} <= p.today + {days} AND {which}
    AND (r.plan_code, r.register_code) IN (SELECT * FROM unnest(
        CAST(:register_plans AS text[]), CAST(:registers AS text[])))
"""
_RENEW = _ROW.format(mark="renew_by", days=60, which=TO_BE_RENEWED)
_RECHECK = _ROW.format(mark="recheck_by", days=30, which=TO_BE_RECHECKED)
_PARTS: Mapping[TodoKind, str] = {
    "report": _REPORT,
    "correct": _CORRECT,
    "review": _REVIEW,
    "sign": _SIGN,
    "progress": _PROGRESS,
    "close": _CLOSE,
    "reassign": _REASSIGN,
    "decide": _DECIDE,
    "settle": _SETTLE,
    "renew": _RENEW,
    "recheck": _RECHECK,
}

# A decision that another unit's lead can take waits for that lead. The office gets those that
# nobody else can take, and those that a lead has let become overdue.
_REVIEWED: Mapping[Reach | None, str] = {
    Reach.LED: f"({_WROTE}) IS NOT TRUE AND {_LED_INDICATOR}",
    Reach.WHOLE_PLAN: f"({_NO_OTHER_LEADS_INDICATOR} OR t.review_by < p.today)",
}
_CLOSED: Mapping[Reach | None, str] = {
    Reach.LED: f"m.organization_code <> :unit AND {_LED_MEASURE}",
    Reach.WHOLE_PLAN: f"({_NO_OTHER_LEADS_MEASURE} OR coalesce(m.answer_by, m.due_date) < p.today)",
}
_DECIDED: Mapping[Reach | None, str] = {
    Reach.LED: _CLOSED[Reach.LED],
    Reach.WHOLE_PLAN: f"(m.id IS NULL OR {_NO_OTHER_LEADS_MEASURE} OR e.decide_by < p.today)",
}
_SETTLED: Mapping[Reach | None, str] = {
    None: "c.owner_code = :unit",
    Reach.LED: "c.owner_code = :unit",
    Reach.WHOLE_PLAN: "(c.owner_code IS NULL OR c.due_date < p.today)",
}
_DECIDED_BY: Mapping[TodoKind, Mapping[Reach | None, str]] = {
    "review": _REVIEWED,
    "close": _CLOSED,
    "reassign": _CLOSED,
    "decide": _DECIDED,
    "settle": _SETTLED,
}

# MATERIALIZED, so that each is computed once: the page and the counts read `waiting`, and every
# part reads the leads. The page is joined LEFT, so that an empty page still returns the counts.
_STATEMENT = """
WITH plans AS (
    SELECT * FROM unnest(
        CAST(:plans AS text[]), CAST(:zones AS text[]), CAST(:todays AS date[]),
        CAST(:first_days AS date[]), CAST(:turns_before AS int[])
    ) AS p(plan_code, zone, today, first_day, turns_before)
), measure_leads AS MATERIALIZED (
    SELECT plan_code, measure_code,
        CASE WHEN count(*) = 1 THEN min(organization_code) END AS alone
    FROM measure_unit
    WHERE city_code = :city AND plan_code = ANY(CAST(:plans AS text[])) AND part = 'lead'
    GROUP BY plan_code, measure_code
), indicator_leads AS MATERIALIZED (
    SELECT plan_code, indicator_code,
        CASE WHEN count(*) = 1 THEN min(organization_code) END AS alone
    FROM indicator_lead
    WHERE city_code = :city AND plan_code = ANY(CAST(:plans AS text[]))
    GROUP BY plan_code, indicator_code
), waiting AS MATERIALIZED ({parts})
SELECT page.*, counts.counts
FROM (
    SELECT jsonb_object_agg(kind, jsonb_build_array(number, overdue)) AS counts FROM (
        SELECT kind, count(*) AS number, count(*) FILTER (WHERE due_date < today) AS overdue
        FROM waiting GROUP BY kind
    ) AS each_kind
) AS counts
LEFT JOIN (
    SELECT * FROM waiting
    WHERE CAST(:after_due AS date) IS NULL OR (due_date, kind, subject_id)
        > (CAST(:after_due AS date), CAST(:after_kind AS int), CAST(:after_id AS uuid))
    ORDER BY due_date, kind, subject_id LIMIT :most
) AS page ON TRUE
ORDER BY page.due_date, page.kind, page.subject_id
"""


def statement_for(decides: Reach | None, kinds: Iterable[TodoKind]) -> str:
    """Return the statement for waiting work of these kinds, with the counts of all.

    `decides` is the caller's decisions (`rules.decides`); None: it takes none.
    """
    parts = (
        _PARTS[kind].format(
            number=KINDS.index(kind),
            decided_by=_DECIDED_BY.get(kind, {}).get(decides, ""),
        )
        for kind in kinds
    )
    return _STATEMENT.format(parts=" UNION ALL ".join(parts))
