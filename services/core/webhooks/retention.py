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
"""Most ids of a table that one turn deletes; the next turn continues."""


async def disown(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Disable endpoints whose owner's key is no longer valid; return how many."""
    return await disable_orphans(session, city_code, clock=clock)


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Delete old rows; return how many.

    Cheap if there is nothing to do: ids begin with the instant of their event, so the old ones are
    the beginning of each primary key. Attempts and bodies are dropped with the partition of their
    month (`core.partitions`); here only those in the default partition are deleted.
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
