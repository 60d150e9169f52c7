"""Signing keys in their table: made in time, and withdrawn once no token depends on them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.actions import AuditAction
from services.core.audit.service import note
from services.core.identity import queries
from services.core.identity.models import TokenKey
from services.core.identity.signing_keys import (
    IssuingKey,
    can_sign,
    new_signing_key,
    next_from,
    outlived,
)
from services.core.kit.city_scope import in_city
from services.core.kit.sealing import Seal


async def keep_signing_keys(
    session: AsyncSession, *, seal: Seal, actor: Mapping[str, object], now: datetime
) -> bool:
    """Make the next signing key if it is due, delete those outlived; return whether it did either.

    If two processes make one at once, the first wins. The audit of every city records it.
    """
    keys = await queries.token_keys(session)
    ours = [key for key in keys if can_sign(key, seal)]
    signs_from = next_from(ours, now)
    made = None
    if signs_from is not None:
        number = max((key.number for key in keys), default=0) + 1
        made = await _add(session, new_signing_key(number, signs_from=signs_from, seal=seal))
    gone = outlived(ours, now)
    if gone:
        numbers = [key.number for key in gone]
        await session.execute(delete(TokenKey).where(TokenKey.number.in_(numbers)))
    told: list[tuple[AuditAction, IssuingKey]] = []
    if made is not None:
        told.append(("token_key.made", made))
    told += [("token_key.withdrawn", key) for key in gone]
    for city_code in await queries.city_codes(session) if told else ():
        for action, key in told:
            data = {"number": key.number, "signs_from": key.signs_from.isoformat()}
            with in_city(city_code):
                await note(
                    session,
                    city_code=city_code,
                    action=action,
                    subject=("token_key", key.kid),
                    actor=actor,
                    data=data,
                    at=now,
                )
    return bool(told)


async def _add(session: AsyncSession, key: IssuingKey) -> IssuingKey | None:
    """Insert a new key and return it; None: another process has taken its number."""
    written = await session.execute(
        insert(TokenKey)
        .values(
            number=key.number,
            kid=key.kid,
            public_key=key.public,
            private_key_sealed=key.sealed,
            signs_from=key.signs_from,
        )
        .on_conflict_do_nothing()
        .returning(TokenKey.number)
    )
    return key if written.first() is not None else None


async def reseal_signing_keys(session: AsyncSession, seal: Seal) -> tuple[int, int, int]:
    """Reseal the private halves that today's key and cipher did not seal.

    Returns how many there are, how many were resealed, and how many cannot be opened. A key that
    is changed meanwhile is left alone.
    """
    keys = await queries.token_keys(session)
    old = [key for key in keys if not seal.is_current(key.sealed)]
    renewed = 0
    for key in old:
        if can_sign(key, seal):
            renewed += 1
            await session.execute(
                update(TokenKey)
                .where(TokenKey.number == key.number, TokenKey.private_key_sealed == key.sealed)
                .values(private_key_sealed=key.resealed(seal))
            )
    return len(keys), renewed, len(old) - renewed
