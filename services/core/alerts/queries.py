"""Queries of alerts: the other inputs of an evaluation, and the alerts that callers may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.alerts.affected import AffectedAlerts
from services.core.alerts.models import (
    Alert,
    AlertDigest,
    AlertEvaluation,
    AlertHistory,
    AlertNotice,
    AlertRules,
)
from services.core.alerts.rules import AlertState
from services.core.identity.actor import Actor
from services.core.kit.city_scope import in_every_city
from services.core.kit.database import lock_name
from services.core.plan.state import PlanState
from services.core.plan.visibility import Owned, scope

_WIDENED = text("""
WITH asked AS (
    SELECT subject_kind, subject_id FROM extension
    WHERE city_code = :city AND id = ANY(CAST(:extensions AS uuid[]))
), milestones AS (
    SELECT unnest(CAST(:milestones AS uuid[])) AS id
    UNION SELECT subject_id FROM asked WHERE subject_kind = 'milestone'
)
SELECT 'milestone' AS kind, id FROM milestones
UNION ALL
SELECT 'milestone', c.id FROM milestone c
WHERE c.city_code = :city AND c.parent_id IN (SELECT id FROM milestones)
UNION ALL
SELECT 'obligation', subject_id FROM asked WHERE subject_kind = 'obligation'
UNION ALL
SELECT 'obligation', o.id FROM submission s
JOIN obligation o ON o.city_code = s.city_code AND o.plan_code = s.plan_code
    AND o.period = s.period AND o.indicator_code = s.indicator_code
    AND o.organization_code = s.organization_code
WHERE s.city_code = :city AND s.id = ANY(CAST(:submissions AS uuid[]))
""")


async def widen(session: AsyncSession, city_code: str, touch: AffectedAlerts) -> None:
    """Extend the affected subjects by those that depend on them.

    These are the obligation of a submission, the subject of an extension, and the branches of a
    milestone, whose notices are suppressed while the milestone itself has an alert.
    """
    rows = await session.execute(
        _WIDENED,
        {
            "city": city_code,
            "extensions": touch.of("extension"),
            "milestones": touch.of("milestone"),
            "submissions": touch.of("submission"),
        },
    )
    for kind, identifier in rows:
        touch.add(kind, identifier)


@dataclass(frozen=True, slots=True)
class PlanLook:
    """A plan and its last whole evaluation by the domain clock; None: never."""

    plan_code: str
    evaluated_for: datetime | None


_LOOKS = text("""
SELECT p.code, e.evaluated_for FROM plan p
LEFT JOIN alert_evaluation e ON e.city_code = p.city_code AND e.plan_code = p.code
WHERE p.city_code = :city ORDER BY p.code
""")


async def plan_looks(session: AsyncSession, city_code: str) -> list[PlanLook]:
    """Return the plans of a city, each with its last whole evaluation."""
    return [PlanLook(*row) for row in await session.execute(_LOOKS, {"city": city_code})]


async def was_evaluated(session: AsyncSession, city_code: str, plan_code: str) -> bool:
    """Return whether a plan was ever evaluated whole."""
    last = await session.get(AlertEvaluation, (city_code, plan_code))
    return last is not None and last.evaluated_at is not None


async def locked_evaluation(
    session: AsyncSession, city_code: str, plan_code: str, *, wait: bool
) -> AlertEvaluation | None:
    """Lock the evaluation of a plan; None: it is locked by another and `wait` is false."""
    return await session.scalar(
        select(AlertEvaluation)
        .where(AlertEvaluation.city_code == city_code, AlertEvaluation.plan_code == plan_code)
        .with_for_update(skip_locked=not wait)
        .execution_options(populate_existing=True)
    )


async def digests_given(
    session: AsyncSession, city_code: str, plan_code: str, day: date
) -> set[tuple[str, str]]:
    """Return the units that got a digest on a day, each with the digest's kind."""
    rows = await session.execute(
        select(AlertDigest.organization_code, AlertDigest.kind).where(
            AlertDigest.city_code == city_code,
            AlertDigest.plan_code == plan_code,
            AlertDigest.day == day,
        )
    )
    return {(unit, kind) for unit, kind in rows}


_RED = text("""
SELECT code, reason, reason_en FROM (
    SELECT DISTINCT ON (line->>'code') line->>'code' AS code, line->>'light' AS light,
        line->>'reason' AS reason, line->>'reason_en' AS reason_en
    FROM unnest(CAST(:periods AS text[])) WITH ORDINALITY AS w(period, place)
    CROSS JOIN LATERAL (
        SELECT board FROM score_snapshot
        WHERE city_code = :city AND plan_code = :plan AND basis = 'approved' AND period = w.period
        ORDER BY sequence DESC LIMIT 1
    ) newest CROSS JOIN LATERAL jsonb_array_elements(board->'indicators') AS line
    WHERE line->>'light' <> 'grey'
    ORDER BY line->>'code', w.place DESC
) lit WHERE light = 'red'
""")


async def red_lights(
    session: AsyncSession, city_code: str, plan_code: str, periods: Sequence[str]
) -> Mapping[str, tuple[str, str]]:
    """Return the indicators whose light is red, with the reason.

    Of the newest approved scoreboards of these periods, in order, the last one counts on which an
    indicator has a light that is not grey.
    """
    rows = await session.execute(_RED, {"city": city_code, "plan": plan_code, "periods": periods})
    return {code: (reason or "", reason_en or "") for code, reason, reason_en in rows}


