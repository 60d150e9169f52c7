"""Makes and revokes keys. Each change is written to the audit in the same transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.identity import queries
from services.core.identity.actor import Actor
from services.core.identity.errors import KeyBeyondOwn, KeyNotFound
from services.core.identity.giving import (
    KeyRequest,
    administrator_faults,
    expiry_faults,
    gives,
    grant_faults,
    makes_keys,
    may_end,
    name_faults,
    reach_faults,
    role_faults,
    scopes_of,
    unit_faults,
)
from services.core.identity.models import ApiKey
from services.core.identity.rules import ADMINISTRATORS, Role, city_of_plan
from services.core.kit.city_scope import enter_city, in_city
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.nearest import with_closest
from services.core.kit.secrets import Minted, mint
from services.core.kit.text import Text

FIRST_ADMINISTRATORS: Mapping[Role, str] = {
    "system_admin": "first administrator",
    "security_admin": "first security administrator",
    "audit_admin": "first auditor",
}
"""The names of the keys that a first start makes, by role."""


async def create_key(
    session: AsyncSession,
    *,
    request: KeyRequest,
    actor: Actor,
    plan_codes: Collection[str],
    now: datetime,
    separated: bool = False,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is shown only this once.

    `plan_codes` are the plans in the actor's reach; `separated`: administrators' duties are.

    Raises:
        InvalidInput: the name is not one line, the role lacks its unit, a code is unknown, a scope
            is beyond the role, the key would reach further than the actor, or the actor may not
            give it.
    """
    faults = [
        *name_faults(request.name),
        *grant_faults(request.role, actor, separated=separated),
        *role_faults(request),
    ]
    faults += expiry_faults(request.expires_at, now)
    faults += reach_faults(request, actor)
    if makes_keys(request.role):
        faults += administrator_faults(request, actor, await maker_of(session, actor))
    city_code = actor.city_code
    if request.plan_code is not None:
        if request.plan_code in set(plan_codes):
            city_code = city_of_plan(request.plan_code)
        else:
            shown = {code: code for code in plan_codes}
            faults.append(_unknown("/plan", "plan-not-found", request.plan_code, shown))
    elif request.city_code is not None:
        reachable = actor.every_city or request.city_code == actor.city_code
        if reachable and await queries.city_exists(session, request.city_code):
            city_code = request.city_code
        else:
            cities = {city_of_plan(code) for code in plan_codes} | {actor.city_code}
            shown = {code: code for code in cities}
            faults.append(_unknown("/city_code", "city-not-found", request.city_code, shown))
    if request.organization_code is not None:
        everywhere = actor.every_city and request.plan_code is None and request.city_code is None
        found = await queries.organizations_by_code(
            session, city_code=None if everywhere else city_code, codes=[request.organization_code]
        )
        at_home = [unit for unit in found if unit.city_code == city_code]
        unit = at_home[0] if at_home else (found[0] if len(found) == 1 else None)
        names = {} if unit else await queries.organization_names(session, city_code)
        faults.extend(unit_faults(request, unit, names))
        city_code = unit.city_code if unit else city_code
    if faults:
        raise InvalidInput(faults=faults)
    enter_city(city_code)
    minted = mint(f"wufei_{city_code}")
    key = _key(request, city_code, minted, now)
    await _add(session, key, actor.stamp(), now)
    return key, minted.text


async def create_first_key(
    session: AsyncSession,
    *,
    city_code: str,
    actor: Mapping[str, object],
    now: datetime,
    role: Role = "system_admin",
) -> str:
    """Make an administrator's key that reaches every city, and return its secret."""
    minted = mint(f"wufei_{city_code}")
    request = KeyRequest(name=FIRST_ADMINISTRATORS[role], role=role)
    key = _key(request, city_code, minted, now)
    key.every_city = True
    await _add(session, key, actor, now)
    return minted.text


