"""The SQL statements of alerts, by name: due steps, overdue items, and writes of both."""

from sqlalchemy import text

from services.core.alerts.models import Alert
from services.core.events.statements import event_inserts
from services.core.kit.database import columns_of

# Checked first, because an INSERT would wait for the row's lock.
BEGIN_EVALUATION = text("""
INSERT INTO alert_evaluation (city_code, plan_code)
SELECT :city, :plan WHERE NOT EXISTS (
    SELECT FROM alert_evaluation WHERE city_code = :city AND plan_code = :plan)
ON CONFLICT DO NOTHING
""")
"""Creates the row that is the lock for evaluations of a plan."""

# One pass over open subjects and notified alerts. FULL JOIN: an open subject without an alert may
# be newly due, and an alert without an open subject has ended. The step that is due for a mark is
# the number of cut-offs (ascending here) on or after it; `width_bucket` counts those that are not
# after its operand, therefore `mark - 1`.
FINDINGS = """
WITH found AS MATERIALIZED (
    SELECT o.subject_id, o.epoch, o.mark, o.created_at, o.unit, o.measure_code,
        o.indicator_code, o.label, o.parent_id, a.id AS alert_id, a.reach, a.suppressed_reach,
        a.given_level, a.state, a.hold_until,
        coalesce(a.holds_top, FALSE) AS holds_top,
        CAST(:steps AS integer) - width_bucket(o.mark - 1, CAST(:latest AS date[])) AS step
    FROM ({relation}) o
    FULL JOIN (
        SELECT id, subject_id, epoch, reach, suppressed_reach, given_level, state,
            hold_until, holds_top
        FROM alert
        WHERE city_code = :city AND plan_code = :plan AND rule = :rule
            AND state <> 'resolved' {narrowed}
    ) a ON a.subject_id = o.subject_id AND a.epoch = o.epoch
    WHERE o.subject_id IS NULL OR (
        NOT o.paused AND o.mark <= CAST(:earliest AS date)
        AND (CAST(:offsets AS integer[]))[CAST(:steps AS integer)
            - width_bucket(o.mark - 1, CAST(:latest AS date[]))] > coalesce(a.reach, -1000))
), f AS (
    SELECT *, (CAST(:levels AS integer[]))[step] AS level,
        alert_id IS NULL AND (CAST(:offsets AS integer[]))[step] > 0
            AND (CAST(:first AS boolean)
                OR coalesce((created_at AT TIME ZONE :zone)::date > mark, FALSE)) AS arrives
    FROM found
)
SELECT f.subject_id, f.epoch, f.mark, f.unit, f.measure_code, f.indicator_code, f.label, f.step,
    f.arrives, {muted} AS muted, f.alert_id, f.reach, f.suppressed_reach, f.given_level,
    f.state, f.hold_until, f.holds_top,
    CASE WHEN f.subject_id IS NULL THEN coalesce({ending}, 'gone') END AS reason,
    w.notified, to_jsonb(w) AS image
FROM f LEFT JOIN alert w
    ON f.subject_id IS NULL AND w.city_code = :city AND w.id = f.alert_id
WHERE f.subject_id IS NULL OR f.arrives
    OR CASE WHEN f.level = 0 THEN CAST(:digests AS boolean)
        ELSE CAST(:window AS boolean) OR f.level = :top END
ORDER BY f.mark
"""
"""Newly due steps of one rule, and its ended alerts with the reason; a template."""

_ALL = columns_of(Alert, "a")

_MADE = """
made AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:made AS jsonb)) AS m(
        id uuid, alert_key text, rule text, subject_kind text, subject_id text, epoch bigint,
        organization_code text, measure_code text, indicator_code text, title text,
        message text, message_en text, due_date date, recipients jsonb, calendar text,
        stage text, repeat integer, level smallint, reach integer, earlier integer,
        outcome text, arrived boolean, event_id uuid, event_type text, data jsonb)
)
"""

_IMAGE = """jsonb_build_object('organization_code', k.organization_code, 'due_date', k.due_date,
    'stage', k.stage, 'repeat', k.repeat, 'level', k.level, 'seq', k.seq, 'state', k.state,
    'hold_until', k.hold_until, 'promised_date', k.promised_date)"""
"""What history stores of alert `k`."""

_BY = ":calendar_version, :rules_version"

