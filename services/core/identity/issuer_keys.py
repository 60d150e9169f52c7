"""The stored keys of foreign issuers: the latest that could be fetched, and when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.models import IssuerKeys


async def keep_issuer_keys(
    session: AsyncSession, issuer: str, keys: Sequence[dict[str, Any]], *, now: datetime
) -> None:
    """Save the keys that an issuer publishes now, replacing the former ones."""
    values = {"keys": list(keys), "fetched_at": now, "tried_at": now, "fault": None}
    written = insert(IssuerKeys).values(issuer=issuer, **values)
    await session.execute(
        written.on_conflict_do_update(index_elements=[IssuerKeys.issuer], set_=values)
    )


async def note_failure(session: AsyncSession, issuer: str, fault: str, *, now: datetime) -> None:
    """Record that an issuer's keys could not be fetched; the former ones are kept for a day."""
    written = insert(IssuerKeys).values(
        issuer=issuer, keys=[], fetched_at=None, tried_at=now, fault=fault
    )
    await session.execute(
        written.on_conflict_do_update(
            index_elements=[IssuerKeys.issuer], set_={"tried_at": now, "fault": fault}
        )
    )
