"""Makes, changes and ends partners and their secrets; every change is written to the audit.

A partner acts as one of our keys, whose rights, reach, networks and end apply. So a partner's
secret is worth as much as the key's. Whoever makes keys makes partners, for keys that are theirs to
give; nobody else changes a partner or renews its secret.
"""

import secrets as randomness
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.gateways import queries
from services.core.gateways.errors import PartnerRevoked, TooManyPartners
from services.core.gateways.models import Partner, PartnerSecret
from services.core.gateways.profiles import PROFILES
from services.core.gateways.sm_envelope import is_point, new_pair
from services.core.identity.actor import Actor
from services.core.identity.errors import KeyBeyondOwn
from services.core.identity.giving import ROLES_OF_PARTNERS, acts_for_partners, gives
from services.core.identity.models import ApiKey
from services.core.identity.queries import visible_key
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.nearest import with_nearest
from services.core.kit.sealing import Seal, SecretKeyNotSet
from services.core.kit.text import Text

MOST_PARTNERS = 200
"""Most active partners of a city."""

_PREFIX_BYTES = 5
_SECRET_BYTES = 32


def sm_context(partner_id: UUID) -> str:
    """Return the context that a partner's sealed private key for envelopes is bound to."""
    return f"partner.sm_private {partner_id}"


def secret_context(secret_id: UUID) -> str:
    """Return the context that a sealed secret is bound to."""
    return f"partner_secret {secret_id}"


async def create_partner(
    session: AsyncSession,
    *,
    settings: Mapping[str, Any],
    operations: Collection[str],
    actor: Actor,
    seal: Seal | None,
    now: datetime,
    separated: bool = False,
) -> tuple[Partner, str]:
    """Make a partner and return it with its secret, which is shown only this once.

    `operations` are the valid names in `interfaces`; `separated`: administrators' duties are.

    Raises:
        InvalidInput: a partner cannot act as the key, the actor may not give it, an operation is
            unknown, or networks are missing.
        SecretKeyNotSet: no sealing key is configured.
        TooManyPartners: the city has as many as it may have.
        SmNotInstalled: its profile has an envelope, and SM2 is not installed.
    """
    key = await visible_key(session, actor, settings["key_id"])
    faults = [
        *key_faults(key, now, actor, separated=separated),
        *settings_faults(settings, settings["profile"], operations),
    ]
    if faults or key is None:
        raise InvalidInput(faults=faults)
    if seal is None:
        raise SecretKeyNotSet
    pair = new_pair() if PROFILES[settings["profile"]].envelope else None
    await lock_name(session, f"partners of {key.city_code}")
    if await queries.partner_count(session, key.city_code) >= MOST_PARTNERS:
        raise TooManyPartners
    partner_id = new_id()
    partner = Partner(
        city_code=key.city_code,
        id=partner_id,
        own_sm_public_key=None if pair is None else pair[1].hex(),
        sm_private_sealed=None if pair is None else seal.seal(pair[0], sm_context(partner_id)),
        app_id=f"gw_{key.city_code}_{randomness.token_hex(_PREFIX_BYTES)}",
        created_at=now,
        revoked_at=None,
        last_call_at=None,
        calls=0,
        faults=0,
        version=1,
        **settings,
    )
    session.add(partner)
    await session.flush()
    secret = await _add_secret(session, partner, seal, now)
    await note_of(
        session,
        "partner",
        partner,
        "partner.created",
        actor=actor.stamp(),
        data=shown_settings(partner),
        at=now,
    )
    return partner, secret


async def edit_partner(
    session: AsyncSession,
    partner: Partner,
    *,
    changes: Mapping[str, Any],
    operations: Collection[str],
    actor: Actor,
    now: datetime,
) -> None:
    """Change the given settings of a locked partner; if none is given, nothing is written.

    Raises:
        InvalidInput: they have faults.
        PartnerRevoked: it was revoked.
    """
    kept = {"allowed_networks": partner.allowed_networks, "sm_public_key": partner.sm_public_key}
    whole = {**kept, **changes}
    faults = list(settings_faults(whole, partner.profile, operations))
    if faults:
        raise InvalidInput(faults=faults)
    if partner.revoked_at is not None:
        raise PartnerRevoked
    if not changes:
        return
    for name, value in changes.items():
        setattr(partner, name, value)
    partner.version += 1
    await session.flush()
    await note_of(
        session, "partner", partner, "partner.changed", actor=actor.stamp(), data=changes, at=now
    )


async def rotate_secret(
    session: AsyncSession,
    partner: Partner,
    *,
    overlap: timedelta,
    actor: Actor,
    seal: Seal | None,
    now: datetime,
) -> str:
    """Give a locked partner a new secret and return it; the former one is valid for `overlap`.

    At most two are valid: one that was replaced earlier ends now.

    Raises:
        PartnerRevoked: it was revoked.
        SecretKeyNotSet: no sealing key is configured.
    """
    if partner.revoked_at is not None:
        raise PartnerRevoked
    if seal is None:
        raise SecretKeyNotSet
    live = (await queries.secrets_of(session, [partner], now=now))[partner.id]
    for old in live:
        old.expires_at = now + overlap if old is live[0] else now
    secret = await _add_secret(session, partner, seal, now)
    partner.version += 1
    await session.flush()
    told = {"overlap_seconds": int(overlap.total_seconds())}
    await note_of(
        session, "partner", partner, "partner.rotated", actor=actor.stamp(), data=told, at=now
    )
    return secret