_HISTORY = f"""
INSERT INTO alert_history (city_code, alert_id, version, action, after, actor, reason,
    calendar_version, rules_version, occurred_at)
SELECT :city, k.id, k.version, {{action}}, {_IMAGE}, CAST(:actor AS jsonb), {{reason}}, {_BY},
    :now
FROM kept k JOIN made m USING ({{key}})
"""  # noqa: S608 (text of our own)

_ACTION = "CASE WHEN m.outcome = 'superseded' THEN 'arrived' ELSE m.outcome END"

_INSERT_ALERT = f"""
INSERT INTO alert AS a (city_code, id, plan_code, alert_key, rule, subject_kind, subject_id,
    epoch, organization_code, measure_code, indicator_code, title, message, message_en,
    due_date, recipients, calendar, stage, repeat, level, reach, suppressed_reach, given_level,
    seq, state, arrived, notified, holds_top, calendar_version, rules_version, raised_at,
    updated_at, version)
SELECT :city, m.id, :plan, m.alert_key, m.rule, m.subject_kind, m.subject_id, m.epoch,
    m.organization_code, m.measure_code, m.indicator_code, m.title, m.message, m.message_en,
    m.due_date, m.recipients, m.calendar, m.stage, m.repeat, m.level, {{columns}}, 'open',
    m.arrived, {{notified}}, FALSE, {_BY}, :now, :now, 1
FROM made m
"""  # noqa: S608 (text of our own)


def _events(key: str, *, also: str = "") -> str:
    """Return the parts that write the events of those `made` that were `kept`."""
    return event_inserts(
        f"made m JOIN kept k USING ({key}) {also} WHERE m.event_type IS NOT NULL",
        city_code=":city",
        id="m.event_id",
        plan_code=":plan",
        type="m.event_type",
        subject_kind="'alert'",
        subject_id="k.id::text",
        organization_code="k.organization_code",
        actor="CAST(:actor AS jsonb)",
        data="m.data || jsonb_build_object('alert_id', k.id, 'seq', k.seq)",
        occurred_at=":now",
    )


# `noticed` overwrites notices that were only suppressed; one that was sent stays, and is not
# returned. So only notices that are really sent now set `notified`, count in `seq` and get an
# event. `skipped` records the stages between the last notice and this one, which nobody will get.
NOTIFY = text(f"""
WITH {_MADE}, noticed AS (
    INSERT INTO alert_notice AS n (city_code, alert_key, stage, repeat, level, reach, outcome,
        event_id, calendar, calendar_version, rules_version, decided_at)
    SELECT :city, alert_key, stage, repeat, level, reach, outcome, event_id, calendar, {_BY}, :now
    FROM made
    ON CONFLICT (city_code, alert_key, stage, repeat, level) DO UPDATE SET
        outcome = excluded.outcome, event_id = excluded.event_id, calendar = excluded.calendar,
        calendar_version = excluded.calendar_version, rules_version = excluded.rules_version,
        decided_at = excluded.decided_at
    WHERE n.outcome IN ('held', 'snoozed', 'muted')
    RETURNING alert_key
), skipped AS (
    INSERT INTO alert_notice AS n (city_code, alert_key, stage, repeat, level, reach, outcome,
        calendar, calendar_version, rules_version, decided_at)
    SELECT :city, m.alert_key, s.stage, s.repeat, s.level, s.reach, 'superseded', m.calendar,
        {_BY}, :now
    FROM made m JOIN unnest(CAST(:stages AS text[]), CAST(:repeats AS integer[]),
        CAST(:levels AS smallint[]), CAST(:offsets AS integer[]))
        AS s(stage, repeat, level, reach) ON s.reach > m.earlier AND s.reach < m.reach
    WHERE m.outcome <> 'superseded'
    ON CONFLICT (city_code, alert_key, stage, repeat, level) DO UPDATE
        SET outcome = 'superseded', decided_at = excluded.decided_at
        WHERE n.outcome IN ('held', 'snoozed', 'muted')
), kept AS (
    {
    _INSERT_ALERT.format(
        columns="m.reach, NULL, CASE WHEN m.outcome = 'given' THEN m.level END, 1",
        notified="EXISTS (SELECT FROM noticed n WHERE n.alert_key = m.alert_key)",
    )
}
    ON CONFLICT (city_code, alert_key) DO UPDATE SET
        organization_code = excluded.organization_code, title = excluded.title,
        message = excluded.message, message_en = excluded.message_en,
        due_date = excluded.due_date, recipients = excluded.recipients,
        calendar = excluded.calendar, calendar_version = excluded.calendar_version,
        rules_version = excluded.rules_version, stage = excluded.stage,
        repeat = excluded.repeat, level = excluded.level,
        reach = greatest(a.reach, excluded.reach),
        given_level = coalesce(excluded.given_level, a.given_level),
        seq = a.seq + excluded.notified::integer, notified = a.notified OR excluded.notified,
        arrived = excluded.arrived, state = 'open', hold_until = NULL, holds_top = FALSE,
        raised_at = CASE WHEN a.state = 'resolved' THEN excluded.raised_at ELSE a.raised_at END,
        updated_at = excluded.updated_at, resolved_at = NULL, resolved_reason = NULL,
        version = a.version + 1
    RETURNING {_ALL}
), remembered AS ({_HISTORY.format(action=_ACTION, reason="NULL", key="alert_key")}),
{_events("alert_key", also="JOIN noticed USING (alert_key)")}
SELECT alert_key, id, seq FROM kept
""")  # noqa: S608 (text of our own)
"""Writes notices, those that they supersede, their alerts, history and events: alerts by key."""