_LIGHT_ALERTS = text("""
SELECT DISTINCT ON (subject_id) to_jsonb(a) AS alert FROM alert a
WHERE city_code = :city AND plan_code = :plan AND rule = 'light_red'
ORDER BY subject_id, epoch DESC
""").columns(alert=JSONB)


async def light_alerts(
    session: AsyncSession, city_code: str, plan_code: str
) -> list[Mapping[str, Any]]:
    """Return the last alert of every indicator whose light was ever red."""
    rows = await session.scalars(_LIGHT_ALERTS, {"city": city_code, "plan": plan_code})
    return list(rows)


async def rules_in_force(
    session: AsyncSession, city_code: str, plan_code: str
) -> AlertRules | None:
    """Return the newest version of a plan's rules; None: the defaults apply."""
    return await session.scalar(
        select(AlertRules)
        .where(AlertRules.city_code == city_code, AlertRules.plan_code == plan_code)
        .order_by(AlertRules.version.desc())
        .limit(1)
    )


ALERTS = Owned(
    city="alert.city_code",
    plan="alert.plan_code",
    unit="alert.organization_code",
    indicator="alert.indicator_code",
    measure="alert.measure_code",
)
"""The owners of an alert: the notified unit, and the leads of its subject."""


@dataclass(frozen=True, slots=True)
class AlertFilters:
    """The filters of a list; None does not filter."""

    state: AlertState | None = None
    organization_code: str | None = None
    level: int | None = None
    rule: str | None = None

    def conditions(self, today: date) -> list[ColumnElement[bool]]:
        """Return the filters that are set as SQL conditions; an expired snooze counts as open."""
        found: list[ColumnElement[bool]] = []
        lapsed = and_(Alert.state == "snoozed", Alert.hold_until <= today)
        if self.state == "open":
            found.append(or_(Alert.state == "open", lapsed))
        elif self.state is not None:
            found += [Alert.state == self.state, ~lapsed]
        for column, value in (
            (Alert.organization_code, self.organization_code),
            (Alert.level, self.level),
            (Alert.rule, self.rule),
        ):
            if value is not None:
                found.append(column == value)
        return found


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    filters: AlertFilters,
    today: date,
    after: UUID | None,
    limit: int,
) -> Sequence[Alert]:
    """Return up to `limit` visible alerts of a plan, newest first, after the id `after`."""
    wanted = select(Alert).where(
        scope(actor, ALERTS).clause, Alert.plan_code == plan_code, *filters.conditions(today)
    )
    if after is not None:
        wanted = wanted.where(Alert.id < after)
    return (await session.scalars(wanted.order_by(Alert.id.desc()).limit(limit))).all()


async def one(
    session: AsyncSession, actor: Actor, alert_id: UUID, *, for_update: bool = False
) -> Alert | None:
    """Return one visible alert; with `for_update` locked until the transaction ends."""
    wanted = select(Alert).where(Alert.id == alert_id, scope(actor, ALERTS).clause)
    return await session.scalar(wanted.with_for_update() if for_update else wanted)


async def notices(
    session: AsyncSession, city_code: str, alert_key: str, *, limit: int
) -> Sequence[AlertNotice]:
    """Return the decisions on the stages of an alert, newest first."""
    found = await session.scalars(
        select(AlertNotice)
        .where(AlertNotice.city_code == city_code, AlertNotice.alert_key == alert_key)
        .order_by(AlertNotice.reach.desc(), AlertNotice.level.desc())
        .limit(limit)
    )
    return found.all()


async def history(
    session: AsyncSession, city_code: str, alert_id: UUID, *, after: int, limit: int
) -> Sequence[AlertHistory]:
    """Return the changes of an alert that the caller may see, oldest first."""
    found = await session.scalars(
        select(AlertHistory)
        .where(
            AlertHistory.city_code == city_code,
            AlertHistory.alert_id == alert_id,
            AlertHistory.version > after,
        )
        .order_by(AlertHistory.version)
        .limit(limit)
    )
    return found.all()


@dataclass(frozen=True, slots=True)
class Stalest:
    """The plan whose evaluation is the longest ago.

    `evaluated_at` is real time; None: it never was evaluated, and `loaded_at` is by the domain
    clock.
    """

    evaluated_at: datetime | None
    loaded_at: datetime


_STALEST = text("""
SELECT e.evaluated_at, (
    SELECT min(v.loaded_at) FROM plan_version v
    WHERE v.city_code = p.city_code AND v.plan_code = p.code) AS loaded_at
FROM plan p
LEFT JOIN alert_evaluation e ON e.city_code = p.city_code AND e.plan_code = p.code
ORDER BY e.evaluated_at NULLS FIRST, loaded_at LIMIT 1
""")


async def stalest_evaluation(session: AsyncSession) -> Stalest | None:
    """Return the evaluation that is the longest ago in this deployment; None: no plan."""
    with in_every_city():
        row = (await session.execute(_STALEST)).one_or_none()
    return None if row is None else Stalest(*row)


async def lock_rules(session: AsyncSession, plan: PlanState) -> None:
    """Lock the rules of a plan against changes by others."""
    await lock_name(session, f"alert-rules/{plan.city_code}/{plan.code}")
