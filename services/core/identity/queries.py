"""Reading cities, organizations and keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.identity.models import ApiKey, Organization, Tenant


async def key_by_digest(
    session: AsyncSession, *, city_code: str, digest: bytes, now: datetime
) -> ApiKey | None:
    """Return the key with this digest if it is neither revoked nor expired at `now`."""
    return await session.scalar(
        select(ApiKey).where(
            ApiKey.city_code == city_code,
            ApiKey.secret_digest == digest,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        )
    )


def keys_in_reach(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that limits an administrator to keys that reach no further than its own.

    The first administrator sees all; one of a city, a plan or a unit the keys of that alone.
    """
    if actor.every_city:
        return true()
    conditions = [ApiKey.city_code == actor.city_code, ApiKey.every_city.is_(False)]
    if actor.plan_code is not None:
        conditions.append(ApiKey.plan_code == actor.plan_code)
    if actor.organization_code is not None:
        conditions.append(ApiKey.organization_code == actor.organization_code)
    return and_(*conditions)


async def visible_keys(
    session: AsyncSession, actor: Actor, *, after: tuple[str, UUID] | None, limit: int
) -> Sequence[ApiKey]:
    """Return keys in the actor's reach, ordered by city and id, after the given one."""
    wanted = select(ApiKey).where(keys_in_reach(actor))
    if after is not None:
        city_code, key_id = after
        wanted = wanted.where(
            or_(
                ApiKey.city_code > city_code,
                (ApiKey.city_code == city_code) & (ApiKey.id > key_id),
            )
        )
    return (await session.scalars(wanted.order_by(ApiKey.city_code, ApiKey.id).limit(limit))).all()


async def visible_key(
    session: AsyncSession, actor: Actor, key_id: UUID, *, for_update: bool = False
) -> ApiKey | None:
    """Return one key in the actor's reach."""
    wanted = select(ApiKey).where(keys_in_reach(actor), ApiKey.id == key_id)
    return await session.scalar(wanted.with_for_update() if for_update else wanted)


async def organizations(
    session: AsyncSession, *, city_code: str | None, after: tuple[str, str] | None, limit: int
) -> Sequence[Organization]:
    """Return the organizations of a city (None: of every city), ordered by city and code."""
    wanted = select(Organization)
    if city_code is not None:
        wanted = wanted.where(Organization.city_code == city_code)
    if after is not None:
        after_city, after_code = after
        wanted = wanted.where(
            or_(
                Organization.city_code > after_city,
                (Organization.city_code == after_city) & (Organization.code > after_code),
            )
        )
    ordered = wanted.order_by(Organization.city_code, Organization.code)
    return (await session.scalars(ordered.limit(limit))).all()


async def organizations_by_code(
    session: AsyncSession, *, city_code: str | None, codes: Sequence[str]
) -> Sequence[Organization]:
    """Return the organizations that have one of `codes`, in one city or (None) in any."""
    wanted = select(Organization).where(Organization.code.in_(codes))
    if city_code is not None:
        wanted = wanted.where(Organization.city_code == city_code)
    return (await session.scalars(wanted.limit(len(codes) * 10))).all()


async def organization_names(
    session: AsyncSession, city_code: str
) -> Mapping[str, tuple[str, ...]]:
    """Return the name and aliases of organizations of a city, by code; of 5,000 at most."""
    found = await session.execute(
        select(Organization.code, Organization.name, Organization.aliases)
        .where(Organization.city_code == city_code)
        .order_by(Organization.code)
        .limit(5000)
    )
    return {code: (name, *aliases) for code, name, aliases in found}


async def city_exists(session: AsyncSession, city_code: str) -> bool:
    """Return whether a plan of this city was ever loaded."""
    found = await session.scalar(select(Tenant.city_code).where(Tenant.city_code == city_code))
    return found is not None


async def has_administrator(session: AsyncSession) -> bool:
    """Return whether a system administrator's key exists that is not revoked."""
    found = await session.scalar(
        select(ApiKey.id).where(ApiKey.role == "system_admin", ApiKey.revoked_at.is_(None)).limit(1)
    )
    return found is not None


async def city_codes(session: AsyncSession) -> Sequence[str]:
    """Return the codes of all cities of this deployment."""
    return (await session.scalars(select(Tenant.city_code).order_by(Tenant.city_code))).all()