SUPPRESS = text(f"""
WITH {_MADE}, noticed AS (
    INSERT INTO alert_notice (city_code, alert_key, stage, repeat, level, reach, outcome,
        calendar, calendar_version, rules_version, decided_at)
    SELECT :city, alert_key, stage, repeat, level, reach, outcome, calendar, {_BY}, :now
    FROM made ON CONFLICT DO NOTHING
), kept AS (
    {_INSERT_ALERT.format(columns="NULL, m.reach, NULL, 0", notified="FALSE")}
    ON CONFLICT (city_code, alert_key) DO UPDATE SET
        suppressed_reach = excluded.suppressed_reach, updated_at = excluded.updated_at,
        version = a.version + 1
    RETURNING {_ALL}
)
{_HISTORY.format(action="m.outcome", reason="NULL", key="alert_key")}
""")  # noqa: S608 (text of our own)
"""Writes suppressed notices, with their alerts and history."""

# `state <> 'resolved'`: if two evaluations found the same end, the second one changes nothing.
RESOLVE = text(f"""
WITH made AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:made AS jsonb))
        AS m(id uuid, reason text, event_id uuid, event_type text, data jsonb)
), kept AS (
    UPDATE alert a SET state = 'resolved', resolved_at = :now, resolved_reason = m.reason,
        notified = FALSE, hold_until = NULL, holds_top = FALSE, suppressed_reach = NULL,
        seq = a.seq + (m.event_type IS NOT NULL)::integer, updated_at = :now,
        version = a.version + 1
    FROM made m WHERE a.city_code = :city AND a.id = m.id AND a.state <> 'resolved'
    RETURNING {_ALL}
), remembered AS ({_HISTORY.format(action="'resolved'", reason="m.reason", key="id")}),
{_events("id")}
SELECT count(*) FROM kept
""")  # noqa: S608 (text of our own)
"""Ends alerts, with history and events; returns how many."""

GIVE_DIGESTS = text(f"""
WITH made AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:made AS jsonb)) AS m(
        event_id uuid, organization_code text, kind text, total integer, data jsonb)
), given AS (
    INSERT INTO alert_digest (city_code, plan_code, organization_code, day, kind, total,
        event_id, given_at)
    SELECT :city, :plan, organization_code, :today, kind, total, event_id, :now FROM made
), {
    event_inserts(
        "made",
        city_code=":city",
        id="event_id",
        plan_code=":plan",
        type="'alert.digest'",
        subject_kind="'alert_digest'",
        subject_id="CAST(:plan AS text) || '/' || organization_code || '/'"
        " || CAST(:today AS date) || '/' || kind",
        organization_code="organization_code",
        actor="CAST(:actor AS jsonb)",
        data="data",
        occurred_at=":now",
    )
}
SELECT count(*) FROM happened
""")  # noqa: S608 (text of our own)
"""Writes digests and their events."""

