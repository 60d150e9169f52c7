"""The SQL relations of deadlines, by rule: open rows, their addressees, and why an alert ended.

`alerts.queries` assembles and runs them. Each relation yields one row for an open item:
`subject_id`, `epoch`, `mark` (its due date, or the day from which its days are counted),
`created_at`, `unit` (its owner; null if nobody is in charge), `measure_code`, `indicator_code`,
`label`, `paused` (no notices for now) and `parent_id`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.core.alerts.rule_set import RuleCode
from services.core.plan.document import Supervision
from services.core.registers.statements import TO_BE_RECHECKED, TO_BE_RENEWED

Addressee = Literal["unit", "reviewer", "office"]
"""The unit itself; the lead of its measure or indicator (the office, if the unit is the lead
itself); the office."""

AlertSubjectKind = Literal[
    "milestone",
    "obligation",
    "submission",
    "extension",
    "conflict",
    "publicity_day",
    "target",
    "indicator",
    "register_row",
]

_HERE = "{0}.city_code = :city AND {0}.plan_code = :plan"


def _no_lead(_supervision: Supervision) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Source:
    """The relation of a rule's subjects.

    A subject is due `lead` working days after its mark. `ending` is SQL for the reason why alert
    `w` has no open subject any more. `id_column` limits the relation to ids. `late` is the relation
    of overdue subjects, if it has more than those that are notified.
    """

    rule: RuleCode
    kind: AlertSubjectKind
    relation: str
    ending: str
    addressee: Addressee = "unit"
    lead: Callable[[Supervision], int] = _no_lead
    id_column: str | None = None
    has_parents: bool = False
    late: str | None = None


_MILESTONE = """
SELECT m.id::text AS subject_id, {epoch} AS epoch, {mark} AS mark, {since} AS created_at,
    CASE WHEN m.state <> 'declined' THEN m.organization_code END AS unit,
    m.measure_code, NULL AS indicator_code, m.title AS label, {paused} AS paused, m.parent_id
FROM milestone m
WHERE m.city_code = :city AND m.plan_code = :plan AND {states}
"""

_MILESTONE_ENDED = """(
SELECT CASE WHEN m.state = 'closed' THEN 'done' WHEN m.state = 'cancelled' THEN 'cancelled'
    WHEN m.epoch > w.epoch AND m.due_date > w.due_date THEN 'extended' ELSE 'rescheduled' END
FROM milestone m WHERE m.city_code = :city AND m.id = w.subject_id::uuid
)"""


def _turn(column: str, state: str) -> str:
    """Return the relation of milestones whose state requires somebody to act by a date.

    A turn is identified by the day on which it began. So a changed calendar moves the turn's
    deadline, and does not begin a new turn.
    """
    return _MILESTONE.format(
        epoch=f"(coalesce(m.turn_began, m.{column}) - DATE '1970-01-01')::bigint",
        mark=f"m.{column}",
        since="NULL::timestamptz",
        paused="FALSE",
        states=f"m.state = '{state}' AND m.{column} IS NOT NULL",
    )


_OBLIGATION = f"""
SELECT o.id::text AS subject_id, o.epoch::bigint AS epoch, o.due_date AS mark, o.created_at,
    o.organization_code AS unit, NULL AS measure_code, o.indicator_code, o.period AS label,
    FALSE AS paused, NULL::uuid AS parent_id
FROM obligation o
WHERE {_HERE.format("o")} AND o.state = 'owed'
    AND NOT EXISTS (
        SELECT FROM submission s WHERE {_HERE.format("s")} AND s.period = o.period
            AND s.indicator_code = o.indicator_code
            AND s.organization_code = o.organization_code
            AND s.state IN ('submitted', 'returned', 'approved'))
    AND NOT EXISTS (
        SELECT FROM plan_period p WHERE {_HERE.format("p")} AND p.period = o.period
            AND p.state IN ('closed', 'published'))
"""  # noqa: S608 (text of our own)

# A value still missing when its period closes causes no notices, because nobody could hand it in
# any more. It counts as late all the same, from the closing day or its due date.
_OBLIGATION_MISSING = f"""
SELECT o.id::text AS subject_id, o.epoch::bigint AS epoch,
    CASE WHEN p.state IN ('closed', 'published') THEN least(o.due_date,
        (coalesce(p.closed_at, p.published_at) AT TIME ZONE :zone)::date - 1)
        ELSE o.due_date END AS mark,
    o.created_at, o.organization_code AS unit, NULL AS measure_code, o.indicator_code,
    o.period AS label, FALSE AS paused, NULL::uuid AS parent_id
FROM obligation o
LEFT JOIN plan_period p ON {_HERE.format("p")} AND p.period = o.period
WHERE {_HERE.format("o")} AND o.state = 'owed'
    AND NOT EXISTS (
        SELECT FROM submission s WHERE {_HERE.format("s")} AND s.period = o.period
            AND s.indicator_code = o.indicator_code
            AND s.organization_code = o.organization_code
            AND s.state IN ('submitted', 'returned', 'approved'))
