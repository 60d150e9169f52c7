"""Replies kept for 24 hours, so that a repeated request gets the answer of the first.

A reply is written in the transaction of the work it answers for; a repeat that comes while
the first runs waits on the row's key, in Postgres.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import (
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.city_scope import in_city
from services.core.kit.database import Base, rows_changed
from services.core.kit.errors import DomainError, RefusalKind
from services.core.kit.text import Text as Sentence

KEPT = timedelta(hours=24)


class IdempotencyKeyReused(DomainError):
    """The `Idempotency-Key` belongs to an earlier request that was not the same."""

    code = "idempotency-key-reused"
    kind = RefusalKind.INVALID
    title = Sentence("幂等键已用于另一请求", "The idempotency key was used for another request")


class RequestInProgress(DomainError):
    """The first request with this `Idempotency-Key` has not answered within ten seconds."""

    code = "request-in-progress"
    kind = RefusalKind.CONFLICT
    title = Sentence("相同请求仍在处理", "The same request is still being processed")


class StoredReply(Base):
    """The reply to a (credential, key)."""

    __tablename__ = "stored_reply"
    __table_args__ = (Index(None, "created_at"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    credential_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    etag: Mapped[str | None] = mapped_column(Text)
    location: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The caller's credential, its idempotency key, and a digest of the request."""

    city_code: str
    credential_id: UUID
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class KeptReply:
    """The reply that the first request with a key got."""

    status: int
    body: bytes
    etag: str | None
    location: str | None


async def claim(session: AsyncSession, request: RequestKey, *, at: datetime) -> KeptReply | None:
    """Claim the key for this transaction; return the earlier reply if there is one.

    Raises:
        IdempotencyKeyReused: the earlier request was a different one.
        RequestInProgress: the earlier request has not answered within ten seconds.
    """
    try:
        claimed = await _take(session, request, at)
    except DBAPIError as error:
        # The first request holds the row until it commits; we gave up waiting after `lock_timeout`.
        if isinstance(getattr(error.orig, "__cause__", None), asyncpg.LockNotAvailableError):
            raise RequestInProgress from None
        raise
    if claimed:
        return None
    found = await find_reply(session, request)
    if found is None:  # the first was rolled back between our two statements
        raise RequestInProgress
    return found


async def _take(session: AsyncSession, request: RequestKey, at: datetime) -> bool:
    """Insert the row of a key, waiting for a concurrent insert; return whether it is ours.

    An expired row is taken over, whether or not it has been deleted yet.
    """
    fresh = {"request_digest": request.digest, "created_at": at}
    added = (
        insert(StoredReply)
        .values(
            city_code=request.city_code,
            credential_id=request.credential_id,
            key=request.key,
            **fresh,
        )
        .on_conflict_do_update(
            index_elements=("city_code", "credential_id", "key"),
            set_={**fresh, "status": None, "body": None, "etag": None, "location": None},
            where=StoredReply.created_at < at - KEPT,
        )
        .returning(StoredReply.key)
    )
    with in_city(request.city_code):
        taken = await session.execute(added)
    return taken.first() is not None


async def find_reply(
    session: AsyncSession, request: RequestKey, *, since: datetime | None = None
) -> KeptReply | None:
    """Return the reply stored for a request, if it was made since an instant.

    Raises:
        IdempotencyKeyReused: the stored reply answers another request.
    """
    wanted = select(StoredReply).where(
        StoredReply.city_code == request.city_code,
        StoredReply.credential_id == request.credential_id,
        StoredReply.key == request.key,
    )
    with in_city(request.city_code):
        found = await session.scalar(wanted)
    if found is None or (since is not None and found.created_at < since):
        return None
    if found.request_digest != request.digest:
        raise IdempotencyKeyReused
    return KeptReply(found.status or 0, found.body or b"", found.etag, found.location)


async def keep(
    session: AsyncSession,
    request: RequestKey,
    *,
    status: int,
    body: bytes,
    etag: str | None,
    location: str | None,
) -> None:
    """Store the reply under the key that this transaction has claimed, in its caller's city."""
    changed = (
        update(StoredReply)
        .where(
            StoredReply.city_code == request.city_code,
            StoredReply.credential_id == request.credential_id,
            StoredReply.key == request.key,
        )
        .values(status=status, body=body, etag=etag, location=location)
    )
    with in_city(request.city_code):
        await session.execute(changed)


async def forget_old(session: AsyncSession, city_code: str, *, now: datetime) -> int:
    """Delete the replies of a city that are older than 24 hours; return how many."""
    return await rows_changed(
        session,
        delete(StoredReply).where(
            StoredReply.city_code == city_code, StoredReply.created_at < now - KEPT
        ),
    )