LATE_PART = """
SELECT '{rule}' AS rule, '{kind}' AS subject_kind, o.subject_id, o.epoch, o.unit, o.measure_code,
    o.indicator_code, o.label, o.mark, {due} AS due, {addressee} AS organization_code,
    coalesce((CAST(:levels_{number} AS integer[]))[CAST(:steps_{number} AS integer)
        - width_bucket(o.mark - 1, CAST(:latest_{number} AS date[]))], 0) AS level
FROM ({relation}) o
LEFT JOIN leads AS lead
    ON lead.code = coalesce('measure:' || o.measure_code, 'indicator:' || o.indicator_code)
WHERE NOT o.paused AND o.mark <= CAST(:late_{number} AS date)
"""
"""The overdue subjects of one rule; a template."""

_ALL_LATE = """
WITH leads AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:lead_codes AS text[]), CAST(:lead_units AS text[]))
        AS leads(code, unit)
), late AS ({parts})"""

_ONLY = "(CAST(:only AS text) IS NULL OR organization_code = CAST(:only AS text))"

LATE_OUTSIDE = f"""{_ALL_LATE}
SELECT count(*) FROM late WHERE ({{visible}}) IS NOT TRUE AND {_ONLY}
"""  # noqa: S608 (text of our own)
"""The number of overdue subjects that a caller does not see; a template."""

LATE_PAGE = f"""{_ALL_LATE}, page AS (
    SELECT * FROM late WHERE {{visible}} AND {_ONLY}
        AND (CAST(:after_unit AS text) IS NULL OR
            (organization_code, -level, due, rule, subject_id) > (CAST(:after_unit AS text),
                -CAST(:after_level AS integer), CAST(:after_due AS date),
                CAST(:after_rule AS text), CAST(:after_subject AS text)))
    ORDER BY organization_code, -level, due, rule, subject_id LIMIT :most
)
SELECT page.rule, page.subject_kind, page.subject_id, page.unit, page.measure_code,
    page.indicator_code, page.label, page.mark, page.due, page.organization_code, page.level,
    a.id AS alert_id, a.answer, a.promised_date, a.answered_by, a.answered_at,
    owed.due_date AS owed_by
FROM page LEFT JOIN obligation AS owed ON owed.city_code = :city AND owed.plan_code = :plan
    AND owed.id = CASE WHEN page.subject_kind = 'obligation'
        THEN CAST(page.subject_id AS uuid) END
LEFT JOIN alert AS a ON a.city_code = :city AND a.plan_code = :plan
    AND a.state <> 'resolved' AND a.rule = page.rule AND a.subject_id = page.subject_id
    AND a.epoch = page.epoch
ORDER BY page.organization_code, -page.level, page.due, page.rule, page.subject_id
"""  # noqa: S608
"""A page of overdue subjects, with the reactions to their alerts; a template."""

LATE_GRAVEST = f"""{_ALL_LATE}, seen AS MATERIALIZED (
    SELECT late.rule, late.subject_kind, late.subject_id, late.unit, late.measure_code,
        late.indicator_code, late.label, late.mark, late.due, late.organization_code, late.level,
        a.id AS alert_id, a.answer, a.promised_date, a.answered_by, a.answered_at
    FROM late LEFT JOIN alert AS a ON a.city_code = :city AND a.plan_code = :plan
        AND a.state <> 'resolved' AND a.rule = late.rule AND a.subject_id = late.subject_id
        AND a.epoch = late.epoch
    WHERE {{visible}}
), page AS (
    SELECT * FROM seen ORDER BY -level, due, organization_code, rule, subject_id LIMIT :most
), told AS (
    SELECT count(*) AS things, count(DISTINCT organization_code) AS units,
        count(promised_date) AS promised
    FROM seen
)
SELECT page.rule, page.subject_kind, page.subject_id, page.unit, page.measure_code,
    page.indicator_code, page.label, page.mark, page.due, page.organization_code, page.level,
    page.alert_id, page.answer, page.promised_date, page.answered_by, page.answered_at,
    owed.due_date AS owed_by, told.things, told.units, told.promised
FROM told CROSS JOIN page
LEFT JOIN obligation AS owed ON owed.city_code = :city AND owed.plan_code = :plan
    AND owed.id = CASE WHEN page.subject_kind = 'obligation'
        THEN CAST(page.subject_id AS uuid) END
ORDER BY -page.level, page.due, page.organization_code, page.rule, page.subject_id
"""  # noqa: S608
"""The most severe overdue subjects, whoever has to act, and the total counts."""
