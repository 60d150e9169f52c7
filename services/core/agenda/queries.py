"""Reads an actor's waiting work, the deadlines of a calendar, and calendar tokens.

`agenda.statements` composes the statement for waiting work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.agenda.models import CalendarToken
from services.core.agenda.rules import (
    CALENDAR_SHOWS,
    KINDS,
    Count,
    TodoKind,
    Turn,
    Waiting,
    decides,
    kinds_for,
    shown,
)
from services.core.agenda.statements import MILESTONES, statement_for
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission
from services.core.plan.visibility import Made, made_scope, seen_by


@dataclass(frozen=True, slots=True)
class PlanTurns:
    """A plan on its local date, with its registers and the review turns of its calendar."""

    plan_code: str
    time_zone: str
    today: date
    turns: Sequence[Turn]
    registers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TodoPlace:
    """The cursor of a page of waiting work: its last item."""

    due_date: date
    kind: TodoKind
    subject_id: UUID


async def waiting(
    session: AsyncSession,
    actor: Actor,
    plans: Sequence[PlanTurns],
    *,
    after: TodoPlace | None,
    limit: int,
) -> tuple[list[Waiting], dict[TodoKind, Count]]:
    """Return up to `limit` items that wait for an actor, soonest due first, and counts.

    The counts are of all items by kind, whatever the page.
    """
    kinds = kinds_for(actor)
    if not kinds or not plans:
        return [], {}
    statement = text(statement_for(decides(actor), kinds)).columns(counts=JSONB)
    asked = _parameters(actor, plans, after, limit)
    rows = await session.execute(
        statement, {name: asked[name] for name in statement.compile().params}
    )
    found = rows.all()
    return [_waiting(row) for row in found if row.kind is not None], _counts(found[0].counts or {})


def _parameters(
    actor: Actor, plans: Sequence[PlanTurns], after: TodoPlace | None, limit: int
) -> dict[str, Any]:
    each_turn = [turn for plan in plans for turn in plan.turns]
    before = accumulate((len(plan.turns) for plan in plans[:-1]), initial=0)
    return {
        "city": actor.city_code,
        "unit": actor.organization_code,
        "plans": [plan.plan_code for plan in plans],
        "zones": [plan.time_zone for plan in plans],
        "todays": [plan.today for plan in plans],
        "first_days": [plan.turns[0].day for plan in plans],
        "turns_before": list(before),
        "review_bys": [turn.review_by for turn in each_turn],
        "answer_bys": [turn.answer_by for turn in each_turn],
        "register_plans": [plan.plan_code for plan in plans for _ in plan.registers],
        "registers": [code for plan in plans for code in plan.registers],
        "after_due": after.due_date if after else None,
        "after_kind": KINDS.index(after.kind) if after else None,
        "after_id": after.subject_id if after else None,
        "most": limit,
    }


def _waiting(row: Any) -> Waiting:
    return Waiting(
        kind=KINDS[row.kind],
        due_date=row.due_date,
        overdue=row.due_date < row.today,
        plan_code=row.plan_code,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        organization_code=row.organization_code,
        indicator_code=row.indicator_code,
        measure_code=row.measure_code,
        period=row.period,
        title=row.title,
        state=row.state,
    )


def _counts(found: Mapping[str, Sequence[int]]) -> dict[TodoKind, Count]:
    return {KINDS[int(number)]: Count(*each) for number, each in sorted(found.items())}


# Open items are listed whatever their age. `version` and `changed_at` grow with everything that an
# entry shows: with the item itself, and with the plan that its texts come from.
_DEADLINES = """
SELECT kind, id, due_date, title, reference, organization_code, state,
    deadline.version + :plan_version - 1 AS version,
    greatest(deadline.changed_at, loaded.loaded_at) AS changed_at, done, cancelled
FROM (
    SELECT 'milestone' AS kind, CAST(m.id AS text) AS id, m.due_date, m.title,
        m.measure_code AS reference, m.organization_code, m.state, m.version,
        m.updated_at AS changed_at, m.state = 'closed' AS done, m.state = 'cancelled' AS cancelled,
        m.state NOT IN ('closed', 'cancelled') AS open_still
    FROM milestone m
    WHERE m.city_code = :city AND m.plan_code = :plan AND {milestones}
    UNION ALL
    {reports}
) AS deadline
JOIN plan_version AS loaded ON loaded.city_code = :city AND loaded.plan_code = :plan
    AND loaded.version = :plan_version
