"""Reads the figures that count, by the places that connectors report."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.connectors.mapping import OutgoingFigure
from services.core.connectors.rules import HeldFigure
from services.core.connectors.statements import HELD_AT, HELD_OF_PERIOD
from services.core.plan.state import PlanState
from services.core.submissions.models import Submission

ReportedPlace = tuple[str, str, str]
"""An indicator, a unit and a period."""

_FIRST = UUID(int=0)


def _held(row: Any) -> HeldFigure | None:
    """Return the figure that counts from a row; None: none was approved, or it was found false."""
    after: Mapping[str, Any] | None = row.after
    if after is None or after["falsified"]:
        return None
    value = after["value"]
    return HeldFigure(
        row.id,
        after["revision"],
        OutgoingFigure(
            row.indicator_code,
            row.organization_code,
            row.period,
            value=None if value is None else Decimal(value),
            level=after["level"],
            not_applicable_reason=after["not_applicable_reason"],
        ),
    )


async def held_at(
    session: AsyncSession, city_code: str, plan_code: str, places: Sequence[ReportedPlace]
) -> Mapping[ReportedPlace, HeldFigure]:
    """Return the figures that count at some places."""
    found = await session.execute(
        HELD_AT,
        {"city": city_code, "plan": plan_code, **place_arrays(places)},
    )
    held = {(row.indicator_code, row.organization_code, row.period): _held(row) for row in found}
    return {place: one for place, one in held.items() if one is not None}


def place_arrays(places: Sequence[ReportedPlace]) -> dict[str, list[str]]:
    """Return places as the three arrays that statements take."""
    names = ("indicators", "units", "periods")
    columns = zip(*places, strict=True) if places else ((), (), ())
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


async def places_after(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    indicators: Collection[str] | None,
    periods: Collection[str] | None,
    after: UUID | None,
    limit: int,
) -> tuple[list[ReportedPlace], UUID | None]:
    """Return the places of submissions of a plan after an id, and the last id; None: no more.

    Only those of some indicators and periods; None: of all.
    """
    some = []
    if indicators is not None:
        some.append(Submission.indicator_code.in_(indicators))
    if periods is not None:
        some.append(Submission.period.in_(periods))
    found = await session.execute(
        select(
            Submission.id,
            Submission.indicator_code,
            Submission.organization_code,
            Submission.period,
        )
        .where(
            Submission.city_code == city_code,
            Submission.plan_code == plan_code,
            Submission.id > (after or _FIRST),
            *some,
        )
        .order_by(Submission.id)
        .limit(limit)
    )
    rows = found.all()
    places = {(one.indicator_code, one.organization_code, one.period): None for one in rows}
    return list(places), rows[-1].id if len(rows) == limit else None


async def held_of_period(
    session: AsyncSession, plan: PlanState, period: str, indicators: Collection[str]
) -> Mapping[ReportedPlace, HeldFigure]:
    """Return the figures of some indicators that count in a period of a plan."""
    found = await session.execute(
        HELD_OF_PERIOD,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "period": period,
            "indicators": sorted(indicators),
        },
    )
    held = {(row.indicator_code, row.organization_code, row.period): _held(row) for row in found}
    return {place: one for place, one in held.items() if one is not None}
