"""Reads partners, their secrets and the statistics of their calls."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.gateways.models import Partner, PartnerSecret, PartnerUse
from services.core.identity.queries import Administered
from services.core.kit.city_scope import enter_city, in_city

MOST_DAYS = 92
"""Most days whose statistics are added up."""


def _in_reach(reach: Administered, city_code: str) -> ColumnElement[bool]:
    """Return the condition on a city's partners whose keys are in an administrator's reach."""
    return and_(Partner.city_code == city_code, Partner.key_id.in_(reach.keys(city_code)))


async def visible_partners(
    session: AsyncSession, reach: Administered, *, after: tuple[str, UUID] | None, limit: int
) -> Sequence[Partner]:
    """Return partners in reach, ordered by city and id, after the given one."""
    found: list[Partner] = []
    for city in reach.cities:
        if len(found) >= limit or (after is not None and city < after[0]):
            continue
        wanted = select(Partner).where(_in_reach(reach, city))
        if after is not None and city == after[0]:
            wanted = wanted.where(Partner.id > after[1])
        with in_city(city):
            found += await session.scalars(wanted.order_by(Partner.id).limit(limit - len(found)))
    return found


async def visible_partner(
    session: AsyncSession, reach: Administered, partner_id: UUID, *, for_update: bool = False
) -> Partner | None:
    """Return one partner in reach, and enter its city."""
    for city in reach.cities:
        wanted = select(Partner).where(_in_reach(reach, city), Partner.id == partner_id)
        with in_city(city):
            found = await session.scalar(wanted.with_for_update() if for_update else wanted)
        if found is not None:
            enter_city(city)
            return found
    return None


async def partner_count(session: AsyncSession, city_code: str) -> int:
    """Return how many active partners a city has."""
    counted = select(func.count()).where(
        Partner.city_code == city_code, Partner.revoked_at.is_(None)
    )
    return await session.scalar(counted) or 0


async def partners_from_anywhere(
    session: AsyncSession, city_code: str, profiles: Collection[str], *, most: int
) -> Sequence[Partner]:
    """Return active partners of a city that have one of the profiles and no allowed networks."""
    found = await session.scalars(
        select(Partner)
        .where(
            Partner.city_code == city_code,
            Partner.profile.in_(sorted(profiles)),
            Partner.revoked_at.is_(None),
            func.cardinality(Partner.allowed_networks) == 0,
        )
        .order_by(Partner.id)
        .limit(most)
    )
    return found.all()


async def calling_partner(session: AsyncSession, city_code: str, app_id: str) -> Partner | None:
    """Return the active partner with this app id; None: there is none."""
    return await session.scalar(
        select(Partner).where(
            Partner.city_code == city_code, Partner.app_id == app_id, Partner.revoked_at.is_(None)
        )
    )


async def secrets_of(
    session: AsyncSession, partners: Sequence[Partner], *, now: datetime
) -> Mapping[UUID, Sequence[PartnerSecret]]:
    """Return the valid secrets by partner, newest first."""
    found: dict[UUID, list[PartnerSecret]] = {one.id: [] for one in partners}
    for city_code in sorted({one.city_code for one in partners}):
        ids = [one.id for one in partners if one.city_code == city_code]
        wanted = (
            select(PartnerSecret)
            .where(
                PartnerSecret.city_code == city_code,
                PartnerSecret.partner_id.in_(ids),
                or_(PartnerSecret.expires_at.is_(None), PartnerSecret.expires_at > now),
            )
            .order_by(PartnerSecret.created_at.desc(), PartnerSecret.id.desc())
        )
        with in_city(city_code):
            rows = await session.scalars(wanted)
        for one in rows:
            found[one.partner_id].append(one)
    return found


@dataclass(frozen=True, slots=True)
class InterfaceUse:
    """The calls of an operation over some days; `times` is as in `PartnerUse`."""

    interface: str
    calls: int
    faults: int
    bytes_in: int
    bytes_out: int
    times: Sequence[int]
    last_call_at: datetime


async def use_of(
    session: AsyncSession, partner: Partner, *, first: date, last: date
) -> Sequence[InterfaceUse]:
    """Return a partner's calls over up to 92 days, by operation, in the order of their names."""
    rows = await session.scalars(
        select(PartnerUse)
        .where(
            PartnerUse.city_code == partner.city_code,
            PartnerUse.partner_id == partner.id,
            PartnerUse.day >= first,
            PartnerUse.day <= last,
        )
        .order_by(PartnerUse.interface, PartnerUse.day)
    )
    by_name: dict[str, list[PartnerUse]] = {}
    for row in rows:
        by_name.setdefault(row.interface, []).append(row)
    return [
        InterfaceUse(
            name,
            sum(one.calls for one in days),
            sum(one.faults for one in days),
            sum(one.bytes_in for one in days),
            sum(one.bytes_out for one in days),
            [sum(counts) for counts in zip(*(one.times for one in days), strict=True)],
            max(one.last_call_at for one in days),
        )
        for name, days in by_name.items()
    ]
