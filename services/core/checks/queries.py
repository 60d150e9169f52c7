"""Looking up the figures that checks compare, for whoever reports, whether it sees them or not."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.checks.figures import FigurePlace, Figures, ReportedFigure
from services.core.checks.lookups import places_needed
from services.core.checks.statements import FIGURES, REPORTED
from services.core.kit.database import driver_connection
from services.core.plan.state import PlanState


async def figures_beside(
    session: AsyncSession, rows: Iterable[Mapping[str, Any]], plan: PlanState
) -> Figures:
    """Return what the checks of many submissions compare them with, in one statement at most.

    Where they look is worked out beside the event loop.
    """
    places = await asyncio.to_thread(places_needed, rows, plan)
    return await figures_at(await driver_connection(session), plan, places) if places else Figures()


async def figures_at(
    connection: asyncpg.Connection | asyncpg.Pool,
    plan: PlanState,
    places: Collection[FigurePlace],
) -> Figures:
    """Return what stands at some places, in one statement; in none where no place is named."""
    if not places:
        return Figures()
    indicators, units, periods = (list(part) for part in zip(*sorted(places), strict=True))
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
            FigurePlace(
                row["indicator_code"], row["organization_code"], row["period"]
            ): ReportedFigure(
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
    """Which figures a trial is about: of a period or a unit, after a place; None: of any."""

    period: str | None = None
    organization_code: str | None = None
    after: FigurePlace | None = None


async def reported_places(
    connection: asyncpg.Connection,
    plan: PlanState,
    indicators: Collection[str],
    scope: TrialScope,
    *,
    limit: int,
) -> list[FigurePlace]:
    """Return up to `limit` places at which some indicators were handed in, in their order."""
    after = scope.after or FigurePlace("", "", "")
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
    return [
        FigurePlace(row["indicator_code"], row["organization_code"], row["period"]) for row in rows
    ]
