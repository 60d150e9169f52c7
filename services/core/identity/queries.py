"""Reads cities, organizations and keys."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.core.identity.actor import Actor
from services.core.identity.models import (
    ApiKey,
    FormerSecret,
    IssuerKeys,
    Organization,
    Tenant,
    TokenKey,
)
from services.core.identity.rules import ADMINISTRATORS, SCOPES
from services.core.identity.signing_keys import IssuingKey
from services.core.identity.statements import KEY_BY_DIGEST, KEY_WITH_SECRETS
from services.core.kit.city_scope import enter_city, in_city, in_every_city

_MOST_EXPIRING = 100
_MOST_KEYS = 100

_Row = TypeVar("_Row", ApiKey, Organization)


async def key_by_digest(
    connection: asyncpg.Connection | asyncpg.Pool,
    *,
    city_code: str,
    digest: bytes,
    now: datetime,
) -> tuple[ApiKey, datetime | None] | None:
    """Return the key with this secret digest if it is neither revoked nor expired at `now`.

    Also return until when the secret is valid, if another has replaced it. The key is a detached
    copy that belongs to no session.
    """
    given = {"city": city_code, "digest": digest, "now": now}
    row = await connection.fetchrow(*KEY_BY_DIGEST.bind(given))
    if row is None:
        return None
    found = dict(row)
    secret_ends = found.pop("secret_ends")
    return ApiKey(**found), secret_ends


def _is_good(now: datetime) -> ColumnElement[bool]:
    return and_(
        ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
    )


async def former_secrets(
    session: AsyncSession, keys: Sequence[ApiKey], *, now: datetime
) -> Mapping[UUID, Sequence[FormerSecret]]:
    """Return the former secrets that are still valid, by key id, latest expiry first."""
    found: dict[UUID, list[FormerSecret]] = {key.id: [] for key in keys}
    for city_code in sorted({key.city_code for key in keys}):
        ids = [key.id for key in keys if key.city_code == city_code]
        wanted = (
            select(FormerSecret)
            .where(
                FormerSecret.city_code == city_code,
                FormerSecret.key_id.in_(ids),
                FormerSecret.expires_at > now,
            )
            .order_by(FormerSecret.expires_at.desc(), FormerSecret.prefix)
        )
        with in_city(city_code):
            rows = await session.scalars(wanted)
        for one in rows:
            found[one.key_id].append(one)
    return found


async def actor_of_key(
    session: AsyncSession, city_code: str, key_id: UUID, *, channel: str, now: datetime
) -> Actor | None:
    """Return the actor of a key, for work that it requested; None: it is no longer valid."""
    key = await good_key(session, city_code, key_id, now=now)
    return None if key is None else actor_of(key, channel=channel)


async def good_key(
    session: AsyncSession, city_code: str, key_id: UUID, *, now: datetime
) -> ApiKey | None:
    """Return a key that is neither revoked nor expired; None: there is none of this id."""
    return await session.scalar(
        select(ApiKey).where(ApiKey.city_code == city_code, ApiKey.id == key_id, _is_good(now))
    )


def actor_of(key: ApiKey, *, channel: str) -> Actor:
    """Return the actor of a key."""
    return Actor(
        credential_id=key.id,
        name=key.name,
        role=key.role,  # type: ignore[arg-type] # only roles of ours are ever written
        city_code=key.city_code,
        organization_code=key.organization_code,
        plan_code=key.plan_code,
        scopes=frozenset(scope for scope in SCOPES if scope in key.scopes),
        every_city=key.every_city,
        channel=channel,
        request_id="",
        kind="api_key" if key.person_id is None else "user",
        person_id=key.person_id,
    )


def _keys_in_reach(actor: Actor, city_code: str) -> ColumnElement[bool]:
    """Return the condition that limits an administrator to the keys of a city in its reach.

    The first administrators see all keys; one of a city, a plan or a unit only its keys; a security
    administrator only those of administrators. A person's tenure of a post is not a key.
    """
    conditions = [ApiKey.city_code == city_code, ApiKey.person_id.is_(None)]
    if actor.role == "security_admin":
        conditions.append(ApiKey.role.in_(ADMINISTRATORS))
    if not actor.every_city:
        conditions.append(ApiKey.every_city.is_(False))
    if actor.plan_code is not None:
        conditions.append(ApiKey.plan_code == actor.plan_code)
    if actor.organization_code is not None:
        conditions.append(ApiKey.organization_code == actor.organization_code)
    return and_(*conditions)


async def _page_over(
    session: AsyncSession,
    cities: Iterable[str],
    of_city: Callable[[str], Select[_Row]],
    order: InstrumentedAttribute[Any],
    *,
    after: tuple[str, object] | None,
    limit: int,
) -> list[_Row]:
    """Return up to `limit` rows after (city, value of `order`), city by city in their order."""
    found: list[_Row] = []
    for city in cities:
        if after is not None and city < after[0]:
            continue
        wanted = of_city(city)
        if after is not None and city == after[0]:
            wanted = wanted.where(order > after[1])
        with in_city(city):
            found += await session.scalars(wanted.order_by(order).limit(limit - len(found)))
        if len(found) >= limit:
            break
    return found


async def _cities_of(session: AsyncSession, actor: Actor) -> Sequence[str]:
    return await city_codes(session) if actor.every_city else [actor.city_code]


@dataclass(frozen=True, slots=True)
class Administered:
    """An administrator's reach: the cities, and the keys in each.

    `keys` returns a SELECT of the ids of the keys of a city.
    """

    cities: Sequence[str]
    keys: Callable[[str], Select[UUID]]


async def administered(session: AsyncSession, actor: Actor) -> Administered:
    """Return an administrator's reach, for slices whose things belong to keys."""
    return Administered(
        await _cities_of(session, actor),
        lambda city: select(ApiKey.id).where(_keys_in_reach(actor, city)),
    )


