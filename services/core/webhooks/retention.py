"""Date-driven upkeep of webhooks: lost scopes, and deletion of old deliveries."""

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.clock import Clock
from services.core.kit.database import rows_changed
from services.core.kit.ids import first_id_at
from services.core.kit.operations import forget_old_operations
from services.core.kit.partitions import TimeSpan
from services.core.webhooks.lifecycle import disable_orphans
from services.core.webhooks.models import WebhookSecret
from services.core.webhooks.rules import KEPT
from services.core.webhooks.statements import DROP_OLD, DROP_PARTED

_AT_ONCE = 5000
"""Most ids of a table that one turn drops; the next turn goes on."""


async def disown(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Disable endpoints whose owner's key is good no more; return how many."""
    return await disable_orphans(session, city_code, clock=clock)


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Drop what is too old; return how many rows that were.

    Cheap where there is nothing to do: ids begin with the instant of their event, so what is
    too old is the beginning of each primary key. Attempts and bodies go with the part of their
    month (`core.partitions`); here go those that lie in the part for the rest.
    """
    now = clock.true_now()
    place = {"city": city_code, "most": _AT_ONCE}
    oldest = {**place, "oldest": first_id_at(now - KEPT)}
    dropped = await rows_changed(session, DROP_OLD, oldest)
    month = {**place, "oldest": first_id_at(TimeSpan.MONTH.start(now - KEPT))}
    for statement in DROP_PARTED:
        dropped += await rows_changed(session, statement, month)
    dropped += await rows_changed(
        session,
        delete(WebhookSecret).where(
            WebhookSecret.city_code == city_code, WebhookSecret.expires_at < func.now()
        ),
    )
    return dropped + await forget_old_operations(session, city_code, now=clock.now())
