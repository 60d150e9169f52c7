"""Validates a key that is requested, or a change of one. Pure.

Nobody grants more than they have: a key reaches no further than its maker's. A key that makes keys
may also do no more, last no longer and be used from no other networks than its maker's.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from services.core.identity.actor import Actor
from services.core.identity.models import ApiKey, Organization
from services.core.identity.networks import beyond
from services.core.identity.rules import (
    ADMINISTRATORS,
    DEFAULT_SCOPES,
    GRANTABLE_SCOPES,
    ROLES,
    ROLES_OF_ONE_ORGANIZATION,
    Permission,
    Role,
    Scope,
)
from services.core.identity.unknown import unknown_organization
from services.core.kit.errors import Fault
from services.core.kit.faults import faults_of
from services.core.kit.horizons import TEN_YEARS, too_far_ahead
from services.core.kit.said import Title, trimmed
from services.core.kit.text import Text

_NAME: TypeAdapter[str] = TypeAdapter(Title)


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """The request for a key. `city_code` applies if neither plan nor unit decides the city.

    `allowed_networks` are CIDR blocks in canonical form; none: from anywhere.
    """

    name: str
    role: Role
    organization_code: str | None = None
    plan_code: str | None = None
    scopes: tuple[Scope, ...] | None = None
    expires_at: datetime | None = None
    city_code: str | None = None
    allowed_networks: tuple[str, ...] = ()


def scopes_of(request: KeyRequest) -> frozenset[Scope]:
    """Return the scopes of a requested key: those named, or its role's defaults."""
    return DEFAULT_SCOPES[request.role] if request.scopes is None else frozenset(request.scopes)


def name_faults(name: str) -> Iterable[Fault]:
    """Yield a fault if a name is blank, too long, or more than one line."""
    try:
        _NAME.validate_python(trimmed(name))
    except ValidationError as error:
        for fault in faults_of(error.errors(include_url=False)):
            yield replace(fault, pointer="/name")


def role_faults(request: KeyRequest) -> Iterable[Fault]:
    """Yield a fault if a role lacks its unit, or cannot carry a scope."""
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


def expiry_faults(expires_at: datetime | None, now: datetime) -> Iterable[Fault]:
    """Yield a fault if an expiry has passed, or is more than ten years ahead."""
    if expires_at is not None and expires_at <= now:
        yield Fault(
            "/expires_at",
            "expiry-in-the-past",
            Text("到期时间须晚于现在", "The expiry must be later than now"),
            expires_at.isoformat(),
        )
    elif expires_at is not None:
        yield from too_far_ahead("/expires_at", expires_at.date(), since=now.date(), most=TEN_YEARS)


def reach_faults(request: KeyRequest, actor: Actor) -> Iterable[Fault]:
    """Yield a fault if a key would reach beyond the plan or unit that its maker is bound to."""
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


def makes_keys(role: str) -> bool:
    """Return whether keys of a role may make keys."""
    return role in Permission.MANAGE_KEYS.roles


ROLES_OF_PARTNERS: frozenset[Role] = frozenset({"integrator", "superior"})
"""The roles that a partner's key may have: a system's, and another level of government's."""


def acts_for_partners(role: str) -> bool:
    """Return whether partners may act as keys of a role."""
    return role in ROLES_OF_PARTNERS


def administrator_faults(
    request: KeyRequest, actor: Actor, maker: ApiKey | None
) -> Iterable[Fault]:
    """Yield a fault if a key that makes keys would do more than its maker's, or last longer."""
    lacking = sorted(_lacking(scopes_of(request), request.role, actor))
    if lacking:
        own = ", ".join(sorted(actor.scopes))
        yield Fault(
            "/scopes",
            "scope-beyond-own",
            Text(f"不能授予自己没有的权限范围，可授予：{own}", f"You can give: {own}"),
            ", ".join(lacking),
        )
    yield from longer_faults(request.expires_at, maker)
    yield from network_faults(request.allowed_networks, maker)