async def visible_keys(
    session: AsyncSession, actor: Actor, *, after: tuple[str, UUID] | None, limit: int
) -> Sequence[ApiKey]:
    """Return keys in the actor's reach, ordered by city and id, after the given one."""
    return await _page_over(
        session,
        await _cities_of(session, actor),
        lambda city: select(ApiKey).where(_keys_in_reach(actor, city)),
        ApiKey.id,
        after=after,
        limit=limit,
    )


async def visible_key(
    session: AsyncSession, actor: Actor, key_id: UUID, *, for_update: bool = False
) -> ApiKey | None:
    """Return one key in the actor's reach, and enter its city."""
    for city_code in await _cities_of(session, actor):
        wanted = select(ApiKey).where(_keys_in_reach(actor, city_code), ApiKey.id == key_id)
        with in_city(city_code):
            found = await session.scalar(wanted.with_for_update() if for_update else wanted)
        if found is not None:
            enter_city(city_code)
            return found
    return None


async def keys_expiring(
    session: AsyncSession, city_code: str, *, now: datetime, before: datetime
) -> Sequence[ApiKey]:
    """Return a city's valid keys that expire before an instant, soonest first."""
    found = await session.scalars(
        select(ApiKey)
        .where(
            ApiKey.city_code == city_code,
            ApiKey.person_id.is_(None),
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > now,
            ApiKey.expires_at < before,
        )
        .order_by(ApiKey.expires_at)
        .limit(_MOST_EXPIRING)
    )
    return found.all()


async def organizations(
    session: AsyncSession, *, city_code: str | None, after: tuple[str, str] | None, limit: int
) -> Sequence[Organization]:
    """Return the organizations of a city (None: of every city), ordered by city and code."""
    return await _page_over(
        session,
        await city_codes(session) if city_code is None else [city_code],
        lambda city: select(Organization).where(Organization.city_code == city),
        Organization.code,
        after=after,
        limit=limit,
    )


async def organizations_by_code(
    session: AsyncSession, *, city_code: str | None, codes: Sequence[str]
) -> Sequence[Organization]:
    """Return the organizations that have one of `codes`, in one city or (None) in any."""
    found: list[Organization] = []
    for city in await city_codes(session) if city_code is None else [city_code]:
        wanted = select(Organization).where(
            Organization.city_code == city, Organization.code.in_(codes)
        )
        with in_city(city):
            found += await session.scalars(wanted)
    return found


