"""What an opened period asks for, and whether anybody answered it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.plan.queries import PlanState

# An answer is what was handed in since the period was opened; what came before it is none.
_ANSWERED = text("""
SELECT DISTINCT p.period FROM plan_period AS p
JOIN obligation AS o ON o.city_code = p.city_code AND o.plan_code = p.plan_code
    AND o.period = p.period
JOIN submission AS s ON s.city_code = o.city_code AND s.plan_code = o.plan_code
    AND s.indicator_code = o.indicator_code AND s.organization_code = o.organization_code
    AND s.period = o.period AND s.state <> 'withdrawn' AND s.submitted_at >= p.opened_at
WHERE p.city_code = :city AND p.plan_code = :plan
    AND p.period = coalesce(CAST(:period AS text), p.period)
""")


async def answered_periods(
    session: AsyncSession, plan: PlanState, period: str | None = None
) -> set[str]:
    """Return the periods of a plan, or the one named, that anybody answered since it was opened."""
    place = {"city": plan.city_code, "plan": plan.code, "period": period}
    return set(await session.scalars(_ANSWERED, place))


_ASKED = text("""
SELECT organization_code, count(*) AS number FROM obligation
WHERE city_code = :city AND plan_code = :plan AND period = :period AND state = 'owed'
GROUP BY organization_code ORDER BY organization_code
""")


async def asked(session: AsyncSession, plan: PlanState, period: str) -> dict[str, int]:
    """Return how many values a period asks for, by unit."""
    place = {"city": plan.city_code, "plan": plan.code, "period": period}
    return {row.organization_code: row.number for row in await session.execute(_ASKED, place)}