"""  # noqa: S608 (text of our own)

# A granted extension, and a date moved by a reopening or a new calendar, are different reasons.
_OBLIGATION_ENDED = """(
SELECT CASE WHEN o.state = 'waived' THEN 'waived'
    WHEN o.epoch > w.epoch THEN coalesce((
        SELECT CASE WHEN h.action = 'extended' THEN 'extended' ELSE 'rescheduled' END
        FROM obligation_history h WHERE h.city_code = :city AND h.obligation_id = o.id
            AND h.action IN ('extended', 'reopened', 'rescheduled', 'restored')
        ORDER BY h.version DESC LIMIT 1),
        CASE WHEN o.extensions > 0 THEN 'extended' ELSE 'rescheduled' END)
    WHEN EXISTS (
        SELECT FROM submission s WHERE s.city_code = :city AND s.plan_code = o.plan_code
            AND s.period = o.period AND s.indicator_code = o.indicator_code
            AND s.organization_code = o.organization_code
            AND s.state IN ('submitted', 'returned', 'approved')) THEN 'handed_in'
    ELSE 'period_closed' END
FROM obligation o WHERE o.city_code = :city AND o.id = w.subject_id::uuid
)"""

# Nobody is asked for anything that the state of its period forbids.
_NOT_IN = f"""s.period NOT IN (
        SELECT p.period FROM plan_period p WHERE {_HERE.format("p")} AND p.state IN ({{states}}))
"""  # noqa: S608 (text of our own)


def _submission_ended(state: str, reason: str) -> str:
    """Return the reason of an end: what was asked for was done, or its period was closed."""
    return f"""(
SELECT CASE WHEN s.state = '{state}' AND EXISTS (
        SELECT FROM plan_period p WHERE {_HERE.format("p")} AND p.period = s.period
            AND p.state IN ('closed', 'published')) THEN 'period_closed' ELSE '{reason}' END
FROM submission s WHERE s.city_code = :city AND s.id = w.subject_id::uuid
)"""  # noqa: S608 (text of our own)


# Here and below, the epoch is the second of the event: a value that is handed in or returned again
# starts its notices again.
_REVIEW = f"""
SELECT s.id::text AS subject_id, floor(extract(epoch FROM s.submitted_at))::bigint AS epoch,
    (s.submitted_at AT TIME ZONE :zone)::date AS mark, s.submitted_at AS created_at,
    s.organization_code AS unit, NULL AS measure_code, s.indicator_code, s.period AS label,
    FALSE AS paused, NULL::uuid AS parent_id
FROM submission s
WHERE {_HERE.format("s")} AND s.state = 'submitted' AND s.submitted_at IS NOT NULL
    AND {_NOT_IN.format(states="'published'")}
"""  # noqa: S608 (text of our own)

# Reopening sends a value back like a return, and leaves `decided_at` at the approval.
_ANSWER = f"""
SELECT s.id::text AS subject_id, floor(extract(epoch FROM h.occurred_at))::bigint AS epoch,
    (h.occurred_at AT TIME ZONE :zone)::date AS mark, h.occurred_at AS created_at,
    s.organization_code AS unit, NULL AS measure_code, s.indicator_code, s.period AS label,
    FALSE AS paused, NULL::uuid AS parent_id
FROM submission s
CROSS JOIN LATERAL (
    SELECT occurred_at FROM submission_history
    WHERE city_code = :city AND submission_id = s.id
        AND action IN ('returned', 'reopened')
    ORDER BY version DESC LIMIT 1
) h
WHERE {_HERE.format("s")} AND s.state = 'returned'
    AND {_NOT_IN.format(states="'closed', 'published'")}
"""  # noqa: S608 (text of our own)

# Asked once and answered once: there is only one epoch.
_EXTENSION = f"""
SELECT e.id::text AS subject_id, 1::bigint AS epoch, e.decide_by AS mark,
    e.requested_at AS created_at, e.organization_code AS unit,
    m.measure_code, o.indicator_code, coalesce(m.title, o.period) AS label,
    FALSE AS paused, NULL::uuid AS parent_id
FROM extension e
LEFT JOIN milestone m ON e.subject_kind = 'milestone'
    AND m.city_code = :city AND m.id = e.subject_id
LEFT JOIN obligation o ON e.subject_kind = 'obligation'
    AND o.city_code = :city AND o.id = e.subject_id
WHERE {_HERE.format("e")} AND e.state = 'requested'
"""  # noqa: S608 (text of our own)

# Conflicts of a device have no date.
_CONFLICT = f"""
SELECT c.id::text AS subject_id, 1::bigint AS epoch, c.due_date AS mark,
    c.raised_at AS created_at, c.owner_code AS unit, NULL AS measure_code, c.indicator_code,
    c.period AS label, FALSE AS paused, NULL::uuid AS parent_id
