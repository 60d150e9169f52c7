"""Writing what was decided: notices, alerts, their history and their events, many at once.

One statement a batch. A notice's key is unique, and only a notice that was really inserted makes
an event. So two evaluations, one after another or at the same time, notify nobody twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.context import EvaluationContext
from services.core.alerts.cutoffs import Cutoffs
from services.core.alerts.decisions import SUPPRESSED, NoticeDecision, Resolution, event_data
from services.core.alerts.models import Alert
from services.core.events.statements import event_inserts
from services.core.identity.actor import system
from services.core.kit.database import columns_of
from services.core.kit.ids import new_id

_ALL = columns_of(Alert, "a")
ACTOR = to_json(system("alerts")).decode()

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
"""What history keeps of alert `k`."""

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


# `noticed` overwrites notices that were only held back; one that went out stays, and is not
# returned. So only what was really given now sets `notified`, counts in `seq` and gets an event.
# `skipped` writes down the stages between the last notice and this one, which nobody will get.
_NOTIFY = text(f"""
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

_SUPPRESS = text(f"""
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

# `state <> 'resolved'`: where two evaluations found the same end, the second one changes nothing.
_RESOLVE = text(f"""
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


def _common(ground: EvaluationContext) -> dict[str, Any]:
    return {
        "city": ground.plan.city_code,
        "plan": ground.plan.code,
        "now": ground.moment.now,
        "actor": ACTOR,
        "calendar_version": ground.calendar.version,
        "rules_version": ground.rules_version,
    }


async def notify(
    session: AsyncSession,
    ground: EvaluationContext,
    decisions: Sequence[NoticeDecision],
    steps: Cutoffs,
    digest_ids: Mapping[str, UUID],
) -> Mapping[str, tuple[UUID, int]]:
    """Write decisions of which somebody is notified; return by key each alert's id and number.

    Those notified alone get an event; `digest_ids` names, by alert key, the event of the digest
    that holds another.
    """
    if not decisions:
        return {}
    made = [_notified(decision, digest_ids) for decision in decisions]
    rows = await session.execute(
        _NOTIFY,
        {
            **_common(ground),
            "made": to_json(made).decode(),
            "stages": [step.stage for step in steps.steps],
            "repeats": [step.repeat for step in steps.steps],
            "levels": [step.level for step in steps.steps],
            "offsets": [step.offset for step in steps.steps],
        },
    )
    return {key: (identifier, seq) for key, identifier, seq in rows}


def _notified(decision: NoticeDecision, digest_ids: Mapping[str, UUID]) -> dict[str, Any]:
    alone = decision.outcome == "given"
    made = {
        **decision.row,
        "earlier": decision.earlier,
        "outcome": decision.outcome,
        "arrived": decision.arrived,
        "event_id": new_id() if alone else digest_ids[decision.row["alert_key"]],
    }
    if alone:
        made["event_type"] = "alert.escalated" if decision.escalated else "alert.raised"
        made["data"] = event_data(decision.row)
    return made


async def suppress(
    session: AsyncSession, ground: EvaluationContext, decisions: Sequence[NoticeDecision]
) -> None:
    """Write decisions that are suppressed: nobody is notified for now."""
    assert all(decision.outcome in SUPPRESSED for decision in decisions)  # noqa: S101 (ours alone)
    if decisions:
        made = [
            {**each.row, "outcome": each.outcome, "arrived": each.arrived} for each in decisions
        ]
        await session.execute(_SUPPRESS, {**_common(ground), "made": to_json(made).decode()})


async def resolve(
    session: AsyncSession, ground: EvaluationContext, resolutions: Sequence[Resolution]
) -> int:
    """End alerts whose cause is gone; who was notified hears of the end. Return how many."""
    if not resolutions:
        return 0
    made = [
        {
            "id": each.alert_id,
            "reason": each.reason,
            **(
                {}
                if each.data is None
                else {"event_id": new_id(), "event_type": "alert.resolved", "data": each.data}
            ),
        }
        for each in resolutions
    ]
    ended = await session.scalar(_RESOLVE, {**_common(ground), "made": to_json(made).decode()})
    return int(ended or 0)
