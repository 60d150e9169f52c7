"""Making and revoking keys. Each change is written to the audit in the same transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note
from services.core.identity import queries
from services.core.identity.actor import Actor
from services.core.identity.errors import KeyNotFound
from services.core.identity.models import ApiKey, Organization
from services.core.identity.rules import (
    DEFAULT_SCOPES,
    GRANTABLE_SCOPES,
    ROLES_OF_ONE_ORGANIZATION,
    Role,
    Scope,
)
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.secrets import Minted, mint
from services.core.kit.text import Text


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a key is asked to be. `city_code` decides where neither plan nor unit does."""

    name: str
    role: Role
    organization_code: str | None = None
    plan_code: str | None = None
    scopes: tuple[Scope, ...] | None = None
    expires_at: datetime | None = None
    city_code: str | None = None


async def create_key(
    session: AsyncSession,
    *,
    request: KeyRequest,
    actor: Actor,
    plan_codes: Iterable[str],
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is shown this once.

    `plan_codes` are the plans in the actor's reach.

    Raises:
        InvalidInput: the role lacks its unit, a code is unknown, or a scope is beyond the role.
    """
    faults = [*_role_faults(request, now)]
    city_code = actor.city_code
    if request.plan_code is not None:
        if request.plan_code in set(plan_codes):
            city_code = request.plan_code.split("-", 1)[0]
        else:
            faults.append(_unknown("/plan", "plan-not-found", request.plan_code))
    elif request.city_code is not None:
        reachable = actor.every_city or request.city_code == actor.city_code
        if reachable and await queries.city_exists(session, request.city_code):
            city_code = request.city_code
        else:
            faults.append(_unknown("/city_code", "city-not-found", request.city_code))
    if request.organization_code is not None:
        everywhere = actor.every_city and request.plan_code is None and request.city_code is None
        found = await queries.organizations_by_code(
            session, city_code=None if everywhere else city_code, codes=[request.organization_code]
        )
        at_home = [unit for unit in found if unit.city_code == city_code]
        unit = at_home[0] if at_home else (found[0] if len(found) == 1 else None)
        faults.extend(_unit_faults(request, unit))
        city_code = unit.city_code if unit else city_code
    if faults:
        raise InvalidInput(faults=faults)
    minted = mint(f"wufei_{city_code}")
    key = _key(request, city_code, minted, now)
    await _add(session, key, actor.stamp(), now)
    return key, minted.text


async def create_first_key(
    session: AsyncSession, *, city_code: str, actor: Mapping[str, object], now: datetime
) -> str:
    """Make the system administrator's key that reaches every city, and return its secret."""
    minted = mint(f"wufei_{city_code}")
    request = KeyRequest(name="first administrator", role="system_admin")
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
        scopes=sorted(DEFAULT_SCOPES[request.role] if request.scopes is None else request.scopes),
        every_city=False,
        prefix=minted.prefix,
        secret_digest=minted.digest,
        created_at=now,
        expires_at=request.expires_at,
        last_used_at=None,
        revoked_at=None,
    )


async def _add(
    session: AsyncSession, key: ApiKey, actor: Mapping[str, object], now: datetime
) -> None:
    session.add(key)
    await session.flush()
    await note(
        session,
        city_code=key.city_code,
        action="key.created",
        subject=("api_key", str(key.id)),
        actor=actor,
        data={
            "name": key.name,
            "role": key.role,
            "organization_code": key.organization_code,
            "plan": key.plan_code,
            "scopes": key.scopes,
            "prefix": key.prefix,
        },
        at=now,
    )


def _role_faults(request: KeyRequest, now: datetime) -> Iterable[Fault]:
    if request.role in ROLES_OF_ONE_ORGANIZATION and request.organization_code is None:
        yield Fault(
            "/organization_code",
            "organization-required",
            Text("该角色的密钥须属于一个单位", "A key of this role belongs to an organization"),
        )
    for index, scope in enumerate(request.scopes or ()):
        if scope not in GRANTABLE_SCOPES[request.role]:
            yield Fault(
                f"/scopes/{index}",
                "scope-beyond-role",
                Text("该角色不能有此权限范围", "A key of this role cannot carry this scope"),
                scope,
            )
    if request.expires_at is not None and request.expires_at <= now:
        yield Fault(
            "/expires_at",
            "expiry-in-the-past",
            Text("到期时间须晚于现在", "The expiry must be later than now"),
            request.expires_at.isoformat(),
        )


def _unit_faults(request: KeyRequest, unit: Organization | None) -> Iterable[Fault]:
    if unit is None:
        yield _unknown("/organization_code", "organization-not-found", request.organization_code)
    elif request.role in ROLES_OF_ONE_ORGANIZATION and not unit.submits:
        yield Fault(
            "/organization_code",
            "organization-never-submits",
            Text("统称或占位名称不能填报", "A collective name or placeholder never submits"),
            request.organization_code,
        )


def _unknown(pointer: str, code: str, value: object) -> Fault:
    return Fault(pointer, code, Text("没有这个代码", "There is no such code"), value)


async def revoke_key(session: AsyncSession, *, key_id: UUID, actor: Actor, now: datetime) -> ApiKey:
    """Revoke a key; revoking it again changes nothing.

    Raises:
        KeyNotFound: no such key in the actor's reach.
    """
    key = await queries.visible_key(session, actor, key_id, for_update=True)
    if key is None:
        raise KeyNotFound
    if key.revoked_at is None:
        key.revoked_at = now
        await session.flush()
        await note(
            session,
            city_code=key.city_code,
            action="key.revoked",
            subject=("api_key", str(key.id)),
            actor=actor.stamp(),
            data={"prefix": key.prefix},
            at=now,
        )
    return key


async def note_use(session: AsyncSession, used: Mapping[tuple[str, UUID], datetime]) -> None:
    """Write when keys were last used; `used` holds an instant by (city, key id)."""
    for (city_code, key_id), at in used.items():
        await session.execute(
            update(ApiKey)
            .where(ApiKey.city_code == city_code, ApiKey.id == key_id)
            .values(last_used_at=at)
        )
