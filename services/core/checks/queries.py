"""Looks up the figures that checks compare, whether or not the reporting caller may see them."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.checks.figures import Figures, ReportedFigure
from services.core.checks.lookups import slots_needed
from services.core.checks.statements import FIGURES, REPORTED
from services.core.kit.database import driver_connection
from services.core.plan.slots import Slot, slot_of
from services.core.plan.state import PlanState


async def figures_beside(
    session: AsyncSession, rows: Iterable[Mapping[str, Any]], plan: PlanState
) -> Figures:
    """Read the figures that the checks of many submissions compare, in one statement at most.

    The slots are computed off the event loop.
    """
    slots = await asyncio.to_thread(slots_needed, rows, plan)
    return await figures_at(await driver_connection(session), plan, slots) if slots else Figures()


async def figures_at(
    connection: asyncpg.Connection | asyncpg.Pool,
    plan: PlanState,
    slots: Collection[Slot],
) -> Figures:
    """Read the figures at some slots in one statement; without slots in none."""
    if not slots:
        return Figures()
    indicators, units, periods = (list(part) for part in zip(*sorted(slots), strict=True))
    given = {
        "city": plan.city_code,
        "plan": plan.code,
        "indicators": indicators,
        "units": units,
        "periods": periods,
    }
    rows = await connection.fetch(*FIGURES.bind(given))
    return Figures(
        {
            Slot(row["indicator_code"], row["organization_code"], row["period"]): ReportedFigure(
                row["id"],
                row["version"],
                row["approved"],
                row["value"],
                row["numerator"],
                row["denominator"],
            )
            for row in rows
            if row["value"] is not None or row["numerator"] is not None
        }
    )


@dataclass(frozen=True, slots=True)
class TrialScope:
    """The figures of a trial: of a period or unit, after a slot; None: any."""

    period: str | None = None
    organization_code: str | None = None
    after: Slot | None = None


async def reported_places(
    connection: asyncpg.Connection,
    plan: PlanState,
    indicators: Collection[str],
    scope: TrialScope,
    *,
    limit: int,
) -> list[Slot]:
    """Return up to `limit` slots at which some indicators were submitted, in their order."""
    after = scope.after or Slot("", "", "")
    given = {
        "city": plan.city_code,
        "plan": plan.code,
        "indicators": sorted(indicators),
        "period": scope.period,
        "unit": scope.organization_code,
        "after_indicator": after.indicator_code,
        "after_unit": after.organization_code,
        "after_period": after.period,
        "most": limit,
    }
    rows = await connection.fetch(*REPORTED.bind(given))
    return [slot_of(row) for row in rows]