FROM conflict c
WHERE {_HERE.format("c")} AND c.state = 'open' AND c.due_date IS NOT NULL
"""  # noqa: S608 (text of our own)

# By the plan with which the row was confirmed. Another day to come is another epoch. If the plan in
# force no longer has the register, nobody can renew or end its rows.
_ROW = """
SELECT r.id::text AS subject_id, (r.{mark} - DATE '1970-01-01')::bigint AS epoch,
    r.{mark} AS mark, r.created_at, r.organization_code AS unit, NULL AS measure_code,
    NULL AS indicator_code, coalesce(r.title, r.register_code) AS label, FALSE AS paused,
    NULL::uuid AS parent_id
FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan
    AND r.register_code = ANY(CAST(:registers AS text[])) AND {which}
"""

_ROW_ENDED = """(
SELECT CASE WHEN r.state IN ('ended', 'revoked') THEN 'row_ended'
    WHEN r.register_code <> ALL(CAST(:registers AS text[])) THEN 'register_gone' ELSE '{done}' END
FROM register_row AS r WHERE r.city_code = :city AND r.id = w.subject_id::uuid
)"""

_LISTED = """
SELECT subject_id, epoch, mark, NULL::timestamptz AS created_at, NULL AS unit,
    NULL AS measure_code, indicator_code, label, FALSE AS paused, NULL::uuid AS parent_id
FROM unnest(CAST(:ids AS text[]), CAST(:epochs AS bigint[]), CAST(:marks AS date[]),
    CAST(:indicators AS text[]), CAST(:labels AS text[]))
    AS listed(subject_id, epoch, mark, indicator_code, label)
"""
"""Deadlines in the plan's document: a few rows that the caller passes in."""

SOURCES: tuple[Source, ...] = (
    Source(
        "milestone_due",
        "milestone",
        _MILESTONE.format(
            epoch="m.epoch::bigint",
            mark="m.due_date",
            since="m.created_at",
            # Reported complete: the unit did its part, and the alert waits for the decision.
            paused="m.state = 'completed'",
            states="m.state NOT IN ('closed', 'cancelled')",
        ),
        _MILESTONE_ENDED,
        id_column="m.id",
        has_parents=True,
    ),
    Source(
        "milestone_sign", "milestone", _turn("sign_by", "assigned"), "'answered'", id_column="m.id"
    ),
    Source(
        "milestone_answer",
        "milestone",
        _turn("answer_by", "returned"),
        "'answered'",
        id_column="m.id",
    ),
    Source(
        "milestone_closure",
        "milestone",
        _turn("answer_by", "completed"),
        "'decided'",
        addressee="reviewer",
        id_column="m.id",
    ),
    Source(
        "report_due",
        "obligation",
        _OBLIGATION,
        _OBLIGATION_ENDED,
        id_column="o.id",
        late=_OBLIGATION_MISSING,
    ),
    Source(
        "submission_review",
        "submission",
        _REVIEW,
        _submission_ended("submitted", "decided"),
        addressee="reviewer",
        lead=lambda supervision: supervision.review_days,
        id_column="s.id",
    ),
    Source(
        "submission_answer",
        "submission",
        _ANSWER,
        _submission_ended("returned", "answered"),
        lead=lambda supervision: supervision.answer_days,
        id_column="s.id",
    ),
    Source(
        "extension_decision",
        "extension",
        _EXTENSION,
        "'decided'",
        addressee="office",
        id_column="e.id",
    ),
    Source("conflict_decision", "conflict", _CONFLICT, "'decided'", id_column="c.id"),
    Source(
        "row_renewal",
        "register_row",
        _ROW.format(mark="renew_by", which=TO_BE_RENEWED),
        _ROW_ENDED.format(done="renewed"),
    ),
    Source(
        "row_recheck",
        "register_row",
        _ROW.format(mark="recheck_by", which=TO_BE_RECHECKED),
        _ROW_ENDED.format(done="rechecked"),
    ),
    Source("publicity_day", "publicity_day", _LISTED, "'passed'", addressee="office"),
    Source("target_missing", "target", _LISTED, "'assigned'", addressee="office"),
)
"""Every rule with deadlines. A red light has none; `alerts.lights` handles it."""

NOTHING = """
SELECT NULL::text AS subject_id, NULL::bigint AS epoch, NULL::date AS mark,
    NULL::timestamptz AS created_at, NULL::text AS unit, NULL::text AS measure_code,
    NULL::text AS indicator_code, NULL::text AS label, FALSE AS paused, NULL::uuid AS parent_id
WHERE FALSE
"""
"""The relation of a disabled rule."""

# The alert of an overdue parent of the same unit replaces those of its branches. It does not while
# it is only in the office's digest of first-seen overdue items, because the unit was not notified.
MUTED = """EXISTS (
SELECT FROM milestone p
WHERE p.city_code = :city AND p.id = f.parent_id AND p.organization_code = f.unit
    AND p.state NOT IN ('completed', 'closed', 'cancelled') AND p.due_date <= :overdue
    AND NOT EXISTS (
        SELECT FROM alert q WHERE q.city_code = :city AND q.arrived AND q.alert_key = encode(
            sha256(convert_to('milestone:' || p.id || ':milestone_due:' || p.epoch, 'UTF8')),
            'hex'))
)"""
"""Whether the parent of milestone `f` is overdue, and the same unit was notified of that."""
