"""Making and revoking keys. Each change is written to the audit in the same transaction."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note
from services.core.identity import queries
from services.core.identity.actor import Actor
from services.core.identity.errors import KeyBeyondOwn, KeyNotFound
from services.core.identity.models import ApiKey, Organization
from services.core.identity.rules import (
    DEFAULT_SCOPES,
    GRANTABLE_SCOPES,
    ROLES_OF_ONE_ORGANIZATION,
    Permission,
    Role,
    Scope,
)
from services.core.identity.unknown import unknown_organization
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.horizons import TEN_YEARS, too_far_ahead
from services.core.kit.ids import new_id
from services.core.kit.nearest import with_closest
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
    plan_codes: Collection[str],
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is shown this once.

    `plan_codes` are the plans in the actor's reach.

    Raises:
        InvalidInput: the role lacks its unit, a code is unknown, a scope is beyond the role, or
            the key would reach further than the actor.
    """
    faults = [*_role_faults(request, now), *_reach_faults(request, actor)]
    faults += await _administrator_faults(session, request, actor)
    city_code = actor.city_code
    if request.plan_code is not None:
        if request.plan_code in set(plan_codes):
            city_code = request.plan_code.split("-", 1)[0]
        else:
            shown = {code: code for code in plan_codes}
            faults.append(_unknown("/plan", "plan-not-found", request.plan_code, shown))
    elif request.city_code is not None:
        reachable = actor.every_city or request.city_code == actor.city_code
        if reachable and await queries.city_exists(session, request.city_code):
            city_code = request.city_code
        else:
            cities = {code.split("-", 1)[0] for code in plan_codes} | {actor.city_code}
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
        faults.extend(_unit_faults(request, unit, names))
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
        scopes=sorted(scopes_of(request)),
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
    elif request.expires_at is not None:
        last_day = request.expires_at.date()
        yield from too_far_ahead("/expires_at", last_day, since=now.date(), most=TEN_YEARS)


def _reach_faults(request: KeyRequest, actor: Actor) -> Iterable[Fault]:
    """Yield where a key would reach beyond what its maker is bound to."""
    if actor.plan_code is not None and request.plan_code is None:
        yield Fault(
            "/plan",
            "plan-beyond-scope",
            Text(
                f"本密钥只限计划 {actor.plan_code}，请填写该计划",
                f"This key is bound to a plan: write {actor.plan_code}",
            ),
        )
    if actor.organization_code not in {None, request.organization_code}:
        yield Fault(
            "/organization_code",
            "organization-beyond-scope",
            Text(
                f"本密钥只限单位 {actor.organization_code}，请填写该单位",
                f"This key is bound to an organization: write {actor.organization_code}",
            ),
            request.organization_code,
        )


async def _administrator_faults(
    session: AsyncSession, request: KeyRequest, actor: Actor
) -> list[Fault]:
    """Return where a key that makes keys would do more, or last longer, than its maker's."""
    if request.role not in Permission.MANAGE_KEYS.roles:
        return []
    faults = []
    beyond = sorted(scopes_of(request) - actor.scopes)
    if beyond:
        own = ", ".join(sorted(actor.scopes))
        faults.append(
            Fault(
                "/scopes",
                "scope-beyond-own",
                Text(f"不能授予自己没有的权限范围，可授予：{own}", f"You can give: {own}"),
                ", ".join(beyond),
            )
        )
    maker = await session.get(ApiKey, (actor.city_code, actor.credential_id))
    ends = None if maker is None else maker.expires_at
    if ends is not None and (request.expires_at is None or request.expires_at > ends):
        faults.append(
            Fault(
                "/expires_at",
                "expiry-beyond-own",
                Text(
                    f"本密钥 {ends.isoformat()} 到期，所建管理密钥不得更晚",
                    f"Your own key expires at {ends.isoformat()}; this one not after that",
                ),
                None if request.expires_at is None else request.expires_at.isoformat(),
            )
        )
    return faults


def scopes_of(request: KeyRequest) -> frozenset[Scope]:
    """Return the scopes that a key is asked to have: those named, or its role's."""
    return DEFAULT_SCOPES[request.role] if request.scopes is None else frozenset(request.scopes)


def _unit_faults(
    request: KeyRequest, unit: Organization | None, names: Mapping[str, tuple[str, ...]]
) -> Iterable[Fault]:
    if unit is None and request.organization_code is not None:
        yield unknown_organization(request.organization_code, names)
    elif unit and request.role in ROLES_OF_ONE_ORGANIZATION and not unit.submits:
        yield Fault(
            "/organization_code",
            "organization-never-submits",
            Text("统称或占位名称不能填报", "A collective name or placeholder never submits"),
            request.organization_code,
        )


def _unknown(pointer: str, code: str, value: str, shown: Mapping[str, str]) -> Fault:
    said = Text("没有这个代码", "There is no such code")
    return Fault(pointer, code, with_closest(said, value, shown), value)


async def key_to_revoke(session: AsyncSession, key_id: UUID, *, actor: Actor) -> ApiKey:
    """Return a key that the actor may revoke, locked.

    Raises:
        KeyNotFound: no such key in the actor's reach.
        KeyBeyondOwn: it makes keys, and may do more than the actor's.
    """
    key = await queries.visible_key(session, actor, key_id, for_update=True)
    if key is None:
        raise KeyNotFound
    if key.role in Permission.MANAGE_KEYS.roles and not set(key.scopes) <= set(actor.scopes):
        raise KeyBeyondOwn
    return key


async def revoke_key(session: AsyncSession, key: ApiKey, *, actor: Actor, now: datetime) -> None:
    """Revoke a locked key; revoking it again changes nothing."""
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


async def note_use(session: AsyncSession, used: Mapping[tuple[str, UUID], datetime]) -> None:
    """Write when keys were last used; `used` holds an instant by (city, key id)."""
    for (city_code, key_id), at in used.items():
        await session.execute(
            update(ApiKey)
            .where(ApiKey.city_code == city_code, ApiKey.id == key_id)
            .values(last_used_at=at)
        )
