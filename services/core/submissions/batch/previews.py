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
"""So many previews of one credential are kept; the oldest gives way."""

_FAST = 1
"""The level of compression at which rows shrink to a tenth in no time worth speaking of."""


@dataclass(frozen=True, slots=True)
class KeptPreview:
    """A batch that was tried: what was sent, in the door's words, and what it was decided on."""

    id: UUID
    sent: bytes
    grounds: Grounds

    def check(self, outcome: BatchOutcome, plan: PlanState) -> None:
        """Refuse what was just carried out where it is not what was previewed.

        Raises:
            PreviewOutdated: something that it was decided on has moved.
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
    """Keep what was sent and what it was decided on; return the id to commit it by.

    `maker` is the credential that alone may do so.
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
        # Another request of the same credential drops them at this moment.
        if not is_contended(error):
            raise
    return preview_id


def _packed(sent: bytes, grounds: Grounds) -> tuple[bytes, bytes]:
    return zlib.compress(sent, _FAST), zlib.compress(grounds.to_json(), _FAST)


async def take(
    session: AsyncSession, preview_id: UUID, *, plan: PlanState, actor: Actor, now: datetime
) -> KeptPreview:
    """Return a preview, which is no more once this transaction is committed.

    Raises:
        PreviewNotFound: it is not there, too old, or not the actor's.
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
    """Drop the previews of a city that are older than an hour; return how many."""
    old = {"city": city_code, "oldest": first_id_at(now - KEPT)}
    return await rows_changed(session, statements.DROP_OLD_PREVIEWS, old)