async def revoke_partner(
    session: AsyncSession, partner: Partner, *, actor: Actor, now: datetime
) -> None:
    """Revoke a locked partner; idempotent."""
    if partner.revoked_at is None:
        partner.revoked_at = now
        partner.version += 1
        await session.flush()
        await note_of(session, "partner", partner, "partner.revoked", actor=actor.stamp(), at=now)


async def check_gives(
    session: AsyncSession, partner: Partner, *, actor: Actor, separated: bool
) -> None:
    """Refuse an actor that would gain rights: a partner's secret is worth as much as its key's.

    Raises:
        KeyBeyondOwn: the actor may not give keys of that role; `separated`: administrators' duties
            are.
    """
    key = await visible_key(session, actor, partner.key_id)
    if key is None or not gives(key.role, actor, separated=separated):
        raise KeyBeyondOwn


def key_faults(
    key: ApiKey | None, now: datetime, actor: Actor, *, separated: bool
) -> Sequence[Fault]:
    """Return why an actor may not let a partner act as a key; empty: it may."""
    if key is None:
        said = Text("没有这个密钥", "There is no such key")
        return [Fault("/key_id", "key-not-found", said)]
    if not acts_for_partners(key.role):
        listed = ", ".join(sorted(ROLES_OF_PARTNERS))
        said = Text(
            f"对接方只能以这些角色的密钥行事：{listed}",
            f"A partner acts as a key of one of these roles: {listed}",
        )
        return [Fault("/key_id", "key-not-for-partners", said, key.role)]
    if not gives(key.role, actor, separated=separated):
        said = Text(
            "三员分离时，系统管理员只能让对接方以系统（integrator）的密钥行事",
            "With separated administrators a partner acts as a key of a system (integrator)",
        )
        return [Fault("/key_id", "role-not-yours-to-give", said, key.role)]
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        said = Text("该密钥已吊销或已到期", "The key was revoked or has expired")
        return [Fault("/key_id", "key-ended", said)]
    return []


def settings_faults(
    settings: Mapping[str, Any], profile: str, operations: Collection[str]
) -> Sequence[Fault]:
    """Return the faults in settings of a partner that signs by a profile."""
    faults = [
        Fault(
            f"/interfaces/{place}",
            "unknown-interface",
            with_nearest(Text("没有这个接口", "There is no such operation"), name, operations),
            name,
        )
        for place, name in enumerate(settings.get("interfaces", ()))
        if name not in operations
    ]
    if not PROFILES[profile].signs_all and not settings.get("allowed_networks"):
        said = Text(
            f"签名方式 {profile} 不保护请求内容，须填写对方的网段",
            f"The profile {profile} does not sign all of a request: name the partner's networks",
        )
        faults.append(Fault("/allowed_networks", "networks-required", said))
    return [*faults, *_envelope_faults(settings.get("sm_public_key"), profile)]


def _envelope_faults(public_key: str | None, profile: str) -> Sequence[Fault]:
    if not PROFILES[profile].envelope:
        if public_key is None:
            return []
        said = Text(f"{profile} 不用国密公钥", f"The profile {profile} takes no key of SM2")
        return [Fault("/sm_public_key", "sm-key-not-taken", said)]
    if public_key is None:
        said = Text("须填写对方的 SM2 公钥", "The partner's public key of SM2 is required")
        return [Fault("/sm_public_key", "missing", said)]
    if not is_point(bytes.fromhex(public_key)):
        said = Text("不是 SM2 曲线上的点", "This is no point of the curve of SM2")
        return [Fault("/sm_public_key", "sm-key-malformed", said)]
    return []


async def _add_secret(session: AsyncSession, partner: Partner, seal: Seal, now: datetime) -> str:
    text, secret_id = randomness.token_urlsafe(_SECRET_BYTES), new_id()
    session.add(
        PartnerSecret(
            city_code=partner.city_code,
            id=secret_id,
            partner_id=partner.id,
            secret_sealed=seal.seal(text.encode(), secret_context(secret_id)),
            created_at=now,
            expires_at=None,
        )
    )
    await session.flush()
    return text


def shown_settings(partner: Partner) -> dict[str, object]:
    """Return the settings in the form that the audit stores."""
    return {
        "name": partner.name,
        "app_id": partner.app_id,
        "profile": partner.profile,
        "key_id": str(partner.key_id),
        "allowed_networks": partner.allowed_networks,
        "interfaces": partner.interfaces,
        "output_fields": partner.output_fields,
        "sm_public_key": partner.sm_public_key,
        "per_minute": partner.per_minute,
        "per_day": partner.per_day,
    }