async def organization_names(
    session: AsyncSession, city_code: str
) -> Mapping[str, tuple[str, ...]]:
    """Return the name and aliases of at most 5,000 organizations of a city, by code."""
    wanted = (
        select(Organization.code, Organization.name, Organization.aliases)
        .where(Organization.city_code == city_code)
        .order_by(Organization.code)
        .limit(5000)
    )
    with in_city(city_code):
        found = await session.execute(wanted)
    return {code: (name, *aliases) for code, name, aliases in found}


async def city_exists(session: AsyncSession, city_code: str) -> bool:
    """Return whether a plan of this city was ever loaded."""
    wanted = select(Tenant.city_code).where(Tenant.city_code == city_code)
    with in_city(city_code):
        found = await session.scalar(wanted)
    return found is not None


async def has_administrator(session: AsyncSession) -> bool:
    """Return whether a system administrator's key exists that is not revoked."""
    for city_code in await city_codes(session):
        wanted = select(ApiKey.id).where(
            ApiKey.city_code == city_code,
            ApiKey.role == "system_admin",
            ApiKey.revoked_at.is_(None),
        )
        with in_city(city_code):
            found = await session.scalar(wanted.limit(1))
        if found is not None:
            return True
    return False


async def city_codes(session: AsyncSession, *, limit: int | None = None) -> Sequence[str]:
    """Return the codes of all cities of this deployment, or of the first `limit`."""
    return [*await city_names(session, limit=limit)]


async def cities_having(session: AsyncSession, wanted: Select[str]) -> Sequence[str]:
    """Return the codes of the cities that a statement finds, such as those with work waiting."""
    with in_every_city():
        return (await session.scalars(wanted)).all()


async def city_names(session: AsyncSession, *, limit: int | None = None) -> Mapping[str, str]:
    """Return the names of all cities of this deployment, or of the first `limit`, by code."""
    wanted = select(Tenant.city_code, Tenant.name).order_by(Tenant.city_code).limit(limit)
    with in_every_city():
        return {row.city_code: row.name for row in await session.execute(wanted)}


async def key_with_secrets(
    connection: asyncpg.Connection | asyncpg.Pool, *, city_code: str, key_id: UUID, now: datetime
) -> tuple[ApiKey, Mapping[str, datetime | None]] | None:
    """Return the valid key of this id, and until when each of its secrets is valid, by prefix.

    The current secret has None. The key is a detached copy that belongs to no session.
    """
    given = {"city": city_code, "key": key_id, "now": now}
    row = await connection.fetchrow(*KEY_WITH_SECRETS.bind(given))
    if row is None:
        return None
    found = dict(row)
    former = zip(found.pop("former_prefixes"), found.pop("former_ends"), strict=True)
    key = ApiKey(**found)
    return key, {**dict(former), key.prefix: None}


async def token_keys(session: AsyncSession) -> Sequence[IssuingKey]:
    """Return the keys that sign tokens, oldest first; there are only a few."""
    found = await session.scalars(select(TokenKey).order_by(TokenKey.number).limit(_MOST_KEYS))
    return [
        IssuingKey(one.number, one.kid, one.signs_from, one.public_key, one.private_key_sealed)
        for one in found
    ]


async def issuer_keys(session: AsyncSession) -> Sequence[IssuerKeys]:
    """Return the stored keys of every foreign issuer; there are only a few."""
    return (await session.scalars(select(IssuerKeys).limit(_MOST_KEYS))).all()


async def credential_of_tenure(session: AsyncSession, city_code: str, tenure_id: UUID) -> ApiKey:
    """Return the credential of a person's tenure of a post, locked."""
    found = await session.scalars(
        select(ApiKey)
        .where(ApiKey.city_code == city_code, ApiKey.id == tenure_id)
        .with_for_update()
    )
    return found.one()
