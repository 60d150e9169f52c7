"""Counts per unit how many owed values were reported, and how well."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.obligations.statements import IN_TIME, REPORTED_AT, SAME_PLACE
from services.core.plan.state import PlanState

_QUALITY = f"""
SELECT o.organization_code AS code, count(*) AS expected, count(s.submitted_at) AS reported,
    count(*) FILTER (WHERE {IN_TIME}) AS on_time,
    count(s.submitted_at) FILTER (WHERE NOT s.returned) AS not_returned,
    count(s.submitted_at) FILTER (WHERE NOT s.disputed) AS without_conflict
FROM obligation AS o
JOIN plan_period AS p ON p.city_code = :city AND p.plan_code = o.plan_code
    AND p.period = o.period
JOIN organization AS u ON u.city_code = :city AND u.code = o.organization_code
LEFT JOIN LATERAL (
    SELECT s.submitted_at, {REPORTED_AT} AS reported_at,
        -- A returned submission has at least version 2.
        s.version > 1 AND EXISTS (
            SELECT FROM submission_history AS h WHERE h.city_code = :city
                AND h.submission_id = s.id AND h.action = 'returned') AS returned,
        EXISTS (SELECT FROM conflict AS c
            WHERE c.city_code = :city AND c.submission_id = s.id) AS disputed
    FROM submission AS s WHERE {SAME_PLACE}
) AS s ON TRUE
WHERE o.city_code = :city AND o.plan_code = :plan AND o.state = 'owed'
    AND o.organization_code = ANY(:units)
    AND (u.ended_at IS NULL OR CAST(u.ended_at AT TIME ZONE :zone AS date) >= o.due_date)
    -- A value that is not due yet is not missing.
    AND (s.submitted_at IS NOT NULL OR o.due_date < :today OR p.state <> 'open')
"""  # noqa: S608 (text of our own)


@dataclass(frozen=True, slots=True)
class ReportingQuality:
    """Counts of the values that a unit owes and that are due or came before.

    `not_returned` were submitted and never sent back; `without_conflict` never had a conflict with
    a device or another source.
    """

    code: str
    expected: int
    reported: int
    on_time: int
    not_returned: int
    without_conflict: int

    @property
    def points(self) -> int:
        """One point per value for each of the four."""
        return self.reported + self.on_time + self.not_returned + self.without_conflict


async def reporting_quality(
    session: AsyncSession, plan: PlanState, *, today: date, period: str | None
) -> list[ReportingQuality]:
    """Return the reporting quality of each unit of a plan, for any caller; `period` None: all.

    A unit that was dissolved before the due date, or that is no longer in the plan, is left out.
    """
    given: dict[str, object] = {
        "city": plan.city_code,
        "plan": plan.code,
        "zone": plan.document.time_zone,
        "today": today,
        "units": list(plan.organizations),
    }
    narrowed = ""
    if period is not None:
        narrowed, given["period"] = " AND o.period = :period", period
    rows = await session.execute(text(f"{_QUALITY}{narrowed} GROUP BY 1 ORDER BY 1"), given)
    return [ReportingQuality(*row) for row in rows]