WHERE due_date <= :last AND (due_date >= :first OR open_still)
ORDER BY due_date, kind, id LIMIT :most
"""
_PERIOD_CHANGED = """greatest(p.opened_at, (
            SELECT max(e.occurred_at) FROM event AS e WHERE e.city_code = :city
            AND e.subject_kind = 'period' AND e.subject_id = p.plan_code || '/' || p.period))"""
"""The instant when a period `p` was last opened, moved or closed."""

# An obligation's row does not change while its report is handed in, returned and handed in again.
# So the changes of all submissions at its place count too, also of withdrawn ones. Nor does it
# change when its period is closed: then nobody can hand it in, and it is not open until the period
# is opened again.
_OBLIGATIONS = f"""
    SELECT 'obligation', CAST(o.id AS text), o.due_date, o.period, o.indicator_code,
        o.organization_code, o.state,
        o.version + coalesce(sent.changes, 0) + coalesce(asked.version, 0),
        greatest(o.updated_at, sent.changed_at, asked.changed_at),
        coalesce(sent.handed_in, FALSE),
        o.state = 'waived'
            OR (asked.state IN ('closed', 'published') AND sent.handed_in IS NOT TRUE),
        o.state = 'owed' AND sent.handed_in IS NOT TRUE AND coalesce(asked.state = 'open', FALSE)
    FROM obligation o
    LEFT JOIN (
        SELECT p.period, p.state, p.version, {_PERIOD_CHANGED} AS changed_at
        FROM plan_period AS p WHERE p.city_code = :city AND p.plan_code = :plan
    ) AS asked ON asked.period = o.period
    LEFT JOIN (
        SELECT s.indicator_code, s.period, CAST(sum(s.version) AS int) AS changes,
            max(s.updated_at) AS changed_at,
            bool_or(s.state IN ('submitted', 'approved')) AS handed_in
        FROM submission AS s
        WHERE s.city_code = :city AND s.plan_code = :plan AND s.organization_code = :unit
        GROUP BY s.indicator_code, s.period
    ) AS sent ON sent.indicator_code = o.indicator_code AND sent.period = o.period
    WHERE o.city_code = :city AND o.plan_code = :plan AND o.organization_code = :unit
"""  # noqa: S608 (text of our own)
_PERIODS = f"""
    SELECT 'period', p.plan_code || '/' || p.period, p.due_date, p.period, NULL, NULL, p.state,
        p.version, {_PERIOD_CHANGED},
        p.state IN ('closed', 'published'), p.state = 'planned', p.state = 'open'
    FROM plan_period p
    WHERE p.city_code = :city AND p.plan_code = :plan
"""  # noqa: S608 (text of our own)


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """A deadline as stored: a milestone, an obligation, or a whole period's.

    `version` and `changed_at` never decrease, and grow with every change that a calendar shows.
    """

    kind: str
    id: str
    due_date: date
    title: str
    reference: str | None
    organization_code: str | None
    state: str
    version: int
    changed_at: datetime
    done: bool
    cancelled: bool


async def deadlines(
    session: AsyncSession,
    token: CalendarToken,
    *,
    plan_version: int,
    first: date,
    last: date,
    limit: int,
) -> list[DeadlineRow]:
    """Return a calendar's deadlines between two days, soonest first, including cancelled ones.

    Open items are listed even from before the first day. `plan_version` is the one whose texts the
    calendar uses. A unit's calendar has its milestones and obligations; a plan's has every
    milestone and each period once; a lead's own calendar also has the milestones of the measures
    that its unit leads.
    """
    unit = token.organization_code
    reach = shown(token.scope, token.role, unit)  # type: ignore[arg-type] # only ours are written
    parts = {
        "milestones": seen_by(reach, MILESTONES, city=":city", unit=":unit"),
        "reports": _PERIODS if reach is Reach.WHOLE_PLAN else _OBLIGATIONS,
    }
    rows = await session.execute(
        text(_DEADLINES.format(**parts)),
        {
            "city": token.city_code,
            "plan": token.plan_code,
            "plan_version": plan_version,
            **({"unit": unit} if ":unit" in "".join(parts.values()) else {}),
            "first": first,
            "last": last,
            "most": limit,
        },
    )
    return [DeadlineRow(*row) for row in rows]


_TOKEN_IN_FORCE = text("""
SELECT t.id FROM calendar_token t
JOIN api_key k ON k.city_code = t.city_code AND k.id = t.credential_id
    AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now)
    AND k.scopes @> CAST(:scopes AS text[])
WHERE t.city_code = :city AND t.secret_digest = :digest AND t.revoked_at IS NULL
""")


async def token_by_digest(
    session: AsyncSession, *, city_code: str, digest: bytes, now: datetime
) -> CalendarToken | None:
    """Return the token with this digest if neither it nor the key that made it is revoked.

    The key must still have the rights that the calendar needs.
    """
    found = await session.scalar(
        _TOKEN_IN_FORCE,
        {
            "city": city_code,
            "digest": digest,
            "now": now,
            "scopes": [permission.scope for permission in CALENDAR_SHOWS],
        },
    )
    return None if found is None else await session.get(CalendarToken, (city_code, found))


_TOKENS = Made(
    city="calendar_token.city_code",
    plan="calendar_token.plan_code",
    credential="calendar_token.credential_id",
)


async def tokens_of(
    session: AsyncSession, actor: Actor, *, after: UUID | None, limit: int
) -> Sequence[CalendarToken]:
    """Return the tokens that the actor's key made, oldest first, after the id `after`."""
    wanted = select(CalendarToken).where(made_scope(actor, _TOKENS).clause)
    if after is not None:
        wanted = wanted.where(CalendarToken.id > after)
    return (await session.scalars(wanted.order_by(CalendarToken.id).limit(limit))).all()


async def token_for_update(
    session: AsyncSession, actor: Actor, token_id: UUID
) -> CalendarToken | None:
    """Return a token that the actor's key made, locked; the office reaches all."""
    return await session.scalar(
        select(CalendarToken)
        .where(
            CalendarToken.id == token_id,
            made_scope(actor, _TOKENS, everybodys=Permission.REVOKE_ANY_CALENDAR).clause,
        )
        .with_for_update()
    )
