"""Whose value is the city's, at which time: a plan that hands an indicator over takes no past.

Only where units combine directly; otherwise every unit's value counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import EventPosition
from services.core.plan.models import IndicatorOwner

_NOT_YET = 2**63 - 1
"""Stands for the position of a version whose event has no number yet."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """From which log position on the value of a unit is the city's; None: of every unit."""

    since: int
    organization_code: str | None


Tenures = Mapping[str, Sequence[Tenure]]
"""The tenures of each indicator, oldest first."""


async def tenures_of(session: AsyncSession, city_code: str, plan_code: str) -> Tenures:
    """Return who owned what since when in a plan."""
    rows = await session.execute(
        select(
            IndicatorOwner.indicator_code,
            IndicatorOwner.organization_code,
            func.coalesce(EventPosition.position, _NOT_YET),
        )
        .join(
            EventPosition,
            (EventPosition.city_code == IndicatorOwner.city_code)
            & (EventPosition.event_id == IndicatorOwner.event_id),
            isouter=True,
        )
        .where(IndicatorOwner.city_code == city_code, IndicatorOwner.plan_code == plan_code)
        .order_by(IndicatorOwner.indicator_code, IndicatorOwner.version)
    )
    found: dict[str, list[Tenure]] = {}
    for code, unit, position in rows:
        held = found.setdefault(code, [])
        # What was reported before the first version was numbered belongs to its owners too.
        held.append(Tenure(position if held else 0, unit))
    return found


def rank(tenures: Sequence[Tenure], organization_code: str, from_position: int) -> int:
    """Return the number of the last tenure by which a value counts; -1: by none.

    A value counts by its unit's tenures that had begun when it began to count: by the owner of
    the time when it was approved, or by an earlier one whose value was approved late.
    """
    return max(
        (
            number
            for number, tenure in enumerate(tenures)
            if tenure.since <= from_position
            and tenure.organization_code in {None, organization_code}
        ),
        default=-1,
    )


def units_named(tenures: Iterable[Tenure]) -> frozenset[str | None]:
    """Return the units that ever owned; None is among them where every unit did."""
    return frozenset(tenure.organization_code for tenure in tenures)
