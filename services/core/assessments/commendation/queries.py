"""Reads the objections to commending units in one statement, so that all are of one instant."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.obligations.statements import SAME_PLACE
from services.core.plan.state import PlanState

Misdeed = Literal["falsified_data", "overdue_milestone", "overdue_report"]

MOST_TOLD = 20
"""The most objections of each kind listed for a unit; the total count is given too."""

_AGAINST = f"""
WITH found AS (
    SELECT s.organization_code AS unit, 'falsified_data' AS kind, s.id AS thing,
        s.indicator_code AS indicator, CAST(NULL AS text) AS measure, s.period AS period,
        CAST(NULL AS date) AS due_date, CAST(NULL AS text) AS title, s.reason AS said
    FROM submission AS s
    WHERE s.city_code = :city AND s.plan_code = :plan AND s.falsified
        AND s.state <> 'withdrawn' AND s.period = ANY(:periods)
        AND s.organization_code = ANY(:units)
    UNION ALL
    SELECT m.organization_code, 'overdue_milestone', m.id, NULL, m.measure_code, NULL,
        m.due_date, m.title, NULL
    FROM milestone AS m
    WHERE m.city_code = :city AND m.plan_code = :plan
        AND m.state NOT IN ('closed', 'cancelled', 'completed') AND m.due_date < :today
        AND m.organization_code = ANY(:units)
    UNION ALL
    SELECT o.organization_code, 'overdue_report', o.id, o.indicator_code, NULL, o.period,
        o.due_date, NULL, NULL
    FROM obligation AS o
    WHERE o.city_code = :city AND o.plan_code = :plan AND o.state = 'owed'
        AND o.due_date < :today AND o.period = ANY(:periods)
        AND o.organization_code = ANY(:units)
        AND NOT EXISTS (SELECT FROM submission AS s WHERE {SAME_PLACE} AND s.state <> 'draft')
), numbered AS (
    SELECT unit, kind, thing, indicator, measure, period, due_date, title, said,
        count(*) OVER (PARTITION BY unit, kind) AS of_kind,
        row_number() OVER (PARTITION BY unit, kind ORDER BY due_date, thing) AS place
    FROM found
)
SELECT unit, kind, thing, indicator, measure, period, due_date, title, said, of_kind
FROM numbered WHERE place <= :most ORDER BY unit, kind, place
"""  # noqa: S608 (text of our own)


@dataclass(frozen=True, slots=True)
class AgainstCommending:
    """An objection to commending a unit; `of_kind` is the number of its kind.

    `thing` is the id of the submission, the milestone or the obligation.
    """

    unit: str
    kind: Misdeed
    thing: UUID
    indicator: str | None
    measure: str | None
    period: str | None
    due_date: date | None
    title: str | None
    said: str | None
    of_kind: int


async def against_commending(
    session: AsyncSession,
    plan: PlanState,
    *,
    units: Collection[str],
    periods: Collection[str],
    today: date,
) -> list[AgainstCommending]:
    """Return the objections to some units, for any caller: the first few of each kind.

    They are falsified data and missing reports of `periods`, and milestones overdue on `today`.
    """
    given: dict[str, Any] = {
        "city": plan.city_code,
        "plan": plan.code,
        "units": list(units),
        "periods": list(periods),
        "today": today,
        "most": MOST_TOLD,
    }
    rows = await session.execute(text(_AGAINST), given)
    return [AgainstCommending(*row) for row in rows]
