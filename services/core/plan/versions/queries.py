"""Queries of a plan as of one of its versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.plan.errors import IndicatorNotFound
from services.core.plan.members import Frequency
from services.core.plan.queries import plan_document
from services.core.plan.state import PlanState

# Owners of an indicator are recorded from its first version on: so a code that no version had is
# recognised without reading the documents.
_LAST_WITH = text("""
SELECT v.version FROM plan_version AS v
WHERE v.city_code = :city AND v.plan_code = :plan
    AND EXISTS (SELECT FROM indicator_owner AS o WHERE o.city_code = :city
        AND o.plan_code = :plan AND o.indicator_code = :indicator)
    AND v.document @> jsonb_build_object('indicators',
        jsonb_build_array(jsonb_build_object('code', CAST(:indicator AS text))))
ORDER BY v.version DESC LIMIT 1
""")


async def plan_of_version(session: AsyncSession, plan: PlanState, version: int) -> PlanState:
    """Return a plan with the document of a version, which exists."""
    if version == plan.version:
        return plan
    document = await plan_document(session, plan.city_code, plan.code, version)
    return replace(plan, version=version, document=document)


async def plan_that_had(session: AsyncSession, plan: PlanState, indicator: str) -> PlanState:
    """Return a plan as it is, or as of the last version that had an indicator.

    Raises:
        IndicatorNotFound: no version of the plan ever had it.
    """
    if indicator in plan.indicators:
        return plan
    given = {"city": plan.city_code, "plan": plan.code, "indicator": indicator}
    version: int | None = await session.scalar(_LAST_WITH, given)
    if version is None:
        raise IndicatorNotFound
    return await plan_of_version(session, plan, version)


@dataclass(frozen=True, slots=True)
class SaidLast:
    """The last unit of measure, multiplier and frequency of an indicator.

    `multiplier` is the formula's if the indicator states none of its own, and otherwise 1.
    """

    unit: str
    multiplier: Decimal
    frequency: Frequency


_SAID_LAST = text("""
SELECT DISTINCT ON (i.code) i.code, i.unit, i.frequency,
    coalesce(i.multiplier, CAST(i.formula->>'multiplier' AS numeric), 1) AS multiplier
FROM plan_version AS v
CROSS JOIN LATERAL jsonb_to_recordset(v.document->'indicators')
    AS i(code text, unit text, multiplier numeric, formula jsonb, frequency text)
WHERE v.city_code = :city AND v.plan_code = :plan AND v.version <= :version
    AND i.code = ANY(CAST(:codes AS text[]))
ORDER BY i.code, v.version DESC
""")


async def said_last(
    session: AsyncSession, city_code: str, plan_code: str, version: int, codes: Collection[str]
) -> Mapping[str, SaidLast]:
    """Return each indicator as in the last version up to `version` that has it."""
    given = {"city": city_code, "plan": plan_code, "version": version, "codes": sorted(codes)}
    rows = await session.execute(_SAID_LAST, given)
    return {row.code: SaidLast(row.unit, row.multiplier, row.frequency) for row in rows}