def _key(request: KeyRequest, city_code: str, minted: Minted, now: datetime) -> ApiKey:
    return ApiKey(
        city_code=city_code,
        id=new_id(),
        name=request.name,
        role=request.role,
        organization_code=request.organization_code,
        plan_code=request.plan_code,
        scopes=sorted(scopes_of(request)),
        every_city=False,
        prefix=minted.prefix,
        secret_digest=minted.digest,
        created_at=now,
        expires_at=request.expires_at,
        last_used_at=None,
        revoked_at=None,
        allowed_networks=list(request.allowed_networks),
        last_used_from=None,
        version=1,
    )


async def _add(
    session: AsyncSession, key: ApiKey, actor: Mapping[str, object], now: datetime
) -> None:
    session.add(key)
    await session.flush()
    await note_of(
        session,
        "api_key",
        key,
        "key.created",
        actor=actor,
        data={
            "name": key.name,
            "role": key.role,
            "organization_code": key.organization_code,
            "plan": key.plan_code,
            "scopes": key.scopes,
            "prefix": key.prefix,
            "allowed_networks": key.allowed_networks,
        },
        at=now,
    )


async def maker_of(session: AsyncSession, actor: Actor) -> ApiKey | None:
    """Return the key that an actor uses; None: the actor is the operator of the machine."""
    with in_city(actor.city_code):
        return await session.get(ApiKey, (actor.city_code, actor.credential_id))


def _unknown(pointer: str, code: str, value: str, shown: Mapping[str, str]) -> Fault:
    said = Text("没有这个代码", "There is no such code")
    return Fault(pointer, code, with_closest(said, value, shown), value)


async def key_to_revoke(
    session: AsyncSession, key_id: UUID, *, actor: Actor, separated: bool = False
) -> ApiKey:
    """Return a key that the actor may revoke, locked; `separated`: administrators' duties are.

    Raises:
        KeyNotFound: no such key in the actor's reach.
        KeyBeyondOwn: it makes keys and may do more than the actor's, or is an administrator's
            and not the actor's to revoke.
    """
    key = await queries.visible_key(session, actor, key_id, for_update=True)
    if key is None:
        raise KeyNotFound
    others = separated and key.role in ADMINISTRATORS
    if not may_end(key, actor) or (others and not gives(key.role, actor, separated=separated)):
        raise KeyBeyondOwn
    return key


async def revoke_key(session: AsyncSession, key: ApiKey, *, actor: Actor, now: datetime) -> None:
    """Revoke a locked key; idempotent."""
    if key.revoked_at is None:
        key.revoked_at = now
        key.version += 1
        await session.flush()
        await note_of(
            session,
            "api_key",
            key,
            "key.revoked",
            actor=actor.stamp(),
            data={"prefix": key.prefix},
            at=now,
        )


async def forget_networks(session: AsyncSession, city_code: str, person_id: UUID) -> None:
    """Clear the network of the last use of each of a person's tenures."""
    await session.execute(
        update(ApiKey)
        .where(ApiKey.city_code == city_code, ApiKey.person_id == person_id)
        .values(last_used_from=None)
        .execution_options(synchronize_session=False)
    )


async def note_use(
    session: AsyncSession, used: Mapping[tuple[str, UUID], tuple[datetime, str | None]]
) -> None:
    """Save when and from which network keys were last used, by (city, key id).

    No network is saved of a tenure that was ended at once, because the person may be erased.
    """
    ended_of_person = and_(ApiKey.person_id.is_not(None), ApiKey.revoked_at.is_not(None))
    # In one order, so that two processes do not deadlock.
    for (city_code, key_id), (at, network) in sorted(used.items()):
        changed = (
            update(ApiKey)
            .where(ApiKey.city_code == city_code, ApiKey.id == key_id)
            .values(
                last_used_at=at,
                last_used_from=case((ended_of_person, ApiKey.last_used_from), else_=network),
            )
        )
        with in_city(city_code):
            await session.execute(changed)
