"""Dry runs of batches, stored for an hour so that their maker can commit exactly that batch."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.kit.database import rows_changed
from services.core.kit.ids import first_id_at, made_at, new_id
from services.core.kit.outage import is_contended
from services.core.plan.state import PlanState
from services.core.submissions import queries
from services.core.submissions.batch import statements
from services.core.submissions.batch.grounds import Grounds, grounds_of
from services.core.submissions.batch.service import BatchOutcome
from services.core.submissions.errors import PreviewNotFound, PreviewOutdated

KEPT = timedelta(hours=1)
MOST_KEPT = 10
"""At most this many previews are stored per credential; the oldest is dropped."""

_FAST = 1
"""Compression level: the rows shrink to a tenth in negligible time."""


@dataclass(frozen=True, slots=True)
class KeptPreview:
    """A batch that was tried: the request as the API received it, and what it was decided on."""

    id: UUID
    sent: bytes
    grounds: Grounds

    def check(self, outcome: BatchOutcome, plan: PlanState) -> None:
        """Refuse a batch that was just carried out if it differs from its preview.

        Raises:
            PreviewOutdated: data that it was decided on has changed.
        """
        day = self.grounds.local_date
        now = grounds_of(outcome.decided, outcome.periods, outcome.compared, plan, day)
        moved = self.grounds.moved(now)
        if moved is not None:
            raise PreviewOutdated(extra={"moved": moved})


def expires_at(preview_id: UUID) -> datetime:
    """Return until when a preview can be committed."""
    return made_at(preview_id) + KEPT


async def keep(
    session: AsyncSession, sent: bytes, grounds: Grounds, *, plan: PlanState, maker: UUID
) -> UUID:
    """Store a request and what it was decided on; return the id that commits it.

    Only the credential `maker` may commit it.
    """
    packed = await asyncio.to_thread(_packed, sent, grounds)
    preview_id = new_id()
    place: Mapping[str, object] = {"city": plan.city_code, "credential": maker}
    await session.execute(
        statements.KEEP_PREVIEW,
        {
            **place,
            "id": preview_id,
            "plan": plan.code,
            "request": packed[0],
            "grounds": packed[1],
        },
    )
    try:
        async with session.begin_nested():
            await session.execute(statements.DROP_EARLIER_PREVIEWS, {**place, "most": MOST_KEPT})
    except DBAPIError as error:
        # A concurrent request of the same credential is dropping them.
        if not is_contended(error):
            raise
    return preview_id


def _packed(sent: bytes, grounds: Grounds) -> tuple[bytes, bytes]:
    return zlib.compress(sent, _FAST), zlib.compress(grounds.to_json(), _FAST)


async def take(
    session: AsyncSession, preview_id: UUID, *, plan: PlanState, actor: Actor, now: datetime
) -> KeptPreview:
    """Return a preview, and delete it with this transaction.

    Raises:
        PreviewNotFound: it does not exist, is too old, or is not the actor's.
    """
    found = await queries.preview_for_update(session, actor, plan.code, preview_id)
    if found is None or expires_at(preview_id) <= now:
        raise PreviewNotFound
    await session.execute(statements.DROP_PREVIEW, {"city": plan.city_code, "id": preview_id})
    sent, grounds = await asyncio.to_thread(_unpacked, found.request, found.grounds)
    return KeptPreview(preview_id, sent, grounds)


def _unpacked(sent: bytes, grounds: bytes) -> tuple[bytes, Grounds]:
    return zlib.decompress(sent), Grounds.from_json(zlib.decompress(grounds))


async def forget_previews(session: AsyncSession, city_code: str, *, now: datetime) -> int:
    """Delete a city's previews that are older than an hour; return how many."""
    old = {"city": city_code, "oldest": first_id_at(now - KEPT)}
    return await rows_changed(session, statements.DROP_OLD_PREVIEWS, old)
