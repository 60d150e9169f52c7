"""Changes keys: their name, their end, the networks they may be used from, and their secret."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.identity import queries
from services.core.identity.actor import Actor
from services.core.identity.errors import KeyBeyondOwn, KeyNotFound, KeyRevoked
from services.core.identity.giving import (
    does_more,
    expiry_faults,
    gives,
    longer_faults,
    makes_keys,
    network_faults,
)
from services.core.identity.models import ApiKey, FormerSecret
from services.core.identity.service import maker_of
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.secrets import MOST_OLD_SECRETS, TooManyOldSecrets, mint


async def key_to_change(
    session: AsyncSession, key_id: UUID, *, actor: Actor, separated: bool = False
) -> ApiKey:
    """Return a key that the actor may change, locked; `separated`: administrators' duties are.

    Raises:
        KeyNotFound: no such key in the actor's reach.
        KeyBeyondOwn: it makes keys and may do more, or lasts longer, than the actor's; or the actor
            may not give keys of its role.
    """
    key = await queries.visible_key(session, actor, key_id, for_update=True)
    if key is None:
        raise KeyNotFound
    given = gives(key.role, actor, separated=separated)
    if not given or does_more(key, actor, await maker_of(session, actor)):
        raise KeyBeyondOwn
    return key


async def edit_key(
    session: AsyncSession,
    key: ApiKey,
    *,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    """Change those of `name`, `expires_at` and `allowed_networks` that are given, of a locked key.

    If none is given, nothing is written.

    Raises:
        InvalidInput: the expiry has passed, or the key would do more than the actor's.
        KeyRevoked: it was revoked.
    """
    faults: list[Fault] = []
    maker = await maker_of(session, actor) if makes_keys(key.role) else None
    if "expires_at" in changes:
        faults += expiry_faults(changes["expires_at"], now)
        faults += longer_faults(changes["expires_at"], maker)
    if "allowed_networks" in changes:
        faults += network_faults(changes["allowed_networks"], maker)
    if faults:
        raise InvalidInput(faults=faults)
    if key.revoked_at is not None:
        raise KeyRevoked
    if not changes:
        return
    for name, value in changes.items():
        setattr(key, name, value)
    key.version += 1
    await session.flush()
    told = {name: str(one) if isinstance(one, datetime) else one for name, one in changes.items()}
    await note_of(session, "api_key", key, "key.changed", actor=actor.stamp(), data=told, at=now)


async def rotate_key(
    session: AsyncSession, key: ApiKey, *, overlap: timedelta, actor: Actor, now: datetime
) -> str:
    """Give a locked key a new secret and return it; older ones stay valid for at most `overlap`.

    Raises:
        KeyRevoked: it was revoked.
        TooManyOldSecrets: ten older secrets would be valid beside it.
    """
    if key.revoked_at is not None:
        raise KeyRevoked
    until = now + overlap
    former = (await queries.former_secrets(session, [key], now=now))[key.id]
    if overlap and len(former) >= MOST_OLD_SECRETS:
        raise TooManyOldSecrets
    for old in former:
        old.expires_at = min(old.expires_at, until)
    await session.flush()
    await session.execute(
        delete(FormerSecret).where(
            FormerSecret.city_code == key.city_code,
            FormerSecret.key_id == key.id,
            FormerSecret.expires_at <= now,
        )
    )
    if overlap:
        session.add(
            FormerSecret(
                city_code=key.city_code,
                secret_digest=key.secret_digest,
                key_id=key.id,
                prefix=key.prefix,
                expires_at=until,
            )
        )
    minted = mint(f"wufei_{key.city_code}")
    key.prefix, key.secret_digest = minted.prefix, minted.digest
    key.version += 1
    await session.flush()
    told = {"prefix": key.prefix, "overlap_seconds": int(overlap.total_seconds())}
    await note_of(session, "api_key", key, "key.rotated", actor=actor.stamp(), data=told, at=now)
    return minted.text
