"""Reads packages: peers, carried files, and what is to be carried next."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.packages.carried_items import CarriedFigure
from services.core.packages.models import CarriedPackage, PackagePeer
from services.core.packages.statements import COUNTING, TOLD
from services.core.plan.slots import Slot

MOST_PEERS = 200
"""Most peer installations of a city."""


async def peer(
    session: AsyncSession, city_code: str, plan_code: str, peer_code: str, *, lock: bool = False
) -> PackagePeer | None:
    """Return a peer by our code for it; `lock` keeps others from carrying with it meanwhile."""
    wanted = select(PackagePeer).where(
        PackagePeer.city_code == city_code,
        PackagePeer.plan_code == plan_code,
        PackagePeer.peer_code == peer_code,
    )
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(wanted)


async def peers(session: AsyncSession, city_code: str) -> Sequence[PackagePeer]:
    """Return the peers of a city, by plan and name."""
    found = await session.scalars(
        select(PackagePeer)
        .where(PackagePeer.city_code == city_code)
        .order_by(PackagePeer.plan_code, PackagePeer.peer_code)
        .limit(MOST_PEERS)
    )
    return found.all()


async def carried(
    session: AsyncSession, of: PackagePeer, direction: str, number: int
) -> CarriedPackage | None:
    """Return a package by its number and direction, sent (`out`) or taken in (`in`)."""
    return await session.scalar(
        select(CarriedPackage).where(
            CarriedPackage.city_code == of.city_code,
            CarriedPackage.peer_id == of.id,
            CarriedPackage.direction == direction,
            CarriedPackage.number == number,
        )
    )


async def first_unwritten(session: AsyncSession, of: PackagePeer) -> CarriedPackage | None:
    """Return the first package that was made and not written yet."""
    return await session.scalar(
        select(CarriedPackage)
        .where(
            CarriedPackage.city_code == of.city_code,
            CarriedPackage.peer_id == of.id,
            CarriedPackage.direction == "out",
            CarriedPackage.written_at.is_(None),
            CarriedPackage.content.is_not(None),
        )
        .order_by(CarriedPackage.number)
        .limit(1)
    )


async def listed(
    session: AsyncSession, of: PackagePeer, direction: str, *, after: int, limit: int
) -> Sequence[Any]:
    """Return packages after a number, without their files, in order."""
    found = await session.execute(
        select(
            CarriedPackage.number,
            CarriedPackage.file_name,
            CarriedPackage.items,
            CarriedPackage.counts,
            CarriedPackage.made_at,
            CarriedPackage.settled_at,
            CarriedPackage.written_at,
        )
        .where(
            CarriedPackage.city_code == of.city_code,
            CarriedPackage.peer_id == of.id,
            CarriedPackage.direction == direction,
            CarriedPackage.number > after,
        )
        .order_by(CarriedPackage.number)
        .limit(limit)
    )
    return found.all()


async def places_told(
    session: AsyncSession, city_code: str, plan_code: str, *, after: int, upto: int
) -> Sequence[tuple[Slot, int]]:
    """Return the places whose figure changed in a stretch of the log, each with its position."""
    given = {"city": city_code, "plan": plan_code, "after": after, "upto": upto}
    found = await session.execute(TOLD, given)
    return [
        (Slot(row.indicator_code, row.organization_code, row.period), row.position) for row in found
    ]


async def figures(
    session: AsyncSession, city_code: str, plan_code: str, places: Mapping[Slot, int]
) -> list[CarriedFigure]:
    """Return the figures that count at places, which have a position each, in order."""
    indicators, units, periods = zip(*places, strict=True)
    found = await session.execute(
        COUNTING,
        {
            "city": city_code,
            "plan": plan_code,
            "indicators": list(indicators),
            "units": list(units),
            "periods": list(periods),
        },
    )
    known = {Slot(*row[:3]): (row.id, row.after) for row in found}
    made = [_figure(place, position, known.get(place)) for place, position in places.items()]
    return sorted((one for one in made if one is not None), key=lambda one: one.position)


def _figure(
    place: Slot, position: int, known: tuple[UUID, Mapping[str, Any]] | None
) -> CarriedFigure | None:
    """Return a figure; None: its submission was withdrawn, so that none was ever approved."""
    if known is None:
        return None
    submission_id, after = known
    image = None if after["falsified"] else after
    return CarriedFigure(place, submission_id, after["revision"], position, image)