def _lacking(scopes: Collection[str], role: str, actor: Actor) -> set[str]:
    """Return the scopes that an actor lacks to give, or change, a key that makes keys.

    For its own role it gives no scope that it lacks. A key of another administrator's role could
    hand it more than it has, so for that it must have all scopes of its own role.
    """
    if role == actor.role:
        return set(scopes) - actor.scopes
    return set(DEFAULT_SCOPES[actor.role] - actor.scopes)


def may_end(key: ApiKey, actor: Actor) -> bool:
    """Return whether an actor may revoke a key in its reach: not if it lacks scopes to give it."""
    return not (makes_keys(key.role) and _lacking(key.scopes, key.role, actor))


def gives(role: str, actor: Actor, *, separated: bool) -> bool:
    """Return whether an actor may give keys of a role.

    The security administrator gives administrators' keys. The system administrator gives all keys,
    but with `separated` duties only those of systems (integrator).
    """
    if actor.role == "security_admin":
        return role in ADMINISTRATORS
    return not separated or actor.kind == "operator" or role == "integrator"


def grant_faults(role: str, actor: Actor, *, separated: bool) -> Iterable[Fault]:
    """Yield a fault if the actor may not give keys of a role."""
    if gives(role, actor, separated=separated):
        return
    given = sorted(one for one in ROLES if gives(one, actor, separated=separated))
    yield Fault(
        "/role",
        "role-not-yours-to-give",
        Text(
            f"本角色可建的密钥：{'、'.join(given)}；填报、审核等岗位由安全管理员授予用户",
            f"Yours to give: {', '.join(given)}; posts of people are the security administrator's",
        ),
        role,
    )


def longer_faults(expires_at: datetime | None, maker: ApiKey | None) -> Iterable[Fault]:
    """Yield a fault if a key that makes keys would outlive its maker's; `maker` None: no limit."""
    ends = None if maker is None else maker.expires_at
    if ends is not None and (expires_at is None or expires_at > ends):
        yield Fault(
            "/expires_at",
            "expiry-beyond-own",
            Text(
                f"本密钥 {ends.isoformat()} 到期，所建管理密钥不得更晚",
                f"Your own key expires at {ends.isoformat()}; this one not after that",
            ),
            None if expires_at is None else expires_at.isoformat(),
        )


def network_faults(networks: Collection[str], maker: ApiKey | None) -> Iterable[Fault]:
    """Yield a fault if a key that makes keys works from networks that its maker's does not."""
    own = [] if maker is None else maker.allowed_networks
    outside = beyond(networks, own) if networks else ["0.0.0.0/0, ::/0"]
    if own and outside:
        shown = ", ".join(own)
        yield Fault(
            "/allowed_networks",
            "networks-beyond-own",
            Text(
                f"本密钥只能从 {shown} 使用，所建管理密钥须在其内",
                f"Your own key is used from {shown}; this one from within those",
            ),
            ", ".join(outside),
        )


def does_more(key: ApiKey, actor: Actor, maker: ApiKey | None) -> bool:
    """Return whether a key that makes keys may do more than the actor's, or lasts longer.

    Whoever changes such a key can get its secret, and so more rights than before. A key that an
    actor made with its own stays within its rights, and so remains its own to change.
    """
    if not makes_keys(key.role):
        return False
    if _lacking(key.scopes, key.role, actor):
        return True
    return any(longer_faults(key.expires_at, maker)) or any(
        network_faults(key.allowed_networks, maker)
    )


def unit_faults(
    request: KeyRequest, unit: Organization | None, names: Mapping[str, tuple[str, ...]]
) -> Iterable[Fault]:
    """Yield the faults of a key's unit; `names` are the names of the existing ones, by code."""
    if unit is None and request.organization_code is not None:
        yield unknown_organization(request.organization_code, names)
    elif unit and request.role in ROLES_OF_ONE_ORGANIZATION and not unit.submits:
        yield Fault(
            "/organization_code",
            "organization-never-submits",
            Text("统称或占位名称不能填报", "A collective name or placeholder never submits"),
            request.organization_code,
        )
